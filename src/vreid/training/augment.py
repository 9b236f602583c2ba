"""Augmentations of whole batches, drawn from (seed, epoch, step) and from nothing else.

Every function takes its random numbers from a generator made for one step, so neither the order in
which batches are prepared nor an interruption changes what an image looks like. What is drawn (a
few numbers per image) comes from numpy on the CPU; pixels are moved by torch where the batch lives.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vreid.models.normalisation import MEAN, STD
from vreid.params.errors import UserError
from vreid.params.recipe import (
    AugmentConfig,
    AugMix,
    ColorJitter,
    Flip,
    PadCrop,
    RandomErasing,
    RandomResizedCrop,
)
from vreid.params.run import Input, Size
from vreid.training.augmentations.augmix import augmix
from vreid.training.augmentations.colour import color_jitter
from vreid.training.augmentations.erasing import random_erasing
from vreid.training.augmentations.geometry import centre_crop, flip, pad_crop, random_resized_crop
from vreid.training.augmentations.pieces import spectra
from vreid.training.share import WHOLE, Share


class Augmentation:
    """A run's augmentations in their order, with the normalisation between pixels and values.

    The spectra of an image are registered pictures of one scene: whatever is drawn for an image holds for all
    of them, what moves pixels as well as what changes their values.
    """

    def __init__(
        self,
        configs: Sequence[AugmentConfig],
        seed: int,
        device: torch.device,
        layout: torch.memory_format = torch.contiguous_format,
        *,
        size: Input | None = None,
        share: Share = WHOLE,
    ) -> None:
        """Prepare `configs` for batches on `device`; results lie in memory as `layout` says.

        Random resized crops have the `size`, or without any that of the images given. Of each batch this
        process is given its `share`, and augments it as part of the whole.

        Raises:
            UserError: random erasing is listed before an augmentation of pixels; images are stored at another
                size than the network's input and nothing crops them.
        """
        kinds = [isinstance(config, RandomErasing) for config in configs]
        if kinds != sorted(kinds):
            raise UserError(
                "augment lists random_erasing before another augmentation, but it fills in normalised "
                "values: list it last"
            )
        crops = any(isinstance(config, RandomResizedCrop) for config in configs)
        if size is not None and size.stored is not None and not crops:
            raise UserError(
                "input.stored packs images at another size than the network's input, but augment lists no "
                "random_resized_crop that cuts the input out of them: list one, or leave input.stored out"
            )
        self._configs, self._size, self._seed, self._share = tuple(configs), size, seed, share
        self._values = _Values(device, layout)

    def __call__(self, images: Tensor, epoch: int, step: int) -> Tensor:
        """Turn (B, H, W, 3) uint8 pixels into augmented and normalised (B, 3, H, W) float32.

        Several spectra, (B, S, H, W, 3), become (B, S, 3, H, W). `epoch` and `step` count from 0. The result
        is overwritten by the next call: fresh memory for every batch costs a CPU more than the arithmetic.
        """
        pixels = _planes(images)
        rng = np.random.default_rng([self._seed, epoch, step])
        values = None
        for config in self._configs:
            if isinstance(config, RandomErasing):
                values = self._values.normalised(pixels) if values is None else values
                values = random_erasing(values, rng, config, self._share)
            else:
                pixels = self._changed(pixels, rng, config)
        values = self._values.normalised(pixels) if values is None else values
        return self._values.laid_out(values, several=images.dim() == 5)

    def _changed(self, pixels: Tensor, rng: np.random.Generator, config: AugmentConfig) -> Tensor:
        share = self._share
        match config:
            case Flip():
                return flip(pixels, rng, config.p, share)
            case PadCrop():
                return pad_crop(pixels, rng, config.padding, share)
            case RandomResizedCrop():
                height, width = pixels.shape[2:]
                size = Size(height=height, width=width) if self._size is None else self._size
                return random_resized_crop(pixels, rng, config, size, share)
            case ColorJitter():
                return color_jitter(pixels, rng, config, share)
            case AugMix():
                return augmix(pixels, rng, config, share)
        raise TypeError(config)


class Centre:
    """What images get when nothing is learnt from them: the centre is cut out, and normalised."""

    def __init__(
        self, size: Input, device: torch.device, layout: torch.memory_format = torch.contiguous_format
    ) -> None:
        """Prepare for batches on `device`; results lie in memory as `layout` says."""
        self._size = size
        self._values = _Values(device, layout)

    def __call__(self, images: Tensor) -> Tensor:
        """Turn (B, H, W, 3) uint8 pixels into (B, 3, H, W) float32 of the network's input size.

        Several spectra, (B, S, H, W, 3), become (B, S, 3, H, W). The result is overwritten by the next call.
        """
        values = self._values.normalised(centre_crop(_planes(images), self._size))
        return self._values.laid_out(values, several=images.dim() == 5)


class _Values:
    """From bytes to what the network is given, in memory that is used again and again."""

    def __init__(self, device: torch.device, layout: torch.memory_format) -> None:
        self._device, self._layout = device, layout
        self._rooms: dict[tuple[torch.Size, torch.memory_format], Tensor] = {}
        mean, std = torch.tensor([MEAN, STD], device=device)[:, :, None, None]
        self._scale, self._shift = 1 / (255 * std), -mean / std

    def normalised(self, pixels: Tensor) -> Tensor:
        """Return (pixels / 255 - mean) / std of (B, 3 S, H, W)."""
        room = self._room(pixels.shape, torch.contiguous_format)
        room.copy_(pixels)
        spectra(room).mul_(self._scale).add_(self._shift)
        return room

    def laid_out(self, values: Tensor, *, several: bool) -> Tensor:
        """Return (B, 3, H, W), or (B, S, 3, H, W) for `several` spectra, in the layout that was asked for."""
        if self._layout == torch.contiguous_format:
            return spectra(values) if several else values
        if not several:
            return self._room(values.shape, self._layout).copy_(values)
        # Each spectrum's own network takes result[:, s], which has to have the layout.
        batch, channels, height, width = values.shape
        room = self._room(torch.Size((channels // 3 * batch, 3, height, width)), self._layout)
        result = room.view(-1, batch, 3, height, width).transpose(0, 1)
        return result.copy_(spectra(values))

    def _room(self, shape: torch.Size, layout: torch.memory_format) -> Tensor:
        if (shape, layout) not in self._rooms:
            self._rooms[shape, layout] = torch.empty(shape, device=self._device, memory_format=layout)
        return self._rooms[shape, layout]


def _planes(images: Tensor) -> Tensor:
    """Return a copy of (B, H, W, 3) as (B, 3, H, W), of (B, S, H, W, 3) as (B, 3 S, H, W)."""
    if images.dim() == 4:
        return images.permute(0, 3, 1, 2).clone(memory_format=torch.contiguous_format)
    return images.permute(0, 1, 4, 2, 3).clone(memory_format=torch.contiguous_format).flatten(1, 2)
