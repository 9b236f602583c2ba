"""RetinexNet: an image as reflectance times illumination, and a better illumination."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from vreid.models.backbones.scaling import scaled

CHANNELS = 64


class DecomNet(nn.Module):
    """Splits an image into reflectance (B, 3, H, W) and illumination (B, 1, H, W), both in [0, 1].

    207,748 parameters, named as in the PyTorch version whose weights are published.
    """

    def __init__(self, channels: int = CHANNELS) -> None:
        super().__init__()
        self.net1_conv0 = _conv(4, channels, 9)
        layers: list[nn.Module] = []
        for _ in range(5):
            layers += [_conv(channels, channels, 3), nn.ReLU()]
        self.net1_convs = nn.Sequential(*layers)
        self.net1_recon = _conv(channels, 4, 3)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return reflectance and illumination of `images` (B, 3, H, W) in [0, 1]."""
        brightest = images.amax(dim=1, keepdim=True)
        features = self.net1_convs(self.net1_conv0(torch.cat([brightest, images], dim=1)))
        parts = torch.sigmoid(self.net1_recon(features))
        return parts[:, :3], parts[:, 3:]


class RelightNet(nn.Module):
    """Makes the illumination of a well-lit image from a dark one's reflectance and illumination.

    347,457 parameters, named as in the PyTorch version whose weights are published.
    """

    def __init__(self, channels: int = CHANNELS) -> None:
        super().__init__()
        self.net2_conv0_1 = _conv(4, channels, 3)
        self.net2_conv1_1 = _conv(channels, channels, 3, stride=2)
        self.net2_conv1_2 = _conv(channels, channels, 3, stride=2)
        self.net2_conv1_3 = _conv(channels, channels, 3, stride=2)
        self.net2_deconv1_1 = _conv(2 * channels, channels, 3)
        self.net2_deconv1_2 = _conv(2 * channels, channels, 3)
        self.net2_deconv1_3 = _conv(2 * channels, channels, 3)
        # A border of one pixel around a 1x1 convolution: the last one takes it away again.
        self.net2_fusion = nn.Conv2d(3 * channels, channels, 1, padding=1, padding_mode="replicate")
        self.net2_output = nn.Conv2d(channels, 1, 3)
        # Below 0, where fresh weights may well start, the clipped image is black and teaches nothing.
        nn.init.constant_(cast(Tensor, self.net2_output.bias), 1)

    def forward(self, reflectance: Tensor, illumination: Tensor) -> Tensor:
        """Return the new illumination (B, 1, H, W), without bounds."""
        whole = self.net2_conv0_1(torch.cat([reflectance, illumination], dim=1))
        half = torch.relu(self.net2_conv1_1(whole))
        quarter = torch.relu(self.net2_conv1_2(half))
        eighth = torch.relu(self.net2_conv1_3(quarter))
        first = torch.relu(self.net2_deconv1_1(torch.cat([_like(eighth, quarter), quarter], dim=1)))
        second = torch.relu(self.net2_deconv1_2(torch.cat([_like(first, half), half], dim=1)))
        third = torch.relu(self.net2_deconv1_3(torch.cat([_like(second, whole), whole], dim=1)))
        joined = torch.cat([_like(first, third), _like(second, third), third], dim=1)
        output: Tensor = self.net2_output(self.net2_fusion(joined))
        return output


class RetinexNet(nn.Module):
    """Wei et al., "Deep Retinex Decomposition for Low-Light Enhancement" (BMVC 2018): R times relit I.

    As published without the denoising of the reflectance, which is no part of the network.
    """

    def __init__(self, width: float = 1.0) -> None:
        """Make a network with `width` times the published channels."""
        super().__init__()
        self.decom = DecomNet(scaled(CHANNELS, width))
        self.relight = RelightNet(scaled(CHANNELS, width))

    def forward(self, images: Tensor) -> Tensor:
        """Return `images` (B, 3, H, W) in [0, 1] brightened, in [0, 1]."""
        reflectance, illumination = self.decom(images)
        relit: Tensor = reflectance * self.relight(reflectance, illumination)
        return relit.clamp(0, 1)


def _conv(before: int, after: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(before, after, kernel, stride, padding=kernel // 2, padding_mode="replicate")


def _like(x: Tensor, other: Tensor) -> Tensor:
    """Return `x` at the size of `other`, by the nearest pixel."""
    return functional.interpolate(x, size=other.shape[2:])
