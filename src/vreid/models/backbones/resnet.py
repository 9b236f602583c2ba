"""ResNet-50, assembled from torchvision's bottleneck so that it can be narrow and be cut at its seams."""

from collections import OrderedDict
from typing import NamedTuple, cast

from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck, ResNet50_Weights

from vreid.models.backbones.scaling import repeated, scaled
from vreid.models.weights import starting_weights, without
from vreid.params.errors import UserError
from vreid.params.models.backbone import Backbone

BLOCKS = (3, 4, 6, 3)
PLANES = (64, 128, 256, 512)
STRIDES = (1, 2, 2, 2)


class ResNetParts(NamedTuple):
    """The pieces of a ResNet-50, to be applied in this order.

    The stem puts out (64, H/4, W/4), the layers (256, H/4, W/4), (512, H/8, W/8), (1024, H/16, W/16) and
    (2048, H/32, W/32), or (2048, H/16, W/16) where the last stride is 1; all channels times the width.
    Each ends with a ReLU, so that no value is negative.

    Attributes:
        stem: conv1, bn1, relu, maxpool.
        layer1: what papers call conv2_x; `layer2` conv3_x, `layer3` conv4_x, `layer4` conv5_x.
        channels: channels of the four layers' outputs.
    """

    stem: nn.Sequential
    layer1: nn.Sequential
    layer2: nn.Sequential
    layer3: nn.Sequential
    layer4: nn.Sequential
    channels: tuple[int, int, int, int]


class ResNet50(nn.Module):
    """ResNet-50 (He et al., CVPR 2016) without pooling and classifier; see `ResNetParts` for its shapes.

    A shallower one has the first blocks of every stage.
    As in torchvision, whose names its parameters have, a block's stride is that of its 3x3 convolution.

    Attributes:
        channels: channels of the feature map.
    """

    def __init__(self, width: float, depth: float = 1.0) -> None:
        super().__init__()
        channels = scaled(64, width)
        self.conv1 = nn.Conv2d(3, channels, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        layers = []
        for published, blocks, stride in zip(PLANES, BLOCKS, STRIDES, strict=True):
            planes = scaled(published, width)
            layers.append(_layer(channels, planes, repeated(blocks, depth), stride))
            channels = planes * Bottleneck.expansion
        self.layer1, self.layer2, self.layer3, self.layer4 = layers
        self.channels = channels
        start(self)

    def forward(self, images: Tensor) -> Tensor:
        """Return the feature map of `images` (B, 3, H, W)."""
        features: Tensor = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        features = self.layer4(self.layer3(self.layer2(self.layer1(features))))
        return features


def build(config: Backbone, last_stride: int) -> ResNet50:
    """Return the backbone; see `vreid.models.backbones.build.build_backbone`."""
    network = ResNet50(config.width, config.depth)
    state = starting_weights(config, ResNet50_Weights.IMAGENET1K_V1.url)
    if state is not None:
        network.load_state_dict(without(state, "fc"))
    with_stride(network.layer4, last_stride)
    return network


def resnet50_parts(config: Backbone, last_stride: int = 1) -> ResNetParts:
    """Return a ResNet-50 in parts; every call makes them anew.

    Without weights they are drawn from torch's generator. `last_stride` is the stride of `layer4`: 2 as
    published, 1 as usual in re-identification, where it doubles the last feature map's sides.

    Raises:
        UserError: `config` names another backbone, or its weights cannot be had.
    """
    if config.name != "resnet50":
        raise UserError(f"model.backbone.name is {config.name}, but this network is built on resnet50 alone.")
    network = build(config, last_stride)
    stem = OrderedDict(conv1=network.conv1, bn1=network.bn1, relu=network.relu, maxpool=network.maxpool)
    one, two, three, four = (scaled(planes, config.width) * Bottleneck.expansion for planes in PLANES)
    return ResNetParts(
        nn.Sequential(stem),
        network.layer1,
        network.layer2,
        network.layer3,
        network.layer4,
        channels=(one, two, three, four),
    )


def with_stride(layer: nn.Sequential, stride: int) -> nn.Sequential:
    """Give `layer`, one of layer2 to layer4, this stride in place, and return it; no weight changes."""
    restride(layer[0], "conv2", stride)
    return layer


def restride(block: nn.Module, convolution: str, stride: int) -> None:
    """Give a block's `convolution` and its shortcut's this stride."""
    for name in (convolution, "downsample.0"):
        cast(nn.Conv2d, block.get_submodule(name)).stride = (stride, stride)


def start(network: nn.Module) -> None:
    """Draw the weights of all convolutions as ResNets do: normal, with the variance 2 / (k^2 C_out)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def _layer(channels: int, planes: int, blocks: int, stride: int) -> nn.Sequential:
    out = planes * Bottleneck.expansion
    downsample = nn.Sequential(
        nn.Conv2d(channels, out, kernel_size=1, stride=stride, bias=False), nn.BatchNorm2d(out)
    )
    first = Bottleneck(channels, planes, stride, downsample)
    return nn.Sequential(first, *(Bottleneck(out, planes) for _ in range(1, blocks)))
