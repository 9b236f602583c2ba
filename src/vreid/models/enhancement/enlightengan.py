"""The generator of EnlightenGAN: a U-Net that looks hardest where the image is dark."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from vreid.models.backbones.scaling import scaled

CHANNELS = (32, 64, 128, 256, 512)
STEP = 16
"""Four halvings: sides must be multiples of it."""
LUMA = (0.299, 0.587, 0.114)


class EnlightenGan(nn.Module):
    """Jiang et al., "EnlightenGAN: Deep Light Enhancement without Paired Supervision" (TIP 2021), sec. III.

    The attention map is one minus the luma. It is a fourth channel of the input, multiplies the U-Net's skip
    connections and its deepest features, and in the end what the network adds to the image. Normalisation
    follows the activation. Every level of the way up starts from a bilinear interpolation and a convolution.

    Names, order and 8,636,675 parameters are those of the released generator. It was released for PyTorch
    0.3.1, whose interpolation aligned the corners; so does this one.
    """

    def __init__(self, width: float = 1.0) -> None:
        """Make a network with `width` times the published channels."""
        super().__init__()
        levels = [scaled(channels, width) for channels in CHANNELS]
        for number, (before, after) in enumerate(zip([4, *levels], levels, strict=False), start=1):
            self._add_pair(number, before, after)
        for number, (before, after) in enumerate(zip(levels[:0:-1], levels[-2::-1], strict=True), start=5):
            self.add_module(f"deconv{number}", nn.Conv2d(before, after, 3, padding=1))
            self._add_pair(number + 1, 2 * after, after)
        # As released: the last convolution before the output is not normalised.
        del self.bn9_2
        self.conv10 = nn.Conv2d(levels[0], 3, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return `images` (B, 3, H, W) in [0, 1] brightened, in [0, 1]; sides of 16 pixels at least."""
        right, below = -images.shape[3] % STEP, -images.shape[2] % STEP
        padded = functional.pad(images, (0, right, 0, below), mode="reflect")
        attention = 1 - luma(padded)
        # The network itself works on [-1, 1].
        output = 2 * padded - 1 + self._added(2 * padded - 1, attention)
        return ((output + 1) / 2).clamp(0, 1)[:, :, : images.shape[2], : images.shape[3]]

    def _added(self, images: Tensor, attention: Tensor) -> Tensor:
        x = torch.cat([images, attention], dim=1)
        maps, skips = [attention], []
        for number in range(1, 5):
            skip = self._second(number, self._first(number, x))
            skips.append(skip)
            x = functional.max_pool2d(skip, 2)
            maps.append(functional.max_pool2d(maps[-1], 2))
        x = self._second(5, self._first(5, x) * maps[4])
        for number, (skip, weight) in enumerate(zip(skips[::-1], maps[3::-1], strict=True), start=5):
            x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
            x = torch.cat([self._part(f"deconv{number}")(x), skip * weight], dim=1)
            x = self._second(number + 1, self._first(number + 1, x))
        added: Tensor = self.conv10(x) * attention
        return added

    def _first(self, number: int, x: Tensor) -> Tensor:
        return self._step(f"{number}_1", x)

    def _second(self, number: int, x: Tensor) -> Tensor:
        return self._step(f"{number}_2", x)

    def _step(self, name: str, x: Tensor) -> Tensor:
        x = functional.leaky_relu(self._part(f"conv{name}")(x), 0.2, inplace=True)
        return x if name == "9_2" else cast(Tensor, self._part(f"bn{name}")(x))

    def _part(self, name: str) -> nn.Module:
        return cast(nn.Module, getattr(self, name))

    def _add_pair(self, number: int, before: int, after: int) -> None:
        for half, channels in ((1, before), (2, after)):
            self.add_module(f"conv{number}_{half}", nn.Conv2d(channels, after, 3, padding=1))
            self.add_module(f"bn{number}_{half}", nn.BatchNorm2d(after))


def luma(images: Tensor) -> Tensor:
    """Return the luma (B, 1, H, W) of `images` (B, 3, H, W), by the weights of ITU-R BT.601."""
    weights = images.new_tensor(LUMA)[:, None, None]
    return (images * weights).sum(dim=1, keepdim=True)
