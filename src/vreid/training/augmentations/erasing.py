"""Random erasing, on normalised values."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vreid.params.recipe import RandomErasing
from vreid.training.share import WHOLE, Share

_ATTEMPTS = 10  # per image, then it is left unchanged


def random_erasing(
    values: Tensor, rng: np.random.Generator, config: RandomErasing, share: Share = WHOLE
) -> Tensor:
    """Fill a random rectangle of each of (B, C, H, W) with probability `config.p`; in place.

    Algorithm 1 of Zhong et al., "Random Erasing Data Augmentation" (AAAI 2020), on normalised
    values: the area is uniform in `config.area` times H W and the aspect (height / width) uniform
    in `config.ratio`; a rectangle that reaches the image's height or width is drawn anew, up to ten
    times in all (the paper tries without end), and then the image stays as it is. `fill: random`
    writes independent N(0, 1) values per pixel and channel, the normalised counterpart of the
    paper's random pixel values; `fill: zero` writes the mean colour. Of several spectra, 3 of the
    channels each, the same rectangle is erased.
    """
    own, channels = values.shape[:2]
    places = _rectangles(rng, share.whole(own), values.shape, config)
    ends = np.cumsum(channels * places[:, 3] * places[:, 4]).tolist()
    fill = torch.zeros(ends[-1] if ends else 0, device=values.device)
    if config.fill == "random":
        fill.normal_(generator=torch.Generator(values.device).manual_seed(int(rng.integers(2**63))))
    # One small copy per erased image: a mask over the batch would touch every pixel, and cost thrice as much.
    # On the CPU numpy makes it, at a tenth of the overhead.
    target: Any = values.numpy() if values.device.type == "cpu" else values
    source: Any = fill.numpy() if fill.device.type == "cpu" else fill
    for (image, top, left, height, width), end in zip(places.tolist(), ends, strict=True):
        place = image - share.first(own)
        if 0 <= place < own:
            patch = source[end - channels * height * width : end].reshape(channels, height, width)
            target[place, :, top : top + height, left : left + width] = patch
    return values


def _rectangles(
    rng: np.random.Generator, batch: int, shape: torch.Size, config: RandomErasing
) -> NDArray[np.int64]:
    """Draw rectangles, (E, 5): image, top, left, height and width, for the E of `batch` that are erased."""
    tall, wide = shape[2:]
    chosen = rng.random(batch) < config.p
    attempts = (batch, _ATTEMPTS)
    area = rng.uniform(*config.area, attempts) * tall * wide
    ratio = rng.uniform(*config.ratio, attempts)
    heights = np.rint(np.sqrt(area * ratio)).astype(np.int64)
    widths = np.rint(np.sqrt(area / ratio)).astype(np.int64)
    fits = (heights < tall) & (widths < wide)
    image = np.flatnonzero(chosen & fits.any(axis=1))
    first = fits[image].argmax(axis=1)
    height, width = heights[image, first], widths[image, first]
    top, left = rng.integers(tall - height + 1), rng.integers(wide - width + 1)
    return np.stack([image, top, left, height, width], axis=1)
