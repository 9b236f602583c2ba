"""The networks of the ALSA paper: a ResNet-50 behind a module that brightens what is dark."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple, Self, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from vreid.models.backbones.resnet import resnet50_parts
from vreid.models.enhancement.build import build_enhancer
from vreid.models.layers.cbam import Cbam
from vreid.models.layers.gca import GlobalChannelAttention
from vreid.models.layers.gem import GeM
from vreid.models.layers.ssa import SpatialSelfAttention
from vreid.models.normalisation import MEAN, STD
from vreid.models.output import Output
from vreid.models.published import fill, read_published
from vreid.params.models.alsa import Adjustment, CbamBlock, Enhancer, Retinex, SelfAttention
from vreid.params.models.alsa import Alsa as AlsaConfig

COLOURS = 3


class Stages(NamedTuple):
    """What an image is turned into, step by step; all (B, 3, H, W), of which [0, 1] is what can be shown.

    Attributes:
        original: X_o.
        enhanced: X_m, what the enhancement network makes of it, in [0, 1].
        adjusted: output_m, the enhanced image after SSA or what stands in its place.
        output: alpha X_o + (1 - alpha) output_m.
        alpha: (B, 3, 1, 1), or 0 everywhere without GCA.
    """

    original: Tensor
    enhanced: Tensor
    adjusted: Tensor
    output: Tensor
    alpha: Tensor

    @property
    def gated(self) -> Tensor:
        """Alpha X_o + (1 - alpha) X_m: what GCA alone makes of the two."""
        return self.alpha * self.original + (1 - self.alpha) * self.enhanced


class AlsaModule(nn.Module):
    """Adaptive low-light self-attention (sec. 3, Algorithms 1 to 3) on RGB images in [0, 1].

        Output = alpha * Input + (1 - alpha) * (beta * EN(Input) + EN(Input))           (Eq. 11)

    alpha is that of GCA on the input, per channel; where it is 1 the channel passes through bit for bit. beta
    is that of SSA on the enhanced image. In SSA's place may stand CBAM or RetinexNet, whose output then is
    that of beta * X + X, or nothing; without GCA alpha is 0. The output is not clipped.
    """

    def __init__(self, enhancement: Enhancer, threshold: float | None, adjustment: Adjustment | None) -> None:
        super().__init__()
        self.enhancement = build_enhancer(enhancement)
        self.gca = None if threshold is None else GlobalChannelAttention(threshold)
        self.adjustment = None if adjustment is None else _adjustment(adjustment)
        self._frozen: list[nn.Module] = [self.enhancement] if enhancement.frozen else []
        if isinstance(adjustment, Retinex) and adjustment.frozen:
            self._frozen.append(cast(nn.Module, self.adjustment))

    def forward(self, images: Tensor) -> Stages:
        """Return the stages of `images` (B, 3, H, W) in [0, 1]; sides of 16 pixels at least."""
        enhanced = self.enhancement(images)
        adjusted = self._adjusted(enhanced)
        alpha = images.new_zeros(()) if self.gca is None else self.gca(images)
        return Stages(
            original=images,
            enhanced=enhanced,
            adjusted=adjusted,
            output=alpha * images + (1 - alpha) * adjusted,
            alpha=alpha.expand(len(images), COLOURS, 1, 1),
        )

    def train(self, mode: bool = True) -> Self:
        """Set the mode; a frozen network keeps to evaluation."""
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self

    def _adjusted(self, enhanced: Tensor) -> Tensor:
        if self.adjustment is None:
            return enhanced
        found: Tensor = self.adjustment(enhanced)
        return found * enhanced + enhanced if isinstance(self.adjustment, SpatialSelfAttention) else found


class Alsa(nn.Module):
    """The module, a ResNet-50 and a head of 512 numbers (sec. 4.1).

    The module works on colours in [0, 1], between undoing the normalisation and applying it again. The
    head is GeM with a trained exponent, layer normalisation, one fully connected layer, and division by the
    length. There is no classifier: every loss of the paper compares embeddings.

    Parameters are named `alsa` (where there is one), `backbone` and `head`.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: AlsaConfig) -> None:
        super().__init__()
        # The backbone comes first, so that with one seed it starts equal whatever stands before it.
        self.backbone, channels = _backbone(config)
        self.head = nn.Sequential(
            OrderedDict(
                pool=GeM(config.gem_p, learnable=True),
                norm=nn.LayerNorm(channels),
                reduce=nn.Linear(channels, config.embedding),
            )
        )
        self.alsa: AlsaModule | None = None
        if config.enhancement is not None:
            self.alsa = AlsaModule(config.enhancement, config.threshold, config.adjustment)
        self.frozen_norm = config.frozen_norm
        mean, std = torch.tensor([MEAN, STD])[:, :, None, None]
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def forward(self, images: Tensor) -> Output:
        """Return the `Output` of normalised `images` (B, 3, H, W), H and W at least 32 pixels.

        `after_neck` and the one embedding are the head's numbers, of length 1; `before_neck` those undivided.
        """
        features = self.backbone(self.corrected(images))
        with torch.autocast(features.device.type, enabled=False):
            reduced = self.head(features.float())
            embedding = functional.normalize(reduced)
        return Output((), (embedding,), before_neck=reduced, after_neck=embedding)

    def corrected(self, images: Tensor) -> Tensor:
        """Return what the backbone is given for normalised `images`: those themselves where alpha is 1."""
        if self.alsa is None:
            return images
        stages = self.stages(images)
        return torch.where(stages.alpha == 1, images, (stages.output - self.mean) / self.std)

    def stages(self, images: Tensor) -> Stages:
        """Return the stages of normalised `images` (B, 3, H, W), for figures; in colours of [0, 1].

        Raises:
            ValueError: this network has no ALSA module.
        """
        if self.alsa is None:
            raise ValueError("a network without an enhancement has no stages")
        # Rounding leaves values a little outside, where no image is.
        stages: Stages = self.alsa((images * self.std + self.mean).clamp(0, 1))
        return stages

    def train(self, mode: bool = True) -> Self:
        """Set the mode; with `frozen_norm` the statistics of pretrained networks stay as they are."""
        super().train(mode)
        if self.frozen_norm:
            pretrained = [self.backbone] + ([] if self.alsa is None else [self.alsa.enhancement])
            for network in pretrained:
                for layer in network.modules():
                    if isinstance(layer, _BatchNorm):
                        layer.eval()
        return self


