"""MobileNetV2, taken from torchvision."""

from torch import Tensor, nn
from torchvision.models.mobilenetv2 import MobileNet_V2_Weights, MobileNetV2
from torchvision.ops.misc import Conv2dNormActivation

from vreid.models.backbones.resnet import start
from vreid.models.backbones.scaling import repeated, scaled
from vreid.models.weights import starting_weights, without
from vreid.params.models.backbone import Backbone

LAST_CHANNELS = 1280
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Table 2 of the paper: expansion, channels, blocks and stride of each stage."""


class MobileNetV2Features(nn.Module):
    """MobileNetV2 (Sandler et al., CVPR 2018) without pooling and classifier: (1280, H/32, W/32).

    Narrow ones are those of the paper, whose numbers of channels are multiples of 8, but for the last
    layer, which the paper keeps at 1280 channels and the width scales here.

    Attributes:
        channels: channels of the feature map.
    """

    def __init__(self, width: float, depth: float = 1.0) -> None:
        super().__init__()
        self.channels = scaled(LAST_CHANNELS, width)
        # torchvision wants a classifier; it is cut off, and one class is the cheapest to make.
        stages = [[t, channels, repeated(blocks, depth), stride] for t, channels, blocks, stride in STAGES]
        self.features = MobileNetV2(1, width, inverted_residual_setting=stages).features
        if self.channels != LAST_CHANNELS:
            before = self.features[-1][0].in_channels
            self.features[-1] = Conv2dNormActivation(
                before, self.channels, kernel_size=1, activation_layer=nn.ReLU6
            )
            start(self.features[-1])

    def forward(self, images: Tensor) -> Tensor:
        """Return the feature map of `images` (B, 3, H, W)."""
        features: Tensor = self.features(images)
        return features


def build(config: Backbone) -> MobileNetV2Features:
    """Return the backbone; see `vreid.models.backbones.build.build_backbone`."""
    network = MobileNetV2Features(config.width, config.depth)
    state = starting_weights(config, MobileNet_V2_Weights.IMAGENET1K_V1.url)
    if state is not None:
        network.load_state_dict(without(state, "classifier"))
    return network
