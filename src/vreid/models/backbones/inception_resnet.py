"""Inception-ResNet-v2, from timm."""

from torch import Tensor, nn

from vreid.models.backbones.inception import to_unit_range
from vreid.models.weights import starting_weights, without
from vreid.params.errors import UserError
from vreid.params.models.backbone import Backbone

IMAGENET = (
    "https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-weights/"
    "inception_resnet_v2-940b1cd6.pth"
)
CHANNELS = 1536


class InceptionResNetV2(nn.Module):
    """Inception-ResNet-v2 (Szegedy et al., AAAI 2017) without pooling and classifier.

    Images must have sides of 75 pixels at least; 299 x 299 pixels give a map of 1536 channels, 8 x 8.
    As `vreid.models.backbones.inception.InceptionV3` it works on images in [-1, 1].

    Attributes:
        channels: channels of the feature map.
    """

    channels = CHANNELS
    scale: Tensor
    shift: Tensor

    def __init__(self) -> None:
        super().__init__()
        # Importing timm takes seconds, and no other network needs it.
        from timm.models.inception_resnet_v2 import InceptionResnetV2  # noqa: PLC0415

        self.network = InceptionResnetV2(num_classes=0, global_pool="")
        scale, shift = to_unit_range()
        self.register_buffer("scale", scale, persistent=False)
        self.register_buffer("shift", shift, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return the feature map of `images` (B, 3, H, W)."""
        features: Tensor = self.network(images * self.scale + self.shift)
        return features


def build(config: Backbone) -> InceptionResNetV2:
    """Return the backbone; see `vreid.models.backbones.build.build_backbone`.

    Raises:
        UserError: a width or a depth other than 1.
    """
    if config.width != 1 or config.depth != 1:
        raise UserError(
            f"{config.name} has its published shape alone: set model.backbone.width and depth to 1, or its "
            "name to inception_v3."
        )
    network = InceptionResNetV2()
    state = starting_weights(config, IMAGENET)
    if state is not None:
        network.network.load_state_dict(without(state, "classif"))
    return network
