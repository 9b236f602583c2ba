"""DenseNet-121, taken from torchvision, and cut at its seams."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.densenet import DenseNet, DenseNet121_Weights

from vreid.models.backbones.scaling import repeated, scaled
from vreid.models.weights import starting_weights, without
from vreid.params.errors import UserError
from vreid.params.models.backbone import Backbone

BLOCKS = (6, 12, 24, 16)
GROWTH_RATE = 32
STEM_CHANNELS = 64


class DenseNetParts(NamedTuple):
    """The pieces of a DenseNet-121, to be applied in this order.

    stem, block 1, transition 1, block 2, transition 2, block 3, transition 3, block 4, norm5, ReLU.
    The stem halves the resolution twice and each transition once more: the blocks put out
    (256, H/4, W/4), (512, H/8, W/8), (1024, H/16, W/16) and (1024, H/32, W/32), channels times the width.

    Attributes:
        channels: channels of the four blocks' outputs.
    """

    stem: nn.Sequential
    blocks: tuple[nn.Module, nn.Module, nn.Module, nn.Module]
    transitions: tuple[nn.Module, nn.Module, nn.Module]
    norm5: nn.BatchNorm2d
    channels: tuple[int, int, int, int]


class DenseNet121(nn.Module):
    """DenseNet-121 (Huang et al., CVPR 2017) without pooling and classifier.

    The width scales the growth rate and the stem, and with them every layer; the depth scales the number of
    layers in every block.

    Attributes:
        channels: channels of the feature map.
    """

    def __init__(self, width: float, depth: float = 1.0) -> None:
        super().__init__()
        growth_rate, stem_channels = scaled(GROWTH_RATE, width), scaled(STEM_CHANNELS, width)
        # torchvision wants a classifier; it is cut off, and one class is the cheapest to make.
        blocks = tuple(repeated(layers, depth) for layers in BLOCKS)
        self.features = DenseNet(growth_rate, blocks, stem_channels, num_classes=1).features
        self.channels: int = self.features.norm5.num_features

    def forward(self, images: Tensor) -> Tensor:
        """Return the feature map of `images` (B, 3, H, W)."""
        return functional.relu(self.features(images))


def build(config: Backbone) -> DenseNet121:
    """Return the backbone; see `vreid.models.backbones.build.build_backbone`."""
    network = DenseNet121(config.width, config.depth)
    state = starting_weights(config, DenseNet121_Weights.IMAGENET1K_V1.url)
    if state is not None:
        network.load_state_dict(_of_features(state))
    return network


def densenet_parts(config: Backbone) -> DenseNetParts:
    """Return a DenseNet-121 in parts; every call makes them anew.

    Without weights they are drawn from torch's generator.

    Raises:
        UserError: `config` names another backbone, or its weights cannot be had.
    """
    if config.name != "densenet121":
        raise UserError(
            f"model.backbone.name is {config.name}, but this network is built on densenet121 alone."
        )
    features = build(config).features
    transitions = (features.transition1, features.transition2, features.transition3)
    norms_after_blocks = (*(transition.norm for transition in transitions), features.norm5)
    one, two, three, four = (norm.num_features for norm in norms_after_blocks)
    return DenseNetParts(
        stem=features[: list(features).index(features.denseblock1)],
        blocks=(
            features.denseblock1,
            features.denseblock2,
            features.denseblock3,
            features.denseblock4,
        ),
        transitions=transitions,
        norm5=features.norm5,
        channels=(one, two, three, four),
    )


def _of_features(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    # The published file is older than a renaming: what it calls `norm.1` is `norm1` today.
    old = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")
    return {old.sub(r"\1\2.", name): value for name, value in without(state, "classifier").items()}
