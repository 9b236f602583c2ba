"""The nine operations that AugMix chains, on bytes (N, C, H, W) with an amount for each of the N images.

They are PIL's, which the AugMix paper uses; what moves pixels is interpolated bilinearly and lets black in.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from vreid.training.augmentations.geometry import shifted, windows
from vreid.training.augmentations.pieces import pieces, put, taken, to_bytes
from vreid.training.device import sent

Amounts = NDArray[np.float64]


def autocontrast(pixels: Tensor) -> Tensor:
    """Stretch each channel so that its smallest value becomes 0 and its largest 255."""
    low = pixels.flatten(2).amin(dim=2, keepdim=True).long()
    high = pixels.flatten(2).amax(dim=2, keepdim=True).long()
    value = torch.arange(256, device=pixels.device)
    table = ((value - low) * 255 // (high - low).clamp_min(1)).clamp_(0, 255)
    return _looked_up(pixels, torch.where(high > low, table, value))


def equalize(pixels: Tensor) -> Tensor:
    """Spread the values of each channel so that all become about equally frequent.

    With h the histogram, N the number of pixels less those of the largest value and s = N // 255, value v
    becomes (sum of h below v + s // 2) // s; where s is 0 the channel stays as it is.
    """
    counts = _histograms(pixels)  # (N, C, 256)
    value = torch.arange(256, device=pixels.device)
    largest = torch.where(counts > 0, value, -1).amax(dim=2, keepdim=True)
    step = (counts.sum(dim=2, keepdim=True) - counts.gather(2, largest)) // 255
    below = counts.cumsum(dim=2) - counts
    table = ((below + step // 2) // step.clamp_min(1)).clamp_(0, 255)
    return _looked_up(pixels, torch.where(step > 0, table, value))


def posterize(pixels: Tensor, bits: Amounts) -> Tensor:
    """Keep the highest `bits` (N,) of each value."""
    mask = 256 - 2 ** (8 - bits.astype(np.int64))
    return pixels & _each(mask.astype(np.uint8), pixels)


def solarize(pixels: Tensor, threshold: Amounts) -> Tensor:
    """Replace each value v that is at least `threshold` (N,), 1 to 256, by 255 - v."""
    below = _each((threshold - 1).astype(np.uint8), pixels)
    # 1 where the threshold is reached, then 255: a comparison, whose result is no byte, would be slower.
    reached = torch.maximum(pixels, below).sub_(below).clamp_max_(1)
    return reached.neg_().bitwise_xor_(pixels)


def rotate(pixels: Tensor, degrees: Amounts) -> Tensor:
    """Turn each image around its centre by `degrees` (N,), counter-clockwise."""
    height, width = pixels.shape[2:]
    x, y = np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2
    cos, sin = np.cos(np.deg2rad(degrees))[:, None], np.sin(np.deg2rad(degrees))[:, None]
    # Places in the image, (-1, -1) to (1, 1), as sums of what column and row contribute.
    columns, rows = (
        sent(part.astype(np.float32), pixels.device)
        for part in (
            np.stack([cos * x * (2 / width), sin * x * (2 / height)], axis=1)[:, :, None],
            np.stack([-sin * y * (2 / width), cos * y * (2 / height)], axis=1)[:, :, :, None],
        )
    )
    turned = torch.empty_like(pixels)
    for images in pieces(np.arange(len(pixels)), pixels):
        grid = torch.empty((len(images), height, width, 2), device=pixels.device)
        torch.add(taken(columns, images), taken(rows, images), out=grid.permute(0, 3, 1, 2))
        values = functional.grid_sample(taken(pixels, images).float(), grid, align_corners=False)
        put(turned, images, to_bytes(values))
    return turned


def shear_x(pixels: Tensor, slope: Amounts) -> Tensor:
    """Shift the row whose middle is y below the top edge by `slope` (N,) y pixels to the left."""
    height, width = pixels.shape[2:]
    offset = slope[:, None] * (np.arange(height) + 0.5)
    whole = np.floor(offset).astype(np.int64)
    border = math.ceil(np.abs(offset).max(initial=0)) + 1
    padded = functional.pad(pixels, (border, border))
    rows = np.broadcast_to(np.arange(height), whole.shape)
    found = windows(padded, rows, border + whole, width + 1)
    part = sent((offset - whole)[:, None, :, None].astype(np.float32), pixels.device)
    sheared = torch.empty_like(pixels)
    for images in pieces(np.arange(len(pixels)), pixels):
        values = taken(found, images).float()
        mixed = torch.lerp(values[..., :-1], values[..., 1:], taken(part, images))
        put(sheared, images, to_bytes(mixed))
    return sheared


def shear_y(pixels: Tensor, slope: Amounts) -> Tensor:
    """Shift the column whose middle is x right of the left edge by `slope` (N,) x pixels upwards."""
    return shear_x(pixels.transpose(2, 3).contiguous(), slope).transpose(2, 3).contiguous()


def translate_x(pixels: Tensor, distance: Amounts) -> Tensor:
    """Shift each image by `distance` (N,) whole pixels to the left."""
    right = distance.astype(np.int64)
    return shifted(pixels, np.zeros_like(right), right)


def translate_y(pixels: Tensor, distance: Amounts) -> Tensor:
    """Shift each image by `distance` (N,) whole pixels upwards."""
    down = distance.astype(np.int64)
    return shifted(pixels, down, np.zeros_like(down))


def _each(amounts: NDArray[np.generic], pixels: Tensor) -> Tensor:
    """Return `amounts` (N,) as (N, 1, 1, 1) where `pixels` are."""
    return sent(amounts, pixels.device)[:, None, None, None]


def _histograms(pixels: Tensor) -> Tensor:
    """Return how often each value occurs, (N, C, 256), int64."""
    planes = pixels.flatten(2)
    if pixels.device.type == "cpu":
        each = [torch.bincount(plane, minlength=256) for plane in planes.flatten(0, 1)]
        return torch.stack(each).view(*planes.shape[:2], 256)
    counts = torch.zeros((*planes.shape[:2], 256), dtype=torch.int64, device=pixels.device)
    return counts.scatter_add_(2, planes.long(), counts.new_ones(()).expand_as(planes))


def _looked_up(pixels: Tensor, tables: Tensor) -> Tensor:
    """Replace each value by what `tables` (N, C, 256) say of it."""
    tables = tables.byte()
    if pixels.device.type != "cpu":
        return tables.gather(2, pixels.flatten(2).long()).view_as(pixels)
    # Indexing wants numbers of eight bytes each; Python translates bytes as they are.
    pairs = zip(pixels.flatten(0, 1).numpy(), tables.flatten(0, 1).numpy(), strict=True)
    found = bytearray().join(plane.tobytes().translate(table.tobytes()) for plane, table in pairs)
    return torch.frombuffer(found, dtype=torch.uint8).view_as(pixels)
