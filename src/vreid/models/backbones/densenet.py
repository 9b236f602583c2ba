"""DenseNet, taken from torchvision and cut at its seams."""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from torch import Tensor, nn
from torchvision.models.densenet import DenseNet, DenseNet121_Weights

from vreid.models.weights import load_weights


class DenseNetParts(NamedTuple):
    """The pieces of a DenseNet, to be applied in this order.

    stem, block 1, transition 1, block 2, transition 2, block 3, transition 3, block 4, norm5, ReLU.
    The stem halves the resolution twice and each transition once more: the blocks of DenseNet121
    put out (256, H/4, W/4), (512, H/8, W/8), (1024, H/16, W/16) and (1024, H/32, W/32).

    Attributes:
        channels: channels of the four blocks' outputs.
    """

    stem: nn.Sequential
    blocks: tuple[nn.Module, nn.Module, nn.Module, nn.Module]
    transitions: tuple[nn.Module, nn.Module, nn.Module]
    norm5: nn.BatchNorm2d
    channels: tuple[int, int, int, int]


def densenet_parts(
    blocks: tuple[int, int, int, int],
    growth_rate: int,
    stem_channels: int,
    weights: Literal["imagenet"] | None,
) -> DenseNetParts:
    """Return the parts of a DenseNet-BC (Huang et al., CVPR 2017).

    Args:
        blocks: layers in each of the four dense blocks; (6, 12, 24, 16) in DenseNet121.
        growth_rate: channels that every layer adds; 32 in DenseNet121.
        stem_channels: channels of the first convolution; 64 in DenseNet121.
        weights: "imagenet" loads torchvision's weights of DenseNet121, whose sizes are then
            required; None draws them from torch's generator.

    Raises:
        UserError: the weights' file cannot be had.
    """
    # torchvision wants a classifier; it is cut off, and one class is the cheapest to make.
    features = DenseNet(growth_rate, blocks, stem_channels, num_classes=1).features
    if weights == "imagenet":
        features.load_state_dict(_of_features(load_weights(DenseNet121_Weights.IMAGENET1K_V1.url)))
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
    prefix = "features."
    old = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")
    return {
        old.sub(r"\1\2.", name.removeprefix(prefix)): value
        for name, value in state.items()
        if name.startswith(prefix)
    }
