"""The U-Net of ASV, "A Switched View of Retinex", which brightens the value channel of HSV."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from vreid.models.backbones.scaling import scaled

CHANNELS = (32, 64, 128, 256, 256)


class DoubleConv(nn.Module):
    """Two 3x3 convolutions with a ReLU behind each."""

    def __init__(self, before: int, middle: int, after: int) -> None:
        super().__init__()
        self.double_conv = nn.Sequential(
            nn.Conv2d(before, middle, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(middle, after, 3, padding=1),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, after, H, W) of (B, before, H, W)."""
        y: Tensor = self.double_conv(x)
        return y


class Down(nn.Module):
    """Half the size, then two convolutions."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), DoubleConv(before, after, after))

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, after, H // 2, W // 2) of (B, before, H, W)."""
        y: Tensor = self.maxpool_conv(x)
        return y


class Up(nn.Module):
    """Twice the size, joined with the map of that size from the way down, then two convolutions."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv = DoubleConv(before, before // 2, after)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Return (B, after, H, W) of `x` (B, C, H // 2, W // 2) and `skip` (B, before - C, H, W)."""
        x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        below, right = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
        x = functional.pad(x, (right // 2, right - right // 2, below // 2, below - below // 2))
        y: Tensor = self.conv(torch.cat([skip, x], dim=1))
        return y


class OutConv(nn.Module):
    """A 1x1 convolution."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, after, H, W) of (B, before, H, W)."""
        y: Tensor = self.conv(x)
        return y


class AsvUnet(nn.Module):
    """Jiang et al., "A Switched View of Retinex" (Neurocomputing 2021): V' = V * UNet(V).

    V, the value of HSV, is the largest of red, green and blue; hue and saturation stay. Since all three
    colours are proportional to V where those stay, multiplying V means to multiply the image. Names and
    4,315,617 parameters are those of the released network.
    """

    def __init__(self, width: float = 1.0) -> None:
        """Make a network with `width` times the published channels."""
        super().__init__()
        one, two, three, four, five = (scaled(channels, width) for channels in CHANNELS)
        self.inc = DoubleConv(1, one, one)
        self.down1, self.down2 = Down(one, two), Down(two, three)
        self.down3, self.down4 = Down(three, four), Down(four, five)
        self.up1, self.up2 = Up(five + four, three), Up(three + three, two)
        self.up3, self.up4 = Up(two + two, one), Up(one + one, one)
        self.outc = OutConv(one, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]  # all have one

    def forward(self, images: Tensor) -> Tensor:
        """Return `images` (B, 3, H, W) in [0, 1] brightened, in [0, 1]; sides of 16 pixels at least."""
        return (images * self.factor(images.amax(dim=1, keepdim=True))).clamp(0, 1)

    def factor(self, value: Tensor) -> Tensor:
        """Return by what every pixel's `value` (B, 1, H, W) is to be multiplied, of the same shape."""
        first = self.inc(value)
        second = self.down1(first)
        third = self.down2(second)
        fourth = self.down3(third)
        x = self.up1(self.down4(fourth), fourth)
        x = self.up4(self.up3(self.up2(x, third), second), first)
        factor: Tensor = self.outc(x)
        return factor
