"""The networks of the SANet paper: self-aligned spatial features for vehicles seen from above."""

import copy

import torch
from torch import Tensor, nn

from vreid.models.backbones.resnet import resnet50_parts, with_stride
from vreid.models.backbones.scaling import scaled
from vreid.models.layers.alignment import SelfAlignment
from vreid.models.layers.classifier import identity_classifier
from vreid.models.layers.stripes import pooled, stripes
from vreid.models.output import Output
from vreid.params.models.sanet import SaNet as SaNetConfig

WHOLE, TOP_DOWN, LEFT_RIGHT = "whole", "top_down", "left_right"

STRIPES_ALONG = {TOP_DOWN: 2, LEFT_RIGHT: 3}
"""The dimension of a map (B, C, H, W) that a spatial branch cuts."""


class SaNet(nn.Module):
    """ResNet-50 with one global and two spatial branches (sec. II-A, Fig. 2).

    The first four blocks are shared; each branch has a fifth of its own, all three starting from the same
    weights. The global branch keeps its stride of 2. The spatial ones take the map that the self-alignment
    module, which they share, has turned; they leave it at its resolution and cut what comes out into M
    stripes, one below or beside the other. Every map or stripe is pooled and reduced by a 1x1 convolution
    of its own with batch normalisation: 512 numbers each at the published width, 512 (1 + 2 M) in all.

    A branch has one classifier (Eq. 2), over its stripes side by side; the triplet loss takes every feature
    by itself. With `parts` 0 the global branch is left alone: without reduction it is the paper's baseline, a
    ResNet-50 with its 2048 numbers pooled.

    Parameters are named `shared`, `alignment`, `blocks`, `reductions` and `classifiers`.
    """

    def __init__(self, config: SaNetConfig, classes: int) -> None:
        super().__init__()
        parts = resnet50_parts(config.backbone, last_stride=2)
        self.parts = config.parts
        self.pooling = config.pooling
        self.spatial_triplet = config.spatial_triplet and config.parts > 0
        self.shared = nn.Sequential(parts.stem, parts.layer1, parts.layer2, parts.layer3)
        self.alignment = (
            _alignment(config, parts.channels[2]) if config.alignment and config.parts else nn.Identity()
        )
        spatial = tuple(STRIPES_ALONG) if config.parts else ()
        stripes_of = {WHOLE: 1} | dict.fromkeys(spatial, config.parts)
        fifths = {branch: with_stride(copy.deepcopy(parts.layer4), 1) for branch in spatial}
        self.blocks = nn.ModuleDict({WHOLE: parts.layer4} | fifths)
        channels = parts.channels[3]
        numbers = channels if config.reduced is None else scaled(config.reduced, config.backbone.width)
        self.reductions = nn.ModuleDict(
            {
                branch: nn.ModuleList(_reduction(config, channels, numbers) for _ in range(count))
                for branch, count in stripes_of.items()
            }
        )
        self.classifiers = nn.ModuleDict(
            {branch: identity_classifier(count * numbers, classes) for branch, count in stripes_of.items()}
        )

    def forward(self, images: Tensor) -> Output:
        """Return the `Output` of normalised `images` (B, 3, H, W), H and W at least 32 pixels.

        The representation is all features side by side: global, the stripes from the top down, the stripes
        from left to right. Nothing is normalised behind it.
        """
        shared = self.shared(images)
        features = {WHOLE: self._features(WHOLE, (self.blocks[WHOLE](shared),))}
        if self.parts:
            aligned = self.alignment(shared)
            for branch, along in STRIPES_ALONG.items():
                maps = stripes(self.blocks[branch](aligned), self.parts, along)
                features[branch] = self._features(branch, maps)
        single = tuple(feature for branch in features.values() for feature in branch)
        whole = torch.cat(single, dim=1)
        metric = (*single, torch.cat(single[1:], dim=1)) if self.spatial_triplet else single
        return Output(self._scores(features), metric, before_neck=whole, after_neck=whole)

    def thetas(self, images: Tensor) -> Tensor:
        """Return the transform (B, 2, 3) that the self-alignment module takes each of `images` by.

        It is that of `vreid.models.layers.alignment.transformed`; the identity without such a module.
        """
        if isinstance(self.alignment, SelfAlignment):
            return self.alignment.theta(self.shared(images))
        return torch.eye(2, 3, device=images.device).expand(len(images), 2, 3)

    def _features(self, branch: str, maps: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        reductions = self.reductions[branch].children()
        with torch.autocast(maps[0].device.type, enabled=False):
            return tuple(
                reduce(pooled(part, self.pooling)) for reduce, part in zip(reductions, maps, strict=True)
            )

    def _scores(self, features: dict[str, tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
        if not self.training:
            return ()
        some = next(iter(features.values()))[0]
        with torch.autocast(some.device.type, enabled=False):
            return tuple(self.classifiers[branch](torch.cat(f, dim=1)) for branch, f in features.items())


def build(config: SaNetConfig, classes: int) -> SaNet:
    """Return the model for `classes` identities; see `vreid.models.factory.build_model`."""
    return SaNet(config, classes)


def _alignment(config: SaNetConfig, channels: int) -> SelfAlignment:
    sizes, width = config.localisation, config.backbone.width
    first, second = sizes.channels
    return SelfAlignment(
        channels,
        (scaled(first, width), scaled(second, width)),
        sizes.strides,
        sizes.grid,
        scaled(sizes.hidden, width),
        config.padding,
        config.align_corners,
    )


def _reduction(config: SaNetConfig, channels: int, numbers: int) -> nn.Module:
    """Return the 1x1 convolution of a pooled map (B, C), which is a linear map, and its normalisation."""
    if config.reduced is None:
        return nn.Identity()
    layers: list[nn.Module] = [nn.Linear(channels, numbers, bias=False), nn.BatchNorm1d(numbers)]
    return nn.Sequential(*layers, *([nn.ReLU(inplace=True)] if config.relu else []))
