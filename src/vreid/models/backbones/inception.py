"""Inception-v3, taken from torchvision and narrowed layer by layer."""

from functools import partial

import torch
from torch import Tensor, nn
from torchvision.models.inception import (
    BasicConv2d,
    Inception3,
    Inception_V3_Weights,
    InceptionA,
    InceptionB,
    InceptionC,
    InceptionD,
    InceptionE,
)

from vreid.models.backbones.scaling import repeated, scaled
from vreid.models.normalisation import MEAN, STD
from vreid.models.weights import starting_weights, without
from vreid.params.models.backbone import Backbone

LAST_CHANNELS = 2048
BLOCKS = (InceptionA, InceptionB, InceptionC, InceptionD, InceptionE)
REPEATED = {
    "Mixed_5d": (3, 3),
    "Mixed_6c": (2, 4),
    "Mixed_6d": (3, 4),
    "Mixed_6e": (4, 4),
    "Mixed_7c": (2, 2),
}
"""The blocks that put out as many channels as they take: which of how many of their grid size."""


class InceptionV3(nn.Module):
    """Inception-v3 (Szegedy et al., CVPR 2016) without pooling and classifiers.

    Images must have sides of 75 pixels at least; 299 x 299 pixels give a map of 2048 channels, 8 x 8.
    A shallower one lacks the last of the blocks that repeat the one before.
    The network was published for images in [-1, 1], so that the normalisation with ImageNet's mean and
    deviation is undone first.

    Attributes:
        channels: channels of the feature map.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, width: float, depth: float = 1.0) -> None:
        super().__init__()
        conv = partial(_narrow_conv, width)
        blocks = [partial(block, conv_block=conv) for block in BLOCKS]
        # torchvision wants a classifier; it is cut off, and one class is the cheapest to make.
        whole = Inception3(
            num_classes=1, aux_logits=False, inception_blocks=[conv, *blocks, nn.Identity], init_weights=True
        )
        left_out = {name for name, (place, of) in REPEATED.items() if place > repeated(of, depth)}
        for name, layer in whole.named_children():
            if name not in {"avgpool", "dropout", "fc"} | left_out:
                self.add_module(name, layer)
        self.channels = scaled(LAST_CHANNELS, width)
        scale, shift = to_unit_range()
        self.register_buffer("scale", scale, persistent=False)
        self.register_buffer("shift", shift, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return the feature map of `images` (B, 3, H, W)."""
        features = images * self.scale + self.shift
        for layer in self.children():
            features = layer(features)
        return features


def build(config: Backbone) -> InceptionV3:
    """Return the backbone; see `vreid.models.backbones.build.build_backbone`."""
    network = InceptionV3(config.width, config.depth)
    state = starting_weights(config, Inception_V3_Weights.IMAGENET1K_V1.url)
    if state is not None:
        network.load_state_dict(without(state, "fc", "AuxLogits"))
    return network


def to_unit_range() -> tuple[Tensor, Tensor]:
    """Return factor and summand, each (3, 1, 1), that bring normalised images into [-1, 1]."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    return std / 0.5, (mean - 0.5) / 0.5


def _narrow_conv(width: float, in_channels: int, out_channels: int, **options: object) -> nn.Module:
    """Return convolution, normalisation and ReLU with `width` times the channels; an image has its three."""
    before = in_channels if in_channels == len(MEAN) else scaled(in_channels, width)
    layer: nn.Module = BasicConv2d(before, scaled(out_channels, width), **options)
    return layer
