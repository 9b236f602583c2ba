"""Augmentations of whole batches, drawn from (seed, epoch, step) and from nothing else.

Every function takes its random numbers from a generator made for one step, so neither the order in
which batches are prepared nor an interruption changes what an image looks like. What is drawn (a
few numbers per image) comes from numpy on the CPU; pixels are moved by torch where the batch lives.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from vreid.params.errors import UserError
from vreid.params.run import AugmentConfig, Flip, PadCrop, RandomErasing

# Mean and standard deviation of ImageNet's training images, which its pre-trained weights expect.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)

_ERASING_ATTEMPTS = 10  # per image, then it is left unchanged


class Augmentation:
    """A run's augmentations in their order, with the normalisation between pixels and values.

    Without augmentations it is the normalisation alone, as test images need it.
    """

    def __init__(
        self,
        configs: Sequence[AugmentConfig],
        seed: int,
        device: torch.device,
        layout: torch.memory_format = torch.contiguous_format,
    ) -> None:
        """Prepare `configs` for batches on `device`; results lie in memory as `layout` says.

        Raises:
            UserError: random erasing is listed before an augmentation of pixels.
        """
        kinds = [isinstance(config, RandomErasing) for config in configs]
        if kinds != sorted(kinds):
            raise UserError(
                "augment lists random_erasing before another augmentation, but it fills in normalised "
                "values: list it last"
            )
        self._configs = tuple(configs)
        self._seed = seed
        self._device = device
        self._layout = layout
        self._rooms: dict[tuple[torch.Size, torch.memory_format], Tensor] = {}
        mean, std = torch.tensor([MEAN, STD], device=device)[:, :, None, None]
        self._scale, self._shift = 1 / (255 * std), -mean / std

    def __call__(self, images: Tensor, epoch: int, step: int) -> Tensor:
        """Turn (B, H, W, 3) uint8 pixels into augmented and normalised (B, 3, H, W) float32.

        `epoch` and `step` count from 0. The result is overwritten by the next call: fresh memory for
        every batch costs a CPU more than the arithmetic.
        """
        pixels = images.permute(0, 3, 1, 2).clone(memory_format=torch.contiguous_format)
        rng = np.random.default_rng([self._seed, epoch, step])
        values = None
        for config in self._configs:
            if isinstance(config, Flip):
                pixels = flip(pixels, rng, config.p)
            elif isinstance(config, PadCrop):
                pixels = pad_crop(pixels, rng, config.padding)
            else:
                values = self._normalised(pixels) if values is None else values
                values = random_erasing(values, rng, config)
        values = self._normalised(pixels) if values is None else values
        if self._layout == torch.contiguous_format:
            return values
        return self._room(values.shape, self._layout).copy_(values)

    def _normalised(self, pixels: Tensor) -> Tensor:
        """Return (pixels / 255 - mean) / std."""
        room = self._room(pixels.shape, torch.contiguous_format)
        return room.copy_(pixels).mul_(self._scale).add_(self._shift)

    def _room(self, shape: torch.Size, layout: torch.memory_format) -> Tensor:
        if (shape, layout) not in self._rooms:
            self._rooms[shape, layout] = torch.empty(shape, device=self._device, memory_format=layout)
        return self._rooms[shape, layout]


def flip(pixels: Tensor, rng: np.random.Generator, p: float) -> Tensor:
    """Mirror each image of (B, 3, H, W), left to right, with probability `p`; in place."""
    chosen = np.where(rng.random(len(pixels)) < p, 255, 0).astype(np.uint8)[:, None, None, None]
    # pixels ^ mirrored ^ pixels is mirrored: three passes over bytes, where selecting images copies them.
    difference = pixels.flip(3).bitwise_xor_(pixels)
    difference.bitwise_and_(torch.from_numpy(chosen).to(pixels.device))
    return pixels.bitwise_xor_(difference)


def pad_crop(pixels: Tensor, rng: np.random.Generator, padding: float) -> Tensor:
    """Shift each image of (B, C, H, W) by up to round(padding * H) px, black moving in at the edge.

    This is zero padding on all sides and a crop of the old size at a uniformly drawn place.
    """
    batch, channels, height, width = pixels.shape
    border = round(padding * height)
    padded = functional.pad(pixels, (border, border, border, border))
    tall, wide = padded.shape[2:]
    top, left = rng.integers(0, 2 * border + 1, size=(2, batch, 1, 1))
    plane = np.arange(batch * channels).reshape(batch, channels, 1)
    start = (plane * tall + top + np.arange(height)) * wide + left  # of every row of the result
    runs = padded.view(-1).as_strided((padded.numel() - width + 1, width), (1, 1))
    rows = runs.index_select(0, torch.from_numpy(start.reshape(-1)).to(pixels.device))
    return rows.view(batch, channels, height, width)


def random_erasing(values: Tensor, rng: np.random.Generator, config: RandomErasing) -> Tensor:
    """Fill a random rectangle of each of (B, C, H, W) with probability `config.p`; in place.

    Algorithm 1 of Zhong et al., "Random Erasing Data Augmentation" (AAAI 2020), on normalised
    values: the area is uniform in `config.area` times H W and the aspect (height / width) uniform
    in `config.ratio`; a rectangle that reaches the image's height or width is drawn anew, up to ten
    times in all (the paper tries without end), and then the image stays as it is. `fill: random`
    writes independent N(0, 1) values per pixel and channel, the normalised counterpart of the
    paper's random pixel values; `fill: zero` writes the mean colour.
    """
    places = _rectangles(rng, values.shape, config)
    channels = values.shape[1]
    ends = np.cumsum(channels * places[:, 3] * places[:, 4]).tolist()
    fill = torch.zeros(ends[-1] if ends else 0, device=values.device)
    if config.fill == "random":
        fill.normal_(generator=torch.Generator(values.device).manual_seed(int(rng.integers(2**63))))
    # One small copy per erased image: a mask over the batch would touch every pixel, and cost thrice as much.
    # On the CPU numpy makes it, at a tenth of the overhead.
    target: Any = values.numpy() if values.device.type == "cpu" else values
    source: Any = fill.numpy() if fill.device.type == "cpu" else fill
    for (image, top, left, height, width), end in zip(places.tolist(), ends, strict=True):
        patch = source[end - channels * height * width : end].reshape(channels, height, width)
        target[image, :, top : top + height, left : left + width] = patch
    return values


def _rectangles(rng: np.random.Generator, shape: torch.Size, config: RandomErasing) -> NDArray[np.int64]:
    """Draw rectangles, (E, 5): image, top, left, height and width, for the E images that are erased."""
    batch, _, tall, wide = shape
    chosen = rng.random(batch) < config.p
    attempts = (batch, _ERASING_ATTEMPTS)
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
