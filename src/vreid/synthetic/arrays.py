"""Small array helpers of the renderer: vectors, hashed noise, and random streams by purpose.

Nothing here goes through BLAS, whose threads and kernels may change the last bit of a result.
"""

from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]
Double = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Index = npt.NDArray[np.int64]


class Stream(IntEnum):
    """What a random stream is for; together with the seed and keys it names the stream."""

    MODEL = 1
    FINISH = 2
    DETAILS = 3
    PLAN = 4
    CAMERA = 5
    PASSAGE = 6
    SHOT = 7
    TRAFFIC = 8
    THERMAL = 9


def stream(seed: int, purpose: Stream, *keys: int) -> np.random.Generator:
    """Return the generator of one purpose, the same in whatever process and order it is asked for."""
    return np.random.default_rng([seed, int(purpose), *keys])


def dot(a: Array, b: Array) -> Array:
    """Return the dot products of vectors `(..., 3)` along the last axis."""
    product: Array = a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2]
    return product


def unit(vectors: Array) -> Array:
    """Return `(..., 3)` vectors scaled to length 1; zero vectors stay zero."""
    scaled: Array = vectors / np.maximum(np.sqrt(dot(vectors, vectors)), np.float32(1e-9))[..., None]
    return scaled


def turned(vectors: Array, yaw: float) -> Array:
    """Return `(N, 3)` vectors turned by `yaw` radians about the vertical axis."""
    c, s = np.float32(np.cos(yaw)), np.float32(np.sin(yaw))
    x, y = vectors[:, 0], vectors[:, 1]
    out = vectors.copy()
    out[:, 0] = c * x - s * y
    out[:, 1] = s * x + c * y
    return out


def lattice(ix: Array, iy: Array, key: int) -> Array:
    """Return one hashed value in [0, 1] for each whole-numbered lattice point `(ix, iy)`."""
    u = np.uint32
    h = ix.astype(np.int32).view(u) * u(374761393) + iy.astype(np.int32).view(u) * u(668265263)
    h += u((key * 974711) & 0xFFFFFFFF)
    h ^= h >> u(13)
    h *= u(1274126177)
    h ^= h >> u(16)
    return (h & u(0xFFFF)).astype(np.float32) * np.float32(1 / 65535)


def noise(x: Array, y: Array, key: int) -> Array:
    """Return smooth value noise in [0, 1] with a period of about 1, for points of any shape."""
    ix, iy = np.floor(x), np.floor(y)
    fx, fy = x - ix, y - iy
    fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
    low = lattice(ix, iy, key) * (1 - fx) + lattice(ix + 1, iy, key) * fx
    high = lattice(ix, iy + 1, key) * (1 - fx) + lattice(ix + 1, iy + 1, key) * fx
    value: Array = low * (1 - fy) + high * fy
    return value
