"""How a batch is worked on in parts, and how its numbers become bytes again."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vreid.training.device import sent

Places = NDArray[np.int64]

_PIXELS = 2**17  # whose float32 values in three channels are about what a cache holds


def pieces(images: Places, batch: Tensor, times: int = 1) -> Iterator[Places]:
    """Yield the places `images` (N,) of `batch` (B, C, H, W): few at a time on the CPU, all at once on CUDA.

    What a CPU computes in several passes should stay in its cache; CUDA wants few and large operations.
    With `times` it is so many times as many.
    """
    height, width = batch.shape[2:]
    fitting = times * _PIXELS // (height * width) if batch.device.type == "cpu" else len(images)
    step = max(1, fitting)
    for start in range(0, len(images), step):
        yield images[start : start + step]


def taken(batch: Tensor, images: Places) -> Tensor:
    """Return the `images` of `batch`, ascending places; all of them or a single one are a view of it."""
    if len(images) == batch.shape[0]:
        return batch
    if len(images) == 1:
        return batch[images[0] : images[0] + 1]
    return batch.index_select(0, sent(images, batch.device))


def put(batch: Tensor, images: Places, values: Tensor) -> None:
    """Write `values` to the ascending places `images` of `batch`."""
    if len(images) == batch.shape[0]:
        batch.copy_(values)
    elif batch.device.type == "cpu":  # torch would copy number by number
        batch.numpy()[images] = values.numpy()
    else:
        batch.index_copy_(0, sent(images, batch.device), values)


def to_bytes(values: Tensor) -> Tensor:
    """Round `values` in [0, 255], which are overwritten, to bytes."""
    # Torch's way from float32 to bytes is three times as fast with a halt at int16.
    return values.round_().to(torch.int16).to(torch.uint8)


def spectra(planes: Tensor) -> Tensor:
    """Return (B, 3 S, H, W) as (B, S, 3, H, W), without a copy."""
    batch, channels, height, width = planes.shape
    return planes.view(batch, channels // 3, 3, height, width)
