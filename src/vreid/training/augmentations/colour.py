"""Colour jitter: brightness, contrast, saturation and hue by random amounts, in random order.

The adjustments are those of torchvision. They take values (N, S, 3, H, W) in [0, 255], S being the number of
spectra, and an amount for each of the N images; values are overwritten.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vreid.params.recipe import ColorJitter
from vreid.training.augmentations.pieces import pieces, put, spectra, taken, to_bytes
from vreid.training.device import sent
from vreid.training.share import WHOLE, Share

Amounts = NDArray[np.float32]

_GREY = (0.2989, 0.587, 0.114)  # the weights of red, green and blue, as torchvision has them


def color_jitter(
    pixels: Tensor, rng: np.random.Generator, config: ColorJitter, share: Share = WHOLE
) -> Tensor:
    """Adjust the colours of each image of (B, 3 S, H, W), uint8, with probability `config.p`; in place.

    The factors of brightness, contrast and saturation are uniform in [max(0, 1 - x), 1 + x], the shift of the
    hue is uniform in [-hue, hue]; every image has its own, and its own order of the adjustments. The S
    spectra of an image are adjusted alike, and each by itself: they are one scene in one light. Between the
    adjustments nothing is rounded.
    """
    whole = share.whole(len(pixels))
    chosen = share.of(rng.random(whole) < config.p)
    strengths = np.array([config.brightness, config.contrast, config.saturation, config.hue])
    low, high = np.maximum(1 - strengths, 0), 1 + strengths
    low[3], high[3] = -config.hue, config.hue
    amounts = share.of(rng.uniform(low, high, (whole, 4))).astype(np.float32)
    order = share.of(rng.permuted(np.tile(np.flatnonzero(strengths), (whole, 1)), axis=1))
    for images in pieces(np.flatnonzero(chosen), pixels):
        values = spectra(taken(pixels, images).float())
        for kinds in order[images].T:
            _adjust(values, kinds, amounts[images, kinds])
        put(pixels, images, to_bytes(values).flatten(1, 2))
    return pixels


def adjust_brightness(values: Tensor, factor: Amounts) -> Tensor:
    """Multiply by `factor`, (N,), and cut off at 255."""
    return values.mul_(_each(factor, values)).clamp_(0, 255)


def adjust_contrast(values: Tensor, factor: Amounts) -> Tensor:
    """Move away from the mean grey of each image and spectrum, by `factor`, (N,), and cut off."""
    mean, by = _grey(values).mean(dim=(3, 4), keepdim=True), _each(factor, values)
    return values.mul_(by).add_(mean * (1 - by)).clamp_(0, 255)  # lerp_ is slow to numbers


def adjust_saturation(values: Tensor, factor: Amounts) -> Tensor:
    """Move away from each pixel's own grey, by `factor`, (N,), and cut off."""
    return values.lerp_(_grey(values), 1 - _each(factor, values)).clamp_(0, 255)


def adjust_hue(values: Tensor, shift: Amounts) -> Tensor:
    """Turn the hue by `shift`, (N,), of the colour circle; largest and smallest of red, green and blue stay.

    A third of the circle is one channel taking the place of the next. What is left, a sixth at most to either
    side, needs no way through HSV either. Of the hue a channel c is a trapezium: largest around its own hue,
    smallest around the opposite one. With a and b the channels ahead and behind, all scaled to [0, 1], and
    the turn going s sixths ahead, c becomes  max(c - max(a - (1 - s), 0), 0) + max(min(b, s) - a, 0)  or 1:
    it falls by what a has risen above 1 - s, and rises by what b is above the falling a, up to s.
    """
    sixths = 6 * shift
    thirds = np.round(sixths / 2)
    rest = sixths - 2 * thirds
    turns = (3 * (rest < 0) + thirds % 3).astype(np.int64)
    for turn in np.unique(turns):
        images = np.flatnonzero(turns == turn)
        some = taken(values, images)
        put(values, images, _turned(some, _each(np.abs(rest[images]), values)[:, :, 0], int(turn)))
    return values


def _turned(values: Tensor, rest: Tensor, turn: int) -> Tensor:
    """Turn the hue by `turn` % 3 thirds and by `rest` (N, 1, 1, 1) sixths, back if `turn` is 3 or more."""
    back, thirds = divmod(turn, 3)
    channels = [values[:, :, (channel - thirds) % 3] for channel in range(3)]
    high = torch.maximum(torch.maximum(*channels[:2]), channels[2])
    low = torch.minimum(torch.minimum(*channels[:2]), channels[2])
    risen, limit = torch.lerp(high, low, rest), torch.lerp(low, high, rest)  # 1 - s and s
    turned = torch.empty_like(values)
    for number in range(3):
        own, ahead, behind = (channels[(number + step) % 3] for step in ((0, 2, 1) if back else (0, 1, 2)))
        fallen = own - torch.maximum(ahead, risen)
        fallen = torch.maximum(fallen.add_(risen), low)
        gained = torch.minimum(behind, limit)
        fallen.add_(torch.maximum(gained, ahead, out=gained)).sub_(ahead)
        torch.minimum(fallen, high, out=turned[:, :, number])
    return turned


_ADJUSTMENTS: tuple[Callable[[Tensor, Amounts], Tensor], ...] = (
    adjust_brightness,
    adjust_contrast,
    adjust_saturation,
    adjust_hue,
)


def _adjust(values: Tensor, kinds: NDArray[np.int64], amounts: Amounts) -> None:
    """Apply to each image of `values` the adjustment that `kinds` (N,) numbers, by its amount."""
    for kind in np.unique(kinds):
        images = np.flatnonzero(kinds == kind)
        put(values, images, _ADJUSTMENTS[kind](taken(values, images), amounts[images]))


def _each(amounts: Amounts, values: Tensor) -> Tensor:
    """Return `amounts` (N,) as (N, 1, 1, 1, 1) where `values` are."""
    return sent(amounts, values.device)[:, None, None, None, None]


def _grey(values: Tensor) -> Tensor:
    red, green, blue = values[:, :, :1], values[:, :, 1:2], values[:, :, 2:]
    return (red * _GREY[0]).add_(green, alpha=_GREY[1]).add_(blue, alpha=_GREY[2])