def build(config: AlsaConfig, classes: int) -> Alsa:  # the same for all models
    """Return the model, which has no classifier; see `vreid.models.factory.build_model`."""
    return Alsa(config)


def _backbone(config: AlsaConfig) -> tuple[nn.Sequential, int]:
    vehiclenet = config.vehiclenet.weights if config.vehiclenet else None
    own = config.backbone.model_copy(update={"weights": None}) if vehiclenet else config.backbone
    parts = resnet50_parts(own, last_stride=2)
    backbone = nn.Sequential(
        OrderedDict(
            stem=parts.stem,
            layer1=parts.layer1,
            layer2=parts.layer2,
            layer3=parts.layer3,
            layer4=parts.layer4,
        )
    )
    if vehiclenet:
        fill(backbone, _of_vehiclenet(read_published(vehiclenet)), vehiclenet.file)
    return backbone, parts.channels[3]


def _of_vehiclenet(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the released network's tensors, and leave its head out."""
    plain = {name.removeprefix("model."): value for name, value in state.items()}
    layers = {name: value for name, value in plain.items() if name.startswith("layer")}
    stem = {f"stem.{name}": value for name, value in plain.items() if name.startswith(("conv1.", "bn1."))}
    return stem | layers


def _adjustment(config: Adjustment) -> nn.Module:
    match config:
        case SelfAttention():
            return SpatialSelfAttention(config.channels, config.heads)
        case CbamBlock():
            return Cbam(COLOURS, config.reduction)
        case Retinex():
            return build_enhancer(config)
