"""Builds any backbone by its name."""

from torch import nn

from vreid.models.backbones import densenet, inception, inception_resnet, mobilenet, resnet, se_resnet
from vreid.params.models.backbone import Backbone


def build_backbone(config: Backbone, last_stride: int = 1) -> nn.Module:
    """Return the backbone that `config` describes, with the attribute `channels`; every call makes a new one.

    Its `forward` takes normalised images (B, 3, H, W) and returns the feature map (B, channels, h, w) after
    the last ReLU. h is H/16 of the two ResNets (H/32 with `last_stride` 2) and H/32 of the others, which have
    no stage whose stride could be another and take no notice of `last_stride`. The two Inceptions need images
    with sides of 75 pixels at least. Without weights they are drawn from torch's generator.

    Raises:
        UserError: the weights cannot be had, or a layer would have no whole number of channels.
    """
    match config.name:
        case "resnet50":
            return resnet.build(config, last_stride)
        case "se_resnet50":
            return se_resnet.build(config, last_stride)
        case "densenet121":
            return densenet.build(config)
        case "inception_v3":
            return inception.build(config)
        case "inception_resnet_v2":
            return inception_resnet.build(config)
        case "mobilenet_v2":
            return mobilenet.build(config)
