"""Augmentations that move pixels: mirror, shift, cut out.

Pixels are (B, C, H, W), uint8; C is 3, or 3 S where S registered spectra move together.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from vreid.params.recipe import RandomResizedCrop
from vreid.params.run import Size
from vreid.training.device import sent
from vreid.training.share import WHOLE, Share

_CROP_ATTEMPTS = 10  # per image, then the largest centred rectangle of an allowed aspect is taken


def flip(pixels: Tensor, rng: np.random.Generator, p: float, share: Share = WHOLE) -> Tensor:
    """Mirror each image of (B, C, H, W), left to right, with probability `p`; in place."""
    drawn = share.of(rng.random(share.whole(len(pixels))))
    chosen = np.where(drawn < p, 255, 0).astype(np.uint8)[:, None, None, None]
    # pixels ^ mirrored ^ pixels is mirrored: three passes over bytes, where selecting images copies them.
    difference = pixels.flip(3).bitwise_xor_(pixels)
    difference.bitwise_and_(sent(chosen, pixels.device))
    return pixels.bitwise_xor_(difference)


def pad_crop(pixels: Tensor, rng: np.random.Generator, padding: float, share: Share = WHOLE) -> Tensor:
    """Shift each image of (B, C, H, W) by up to round(padding * H) px, black moving in at the edge.

    This is zero padding on all sides and a crop of the old size at a uniformly drawn place.
    """
    border = round(padding * pixels.shape[2])
    places = rng.integers(0, 2 * border + 1, size=(2, share.whole(len(pixels))))
    top, left = (share.of(place) for place in places)
    return shifted(pixels, top - border, left - border)


def shifted(pixels: Tensor, down: NDArray[np.int64], right: NDArray[np.int64]) -> Tensor:
    """Return (B, C, H, W) in which pixel (y, x) of image b is (y + down[b], x + right[b]) of `pixels`.

    Outside of the image there is black.
    """
    height, width = pixels.shape[2:]
    tall, wide = _reach(down), _reach(right)
    padded = functional.pad(pixels, (wide, wide, tall, tall))
    rows = (tall + down)[:, None] + np.arange(height)
    return windows(padded, rows, np.broadcast_to((wide + right)[:, None], rows.shape), width)


def windows(pixels: Tensor, rows: NDArray[np.int64], columns: NDArray[np.int64], width: int) -> Tensor:
    """Return (B, C, R, width): from row rows[b, r] of image b the pixels from column columns[b, r] on.

    `rows` and `columns` are (B, R); `pixels` (B, C, H, W) is contiguous.
    """
    batch, channels, tall, wide = pixels.shape
    plane = np.arange(batch * channels).reshape(batch, channels, 1)
    start = (plane * tall + rows[:, None]) * wide + columns[:, None]  # of every row of the result
    runs = pixels.view(-1).as_strided((pixels.numel() - width + 1, width), (1, 1))
    found = runs.index_select(0, sent(start.reshape(-1), pixels.device))
    return found.view(batch, channels, rows.shape[1], width)


def centre_crop(pixels: Tensor, size: Size) -> Tensor:
    """Return the middle `size` of (B, C, H, W), which is at least as large."""
    tall, wide = pixels.shape[2:]
    top, left = round((tall - size.height) / 2), round((wide - size.width) / 2)
    return pixels[:, :, top : top + size.height, left : left + size.width]


def random_resized_crop(
    pixels: Tensor, rng: np.random.Generator, config: RandomResizedCrop, size: Size, share: Share = WHOLE
) -> Tensor:
    """Cut a random rectangle out of each image of (B, C, H, W) and resize it to `size`.

    As torchvision's RandomResizedCrop: the area is uniform in `config.scale` times H W, the logarithm of the
    aspect (width / height) uniform in that of `config.ratio`; a rectangle that does not fit is drawn anew, up
    to ten times in all, and then the largest centred one whose aspect is in the range is taken. Resized
    bilinearly with antialiasing: a pixel of the result is the mean over a triangle two of its widths wide.
    """
    top, left, height, width = (
        share.of(v) for v in _crops(rng, share.whole(len(pixels)), pixels.shape, config)
    )
    if pixels.device.type != "cpu":
        down = sent(_resizing(top, height, pixels.shape[2], size.height), pixels.device)
        across = sent(_resizing(left, width, pixels.shape[3], size.width), pixels.device)
        values = down[:, None] @ pixels.float() @ across[:, None].transpose(2, 3)
        return values.round_().clamp_(0, 255).byte()
    # A CPU has a routine for one rectangle of bytes that is ten times faster than the products of matrices.
    resized = torch.empty((*pixels.shape[:2], size.height, size.width), dtype=torch.uint8)
    for n, (y, x, h, w) in enumerate(np.stack([top, left, height, width], axis=1).tolist()):
        cut = pixels[n : n + 1, :, y : y + h, x : x + w]
        resized[n] = functional.interpolate(cut, resized.shape[2:], mode="bilinear", antialias=True)[0]
    return resized


def _reach(shifts: NDArray[np.int64]) -> int:
    return int(np.abs(shifts).max(initial=0))


def _crops(
    rng: np.random.Generator, batch: int, shape: torch.Size, config: RandomResizedCrop
) -> tuple[NDArray[np.int64], ...]:
    """Draw rectangles: top, left, height and width, each (batch,)."""
    tall, wide = shape[2:]
    area = rng.uniform(*config.scale, (batch, _CROP_ATTEMPTS)) * tall * wide
    narrow, broad = np.log(config.ratio).tolist()
    ratio = np.exp(rng.uniform(narrow, broad, (batch, _CROP_ATTEMPTS)))
    widths = np.rint(np.sqrt(area * ratio)).astype(np.int64)
    heights = np.rint(np.sqrt(area / ratio)).astype(np.int64)
    fits = (widths > 0) & (widths <= wide) & (heights > 0) & (heights <= tall)
    first = (np.arange(batch), fits.argmax(axis=1))
    aspect = min(max(wide / tall, config.ratio[0]), config.ratio[1])
    height = np.where(fits[first], heights[first], min(tall, round(wide / aspect)))
    width = np.where(fits[first], widths[first], min(wide, round(tall * aspect)))
    top, left = rng.integers(tall - height + 1), rng.integers(wide - width + 1)
    drawn = fits[first]
    return (
        np.where(drawn, top, (tall - height) // 2),
        np.where(drawn, left, (wide - width) // 2),
        height,
        width,
    )


def _resizing(
    start: NDArray[np.int64], length: NDArray[np.int64], source: int, target: int
) -> NDArray[np.float32]:
    """Return matrices (B, target, source) that resize start[b] .. start[b] + length[b] to `target` pixels."""
    scale = (length / target)[:, None, None]
    centre = start[:, None, None] + (np.arange(target)[:, None] + 0.5) * scale
    place = np.arange(source)
    weight = np.maximum(1 - np.abs(place + 0.5 - centre) / np.maximum(scale, 1), 0)
    inside = (place >= start[:, None, None]) & (place < (start + length)[:, None, None])
    weight = np.where(inside, weight, 0)
    return np.asarray(weight / weight.sum(axis=2, keepdims=True), np.float32)
