"""Distances between query and gallery features, as keys that order a gallery, block by block."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt

from vreid.evaluation.arrays import (
    Array,
    Float,
    Ints,
    chunks,
    copies,
    feature_matrix,
    rows_of,
    squared_norms,
    working_type,
)
from vreid.params.errors import UserError

Distance = Literal["cosine", "euclidean", "squared_euclidean"]
DISTANCES: tuple[Distance, ...] = get_args(Distance)

BUDGET = 1280 << 20
"""Default limit, in bytes, of the memory that an evaluation takes beside the features and its results: enough
for `BLOCK_ROWS` queries and a million gallery images. Smaller galleries take less of it."""

LARGEST_BLOCK = 80 << 20
"""Bytes of a block of distances that holds `BLOCK_ROWS` queries, at most: a larger product is no faster."""

BLOCK_ROWS = 256
"""Queries of a block, if the budget allows: a product lays out the whole gallery anew for each block, which
takes as long as the distances of some fifty queries."""


def distances(query: npt.ArrayLike, gallery: npt.ArrayLike, distance: Distance) -> Float:
    """Return the whole matrix of distances (Q, G), for problems small enough to hold it.

    `cosine` is 1 - cos in [0, 2], and 1 to or from a vector of zeros; `euclidean` the square root
    of `squared_euclidean`. float32 unless a matrix is wider.

    Raises:
        UserError: as `FeatureKeys`.
    """
    keys = FeatureKeys(query, gallery, distance)
    matrix = np.empty(keys.shape, keys.dtype)
    keys.order(keys.products(0, keys.shape[0]), matrix)
    own = squared_norms(keys.query, keys.dtype, "query features")[:, None]
    if distance == "cosine":
        with np.errstate(divide="ignore"):
            scale = np.where(own > 0, 1 / np.sqrt(own), 0)
        return matrix * scale.astype(keys.dtype) + 1
    squared = np.maximum(2 * matrix + own, 0)
    return squared if distance == "squared_euclidean" else np.sqrt(squared)


class Keys(Protocol):
    """Ordering keys of a gallery as seen from each query: smaller is closer."""

    shape: tuple[int, int]
    dtype: np.dtype[Any]
    budget: int

    def products(self, start: int, stop: int) -> Float:
        """Return what is computed for queries `start` to `stop` at once, (stop - start, G).

        The array is valid until the next call.
        """

    def order(self, product: Float, out: Float) -> None:
        """Turn rows of `products`, (R, G) or (G,), into keys."""

    def block_rows(self, spare: int) -> int:
        """Return how many queries a block may have when `spare` bytes of the budget are used otherwise."""


@dataclass(frozen=True)
class Gallery:
    """The gallery with what every query needs of it: key = product * scale + shift."""

    features: Array
    scale: Float
    shift: Float | None
    copies: Ints
    originals: Ints


class FeatureKeys:
    """Keys from features: one matrix product per block of queries.

    For a query q and a gallery vector g the key is -q.g / |g| (cosine; 0 for a vector of zeros) or
    |g|^2 / 2 - q.g (Euclidean, squared or not). Both grow with the distance, and leave out what is
    the same for all of a query's gallery and so cannot change an order. Rows of the gallery that
    are equal get equal keys.

    Args:
        query: (Q, D) real numbers of any type and strides.
        gallery: (G, D) likewise.
        distance: one of `DISTANCES`.
        budget: bytes that may be used beside the two arrays.

    Raises:
        UserError: the shapes do not fit, a value is NaN or infinite (the first row is named), the
            budget is too small for one query.
    """

    def __init__(
        self,
        query: npt.ArrayLike,
        gallery: npt.ArrayLike,
        distance: Distance,
        budget: int = BUDGET,
    ) -> None:
        self.query = feature_matrix(query, "query features")
        features = feature_matrix(gallery, "gallery features")
        if self.query.shape[1] != features.shape[1]:
            raise UserError(
                f"Query features have {self.query.shape[1]} columns and gallery features "
                f"{features.shape[1]}: they come from two models, or one is transposed"
            )
        self.dtype = working_type(self.query, features)
        self.shape = (len(self.query), len(features))
        self.budget = budget
        squared_norms(self.query, self.dtype, "query features")
        self.gallery = _prepared(features, distance_of(distance), self.dtype)
        self._cast = self._cast_once(features)
        self._chunk = min(budget // 8, features.size * self.dtype.itemsize)
        self._block = np.empty((0, self.shape[1]), self.dtype)

    def products(self, start: int, stop: int) -> Float:
        """Return the inner products of queries `start` to `stop` with the gallery, (stop - start, G)."""
        rows = stop - start
        if len(self._block) < rows:
            self._block = np.empty((rows, self.shape[1]), self.dtype)
        block: Float = self._block[:rows]
        query = rows_of(self.query, start, stop, self.dtype)
        if self._cast is not None:
            np.matmul(query, self._cast.T, out=block)
            return block
        for first, part in chunks(self.gallery.features, self.dtype, self._chunk):
            np.matmul(query, part.T, out=block[:, first : first + len(part)])
        return block

    def order(self, product: Float, out: Float) -> None:
        """Turn rows of inner products, (R, G) or (G,), into keys."""
        gallery = self.gallery
        np.multiply(product, gallery.scale, out=out)
        if gallery.shift is not None:
            out += gallery.shift
        if gallery.copies.size:
            out[..., gallery.copies] = out[..., gallery.originals]

    def block_rows(self, spare: int) -> int:
        """Return how many queries fit into a block beside `spare` bytes of other use."""
        row = (self.shape[1] + self.query.shape[1]) * self.dtype.itemsize
        cast = self._chunk if self._cast is None else 0
        if self._cast is not None and self._cast is not self.gallery.features:
            cast = self._cast.nbytes
        rows = (self.budget - spare - cast) // row
        if rows < 1:
            raise UserError(
                f"A memory budget of {self.budget / 2**20:.1f} MiB does not hold the distances of one "
                f"query to {self.shape[1]} gallery images; give at least "
                f"{(spare + cast + row) / 2**20 + 1:.0f} MiB"
            )
        return int(min(rows, max(BLOCK_ROWS, LARGEST_BLOCK // row)))

    def _cast_once(self, features: Array) -> Float | None:
        """Return the gallery as the product needs it; None if a copy for that is half the budget."""
        if features.flags.c_contiguous and features.dtype == self.dtype:
            return features
        if features.size * self.dtype.itemsize > self.budget // 2:
            return None
        return rows_of(features, 0, len(features), self.dtype)


class GivenKeys:
    """Keys that are distances (Q, G) which somebody else computed, such as those of a re-ranking.

    Raises:
        UserError: the matrix is none of real numbers, or a distance is NaN or infinite.
    """

    def __init__(self, matrix: Array, budget: int = BUDGET) -> None:
        self._matrix = feature_matrix(matrix, "distances")
        self.dtype, self.budget = working_type(matrix), budget
        self.shape = (matrix.shape[0], matrix.shape[1])
        for start, rows in chunks(matrix, self.dtype):
            odd = np.argwhere(~np.isfinite(rows))
            if odd.size:
                row, column = odd[0]
                raise UserError(
                    f"distances: row {start + row} (from 0) holds {rows[row, column]} in column {column}"
                )

    def products(self, start: int, stop: int) -> Float:
        """Return the distances of queries `start` to `stop`, (stop - start, G)."""
        return rows_of(self._matrix, start, stop, self.dtype)

    def order(self, product: Float, out: Float) -> None:
        """Copy rows of distances, (R, G) or (G,)."""
        np.copyto(out, product)

    def block_rows(self, spare: int) -> int:
        """Return how many queries fit into a block; one does, whatever the budget."""
        row = self.shape[1] * self.dtype.itemsize
        return int(np.clip((self.budget - spare) // row, 1, max(1, LARGEST_BLOCK // row)))


def _prepared(features: Array, distance: Distance, dtype: np.dtype[Any]) -> Gallery:
    norms = squared_norms(features, dtype, "gallery features")
    if distance == "cosine":
        with np.errstate(divide="ignore"):
            scale = np.where(norms > 0, -1 / np.sqrt(norms), 0).astype(dtype)
        return Gallery(features, scale, None, *copies(features, norms))
    return Gallery(features, np.full(1, -1, dtype), norms / 2, *copies(features, norms))


def distance_of(name: str) -> Distance:
    """Return `name` if it is one of `DISTANCES`.

    Raises:
        UserError: it is none.
    """
    for distance in DISTANCES:
        if distance == name:
            return distance
    raise UserError(f"There is no distance {name!r}; there are {', '.join(DISTANCES)}")
