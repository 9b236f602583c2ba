"""AugMix (Hendrycks et al., "AugMix: A Simple Data Processing Method to Improve Robustness", ICLR 2020)."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vreid.params.recipe import AugMix
from vreid.training.augmentations import operations
from vreid.training.augmentations.pieces import Places, pieces, put, taken, to_bytes
from vreid.training.device import sent
from vreid.training.share import WHOLE, Share

_DEEPEST = 3  # operations in a chain whose depth is drawn

# What each operation is given at level 10, as in the published algorithm; a level is drawn from
# (0.1, severity). Translations are in shares of the image's side.
_BITS, _DEGREES, _THRESHOLD, _SLOPE, _SHARE = 4, 30, 256, 0.3, 1 / 3
_OPERATIONS = 9
_AT_ONCE = 4  # times as many images as other augmentations take


class _Draws(NamedTuple):
    """What is drawn for each of B images; with `width` chains of up to D operations.

    `kinds` (B, width, D) numbers the operations, -1 is none; `levels` and `signs` are of the same shape;
    `weights` (B, 1 + width) are those of the image itself and of its chains.
    """

    chosen: NDArray[np.bool_]
    kinds: NDArray[np.int64]
    levels: NDArray[np.float64]
    signs: NDArray[np.float64]
    weights: NDArray[np.float64]

    def of(self, images: Places) -> "_Draws":
        """Return what was drawn for `images`."""
        levels, signs, weights = (drawn[images] for drawn in (self.levels, self.signs, self.weights))
        return _Draws(self.chosen[images], self.kinds[images], levels, signs, weights)


def augmix(pixels: Tensor, rng: np.random.Generator, config: AugMix, share: Share = WHOLE) -> Tensor:
    """Mix each image of (B, 3 S, H, W), uint8, with chains of operations on it; in place.

    Algorithm 1 of the paper: `config.width` chains, each of `config.depth` operations (None: 1 to 3) that are
    drawn from nine, are added with weights w from Dirichlet(alpha, …), and the sum is mixed with the image,
    m image + (1 - m) sum, m from Beta(alpha, alpha). An image is mixed with probability `config.p`, else it
    stays. The S spectra of an image go through the same chains: they are registered, and in one light. The
    strength of an operation is drawn between 0.01 and 0.1 `config.severity` of its largest: 30 degrees, a
    shear by 0.3, a third of the image's side, 4 bits, all of the 256 values.
    """
    whole = share.whole(len(pixels))
    draws = _draw(rng, whole, config).of(share.of(np.arange(whole)))
    for images in pieces(np.flatnonzero(draws.chosen), pixels, times=_AT_ONCE):
        put(pixels, images, _mixed(taken(pixels, images), draws.of(images)))
    return pixels


def _draw(rng: np.random.Generator, batch: int, config: AugMix) -> _Draws:
    width, deepest = config.width, config.depth or _DEEPEST
    shape = (batch, width, deepest)
    chosen = rng.random(batch) < config.p
    depth = np.full((batch, width), deepest) if config.depth else rng.integers(1, deepest + 1, (batch, width))
    kinds = np.where(np.arange(deepest) < depth[..., None], rng.integers(_OPERATIONS, size=shape), -1)
    levels = rng.uniform(0.1, config.severity, shape)
    signs = rng.choice([-1.0, 1.0], size=shape)
    chains = rng.dirichlet([config.alpha] * width, batch)
    itself = rng.beta(config.alpha, config.alpha, (batch, 1))
    return _Draws(chosen, kinds, levels, signs, np.concatenate([itself, (1 - itself) * chains], axis=1))


def _mixed(images: Tensor, draws: _Draws) -> Tensor:
    """Return the mixtures (N, C, H, W) of `images`, whose draws are the N of `draws`."""
    number, width, depth = draws.kinds.shape
    parts = images[:, None].repeat(1, 1 + width, 1, 1, 1)  # each image, and its chains to be
    chains = parts.flatten(0, 1)
    places = np.arange(number * (1 + width)).reshape(number, 1 + width)[:, 1:]
    for step in range(depth):
        kinds, levels, signs = (d[:, :, step] for d in (draws.kinds, draws.levels, draws.signs))
        for kind in range(_OPERATIONS):
            some = kinds == kind
            if some.any():
                changed = operate(taken(chains, places[some]), kind, levels[some], signs[some])
                put(chains, places[some], changed)
    weights = sent(draws.weights[:, None].astype(np.float32), images.device)
    mixed = torch.empty_like(images)
    for some in pieces(np.arange(number), images):
        values = taken(weights, some) @ taken(parts, some).flatten(2).float()
        put(mixed, some, to_bytes(values).view(-1, *images.shape[1:]))
    return mixed


def operate(images: Tensor, kind: int, level: NDArray[np.float64], sign: NDArray[np.float64]) -> Tensor:
    """Apply the operation number `kind` to (N, C, H, W) at `level` (N,), 0 to 10.

    `sign` (N,), -1 or 1, is its direction where it has one.
    """
    part = level / 10
    height, width = images.shape[2:]
    match kind:
        case 0:
            return operations.autocontrast(images)
        case 1:
            return operations.equalize(images)
        case 2:
            return operations.posterize(images, _BITS - np.floor(part * _BITS))
        case 3:
            return operations.solarize(images, _THRESHOLD - np.floor(part * _THRESHOLD))
        case 4:
            return operations.rotate(images, sign * np.floor(part * _DEGREES))
        case 5:
            return operations.shear_x(images, sign * part * _SLOPE)
        case 6:
            return operations.shear_y(images, sign * part * _SLOPE)
        case 7:
            return operations.translate_x(images, sign * np.floor(part * width * _SHARE))
        case _:
            return operations.translate_y(images, sign * np.floor(part * height * _SHARE))
