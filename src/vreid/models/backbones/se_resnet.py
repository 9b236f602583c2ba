"""SE-ResNet-50 as its ImageNet weights want it: strides and pooling of the original Caffe network."""

from collections import OrderedDict

from torch import Tensor, nn

from vreid.models.backbones.resnet import BLOCKS, PLANES, STRIDES, restride, start
from vreid.models.backbones.scaling import repeated, scaled
from vreid.models.weights import starting_weights, without
from vreid.params.models.backbone import Backbone

# The file that timm calls legacy_seresnet50, converted from the SE paper's own.
IMAGENET = (
    "https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-cadene/se_resnet50-ce0d4300.pth"
)
EXPANSION = 4
REDUCTION = 16


class SeResNet50(nn.Module):
    """SE-ResNet-50 (Hu et al., CVPR 2018) without pooling and classifier.

    It differs from `vreid.models.backbones.resnet.ResNet50` in the SE block at the end of each residual
    branch, in the place of a block's stride (its first convolution), and in the first pooling, which pads
    nothing and rounds up. Shapes are otherwise the same.

    Attributes:
        channels: channels of the feature map.
    """

    def __init__(self, width: float, depth: float = 1.0) -> None:
        super().__init__()
        channels = scaled(64, width)
        stem = OrderedDict[str, nn.Module](
            conv1=nn.Conv2d(3, channels, kernel_size=7, stride=2, padding=3, bias=False),
            bn1=nn.BatchNorm2d(channels),
            relu1=nn.ReLU(inplace=True),
        )
        self.layer0 = nn.Sequential(stem)
        self.pool0 = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
        layers = []
        for published, blocks, stride in zip(PLANES, BLOCKS, STRIDES, strict=True):
            planes = scaled(published, width)
            rest = (SeBottleneck(planes * EXPANSION, planes) for _ in range(1, repeated(blocks, depth)))
            layers.append(nn.Sequential(SeBottleneck(channels, planes, stride, project=True), *rest))
            channels = planes * EXPANSION
        self.layer1, self.layer2, self.layer3, self.layer4 = layers
        self.channels = channels
        start(self)

    def forward(self, images: Tensor) -> Tensor:
        """Return the feature map of `images` (B, 3, H, W)."""
        features: Tensor = self.pool0(self.layer0(images))
        features = self.layer4(self.layer3(self.layer2(self.layer1(features))))
        return features


class SeBottleneck(nn.Module):
    """A residual block, 1x1, 3x3 and 1x1, whose branch is weighted by an SE block before the sum."""

    def __init__(self, channels: int, planes: int, stride: int = 1, *, project: bool = False) -> None:
        super().__init__()
        out = planes * EXPANSION
        self.conv1 = nn.Conv2d(channels, planes, kernel_size=1, stride=stride, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, out, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.se_module = _Se(out)
        self.downsample = (
            nn.Sequential(
                nn.Conv2d(channels, out, kernel_size=1, stride=stride, bias=False), nn.BatchNorm2d(out)
            )
            if project
            else nn.Identity()
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return relu(SE(branch) + shortcut) of (B, C, H, W)."""
        branch = self.relu(self.bn1(self.conv1(features)))
        branch = self.relu(self.bn2(self.conv2(branch)))
        branch = self.se_module(self.bn3(self.conv3(branch)))
        result: Tensor = self.relu(branch + self.downsample(features))
        return result


class _Se(nn.Module):
    # The block of layers.squeeze_excitation; the published file stores its layers as 1x1 convolutions.
    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(1, channels // REDUCTION)
        self.fc1 = nn.Conv2d(channels, hidden, kernel_size=1)
        self.fc2 = nn.Conv2d(hidden, channels, kernel_size=1)

    def forward(self, features: Tensor) -> Tensor:
        squeezed = features.mean(dim=(2, 3), keepdim=True)
        scale: Tensor = self.fc2(self.fc1(squeezed).relu()).sigmoid()
        return features * scale


def build(config: Backbone, last_stride: int) -> SeResNet50:
    """Return the backbone; see `vreid.models.backbones.build.build_backbone`."""
    network = SeResNet50(config.width, config.depth)
    state = starting_weights(config, IMAGENET)
    if state is not None:
        network.load_state_dict(without(state, "last_linear"))
    restride(network.layer4[0], "conv1", last_stride)
    return network
