"""Attentive but diverse network: attention whose features are kept diverse by orthogonality."""

import copy
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vreid.models.backbones.resnet import resnet50_parts
from vreid.models.layers.classifier import identity_classifier
from vreid.models.layers.dual_attention import ChannelAttention, PositionAttention
from vreid.models.layers.orthogonality import eigenvalue_gap
from vreid.models.layers.stripes import pooled, stripes
from vreid.models.output import Output
from vreid.params.models.backbone import Backbone
from vreid.params.models.hamnet import Abd as AbdConfig

REDUCTION = 2
"""Channels of the backbone for each channel of a branch: 2048 to 1024."""

PARTS = 2
MAP_DROPOUT = 0.1
SHALLOW_SHARE = 0.01
"""Weight of the shallow map's penalty beside the deep maps'."""


class Abd(nn.Module):
    """ABD-Net (Chen et al., "ABD-Net: Attentive but Diverse Person Re-Identification", ICCV 2019).

    Channel attention after conv2_x; after conv4_x two branches, each with a copy of conv5_x without stride.
    The global one reduces the mean of its map. The attentive one reduces its map, cuts it into two stripes,
    and sums for each what is seen as it is, by channel and by position attention. Three classifiers; the
    three vectors before them are the embeddings and, one after the other, the representation: 3 x 1024
    numbers as published.

    The penalties are the gaps between the largest and the smallest eigenvalue (`eigenvalue_gap`), with the
    weights of the configuration: of the feature maps, the mean over the images of the sum over four places of
    the attentive branch (each the mean of its stripes) and of a hundredth of the shallow map's; and of the
    first convolution's kernels, squared. Its released code means all convolutions but reaches that one alone.
    """

    def __init__(self, backbone: Backbone, config: AbdConfig, classes: int) -> None:
        super().__init__()
        parts = resnet50_parts(backbone, last_stride=1)
        channels = parts.channels[3]
        reduced = max(1, channels // REDUCTION)
        self.stem = parts.stem
        self.layer1 = parts.layer1
        self.shallow = ChannelAttention()
        self.trunk = nn.Sequential(parts.layer2, parts.layer3)
        self.global_branch = _GlobalBranch(parts.layer4, channels, reduced, config.dropout)
        self.attentive_branch = _AttentiveBranch(copy.deepcopy(parts.layer4), channels, reduced)
        self.classifiers = nn.ModuleList(identity_classifier(reduced, classes) for _ in range(1 + PARTS))
        self.feature_penalty = config.feature_penalty
        self.weight_penalty = config.weight_penalty

    def forward(self, images: Tensor) -> Output:
        """Return the `Output` of normalised `images` (B, 3, H, W); in training B is at least 2."""
        shallow = self.shallow(self.layer1(self.stem(images)))
        shared = self.trunk(shallow)
        seen = self.attentive_branch(shared)
        vectors = (self.global_branch(shared), *seen.vectors)
        feature = torch.cat(vectors, dim=1)
        if not self.training:
            return Output((), vectors, before_neck=feature, after_neck=feature)
        with torch.autocast(images.device.type, enabled=False):
            logits = tuple(
                classify(vector) for classify, vector in zip(self.classifiers, vectors, strict=True)
            )
            penalties = self._penalties(shallow, seen.maps)
        return Output(logits, vectors, before_neck=feature, after_neck=feature, penalties=penalties)

    def _penalties(self, shallow: Tensor, deep: list[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
        gaps = SHALLOW_SHARE * eigenvalue_gap(shallow.flatten(2))
        for places in deep:
            gaps = gaps + torch.stack([eigenvalue_gap(place.flatten(2)) for place in places]).mean(dim=0)
        kernels = self.stem.get_parameter("conv1.weight").flatten(1)[None]
        return (
            self.feature_penalty * gaps.mean(),
            self.weight_penalty * eigenvalue_gap(kernels).square().sum(),
        )


class _Seen(NamedTuple):
    # vectors: one (B, C) per stripe. maps: for each of four places the map (B, C, h, W) of every stripe.
    vectors: tuple[Tensor, ...]
    maps: list[tuple[Tensor, ...]]


class _AttentiveBranch(nn.Module):
    """Each stripe as it is, by channel and by position attention, summed; stripes share the heads."""

    def __init__(self, stage: nn.Module, channels: int, reduced: int) -> None:
        super().__init__()
        self.stage = stage
        self.reduction = nn.Sequential(
            nn.Conv2d(channels, reduced, 1, bias=False), nn.BatchNorm2d(reduced), nn.ReLU()
        )
        inner = max(1, reduced // REDUCTION)
        attentions = (nn.Identity(), ChannelAttention(), PositionAttention(inner))
        self.heads = nn.ModuleList(_head(reduced, inner, attention) for attention in attentions)
        self.mix = nn.Sequential(nn.Dropout2d(MAP_DROPOUT), nn.Conv2d(reduced, reduced, 1))

    def forward(self, shared: Tensor) -> _Seen:
        reduced = self.reduction(self.stage(shared))
        seen = [tuple(head(stripe) for head in self.heads) for stripe in stripes(reduced, PARTS, 2)]
        mixed = tuple(self.mix(sum(maps)) for maps in seen)
        vectors = tuple(pooled(stripe, "average") for stripe in mixed)
        return _Seen(vectors, [*zip(*seen, strict=True), mixed])


def _head(channels: int, inner: int, attention: nn.Module) -> nn.Sequential:
    def convolution(from_channels: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(from_channels, inner, 3, padding=1, bias=False), nn.BatchNorm2d(inner), nn.ReLU()
        )

    last = nn.Sequential(nn.Dropout2d(MAP_DROPOUT), nn.Conv2d(inner, channels, 1))
    return nn.Sequential(convolution(channels), attention, convolution(inner), last)


class _GlobalBranch(nn.Module):
    def __init__(self, stage: nn.Module, channels: int, reduced: int, dropout: float) -> None:
        super().__init__()
        self.stage = stage
        self.reduction = nn.Sequential(
            nn.Linear(channels, reduced), nn.BatchNorm1d(reduced), nn.ReLU(), nn.Dropout(dropout)
        )

    def forward(self, shared: Tensor) -> Tensor:
        vector = pooled(self.stage(shared), "average")
        with torch.autocast(vector.device.type, enabled=False):
            reduced: Tensor = self.reduction(vector)
        return reduced
