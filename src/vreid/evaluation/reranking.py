"""k-reciprocal re-ranking (Zhong et al. 2017, "Re-ranking Person Re-identification …", CVPR).

The published code holds several matrices of all images against all images. Here distances are made
in blocks, and what is kept of them is sparse: the nearest k1 + 1 images of each image, and the
encodings V of Eq. 7 and Eq. 11.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vreid.evaluation.arrays import Array, Float, Ints, rows_of, squared_norms
from vreid.evaluation.distances import BUDGET, Distance, FeatureKeys
from vreid.evaluation.ranking import smallest
from vreid.params.errors import UserError

if TYPE_CHECKING:
    from scipy.sparse import csc_array, csr_array

Pairs = tuple[Ints, Ints]
"""Row and column of the entries of a sparse matrix, by row and then by column."""

BLOCK = 256
"""Images whose neighbourhoods are compared at a time."""


@dataclass(frozen=True)
class Reranking:
    """Parameters by the names of the paper, with the values that it and the field use.

    `k1`: size of the neighbourhood; `k2`: neighbours over which an encoding is averaged (1: none);
    `weight`: lambda, the share of the original distance in the final one.

    Raises:
        UserError: a parameter is out of its range.
    """

    k1: int = 20
    k2: int = 6
    weight: float = 0.3

    def __post_init__(self) -> None:
        if self.k1 < 1 or self.k2 < 1 or not 0 <= self.weight <= 1:
            raise UserError(
                f"Re-ranking needs k1 and k2 of at least 1 and a lambda in [0, 1], not k1 {self.k1}, "
                f"k2 {self.k2}, lambda {self.weight}"
            )

    def __str__(self) -> str:
        return f"k-reciprocal, k1 {self.k1}, k2 {self.k2}, lambda {self.weight}"


class RerankedKeys:
    """Final distances (1 - lambda) Jaccard + lambda original, block by block (Eq. 12).

    The original distance is squared Euclidean, or the cosine distance, which for features of length
    one is the same up to a factor; as in the published code each image's distances are divided by
    its largest one.

    Memory beside the budget: a copy of the features, and per image some hundred sparse entries.

    Args:
        query: (Q, D) features.
        gallery: (G, D) features.
        distance: one of `vreid.evaluation.distances.DISTANCES`.
        parameters: k1, k2 and lambda.
        budget: bytes for the blocks.
        one_set: query and gallery are the same images, which then count once among the neighbours.
    """

    def __init__(
        self,
        query: Array,
        gallery: Array,
        distance: Distance,
        parameters: Reranking,
        budget: int = BUDGET,
        *,
        one_set: bool = False,
    ) -> None:
        self._original = FeatureKeys(query, gallery, distance, budget // 2)
        self.shape, self.dtype, self.budget = self._original.shape, self._original.dtype, budget
        self._weight = parameters.weight
        parts = [gallery] if one_set else [query, gallery]
        features = np.concatenate([rows_of(part, 0, len(part), self.dtype) for part in parts])
        space = _Space(features, distance, budget // 2)
        near = space.neighbours(max(parameters.k1 + 1, parameters.k2))
        encoded = _encoded(space, near, parameters)
        first = 0 if one_set else len(query)
        self._space = space
        self._query: csr_array = encoded[: len(query)]
        self._gallery: csc_array = encoded[first:].tocsc()
        self._block = np.empty((0, self.shape[1]), self.dtype)

    def products(self, start: int, stop: int) -> Float:
        """Return the final distances of queries `start` to `stop`, (stop - start, G)."""
        if len(self._block) < stop - start:
            self._block = np.empty((stop - start, self.shape[1]), self.dtype)
        block: Float = self._block[: stop - start]
        self._original.order(self._original.products(start, stop), block)
        for row, query in enumerate(range(start, stop)):
            original = self._space.scaled(query, block[row])
            block[row] = self._weight * original + (1 - self._weight) * self._jaccard(query)
        return block

    def order(self, product: Float, out: Float) -> None:
        """Copy final distances, which order the gallery as they are."""
        out[...] = product

    def block_rows(self, spare: int) -> int:
        """Return how many queries a block may have; half of the budget is for the original distances."""
        return min(self._original.block_rows(0), self._original.block_rows(spare))

    def _jaccard(self, query: int) -> Float:
        """Return 1 - sum of min / sum of max of the encodings, (G,); each encoding sums to 1 (Eq. 10)."""
        own = slice(self._query.indptr[query], self._query.indptr[query + 1])
        columns, values = self._query.indices[own], self._query.data[own]
        starts, stops = self._gallery.indptr[columns], self._gallery.indptr[columns + 1]
        counts = stops - starts
        entries = np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        common = np.minimum(np.repeat(values, counts), self._gallery.data[entries])
        overlap = np.bincount(self._gallery.indices[entries], common, self.shape[1])
        distances: Float = 1 - overlap / (2 - overlap)
        return distances


class _Space:
    """All images with their distances: d(i, j) = max(0, a_i key(i, j) + b_i) / m_i."""

    def __init__(self, features: Float, distance: Distance, budget: int) -> None:
        self.features = features
        self._keys = FeatureKeys(features, features, distance, budget)
        norms = squared_norms(features, features.dtype, "features")
        self._cosine = distance == "cosine"
        with np.errstate(divide="ignore"):
            lengths = np.where(norms > 0, 1 / np.sqrt(norms), 0).astype(features.dtype)
        self._norms, self._inverse = norms, lengths
        self._largest = np.ones(len(features), features.dtype)

    def neighbours(self, count: int) -> Ints:
        """Return the nearest `count` images of each image, itself among them, nearest first, (N, count)."""
        images = len(self.features)
        count = min(count, images)
        near = np.empty((images, count), np.int64)
        row = np.empty(images, self.features.dtype)
        step = self._keys.block_rows(images * (3 * row.itemsize + 9))
        for start in range(0, images, step):
            products = self._keys.products(start, min(start + step, images))
            for image, product in enumerate(products, start):
                self._keys.order(product, row)
                near[image] = smallest(row, count)
                largest = self.scaled(image, row.max(keepdims=True))[0]
                self._largest[image] = largest if largest > 0 else 1
        return near

    def scaled(self, image: int, keys: Float) -> Float:
        """Turn keys as seen from an image into its distances, over its largest one."""
        distances: Float = 1 + keys * self._inverse[image]
        if not self._cosine:
            distances = 2 * keys + self._norms[image]
        return np.asarray(np.maximum(distances, 0) / self._largest[image])

    def of_pairs(self, pairs: Pairs) -> Float:
        """Return the distances of single pairs of images over the largest one of the first, (P,)."""
        found = np.empty(len(pairs[0]), self.features.dtype)
        step = max(1, self._keys.budget // (4 * self.features[0].nbytes))
        for start in range(0, len(found), step):
            one, other = (side[start : start + step] for side in pairs)
            products = np.vecdot(self.features[one], self.features[other])
            if self._cosine:
                distances = 1 - products * self._inverse[one] * self._inverse[other]
            else:
                distances = self._norms[one] + self._norms[other] - 2 * products
            found[start : start + step] = np.maximum(distances, 0) / self._largest[one]
        return found


def _encoded(space: _Space, near: Ints, parameters: Reranking) -> "csr_array":
    """Return the encodings V (N, N), each row summing to 1, averaged over k2 neighbours (Eq. 7, 11)."""
    from scipy.sparse import csr_array  # noqa: PLC0415 -- only re-ranking needs scipy

    images = len(near)
    pairs = _expanded(near[:, : parameters.k1 + 1], int(np.around(parameters.k1 / 2)) + 1)
    weights = np.exp(-space.of_pairs(pairs))
    weights /= np.bincount(pairs[0], weights, images).astype(weights.dtype)[pairs[0]]
    encoded = csr_array((weights, pairs), shape=(images, images))
    if parameters.k2 == 1:
        return encoded
    used = near[:, : parameters.k2]
    rows = np.repeat(np.arange(images), used.shape[1])
    share = np.full(used.size, 1 / used.shape[1], weights.dtype)
    averaging = csr_array((share, (rows, used.ravel())), shape=(images, images))
    averaged: csr_array = averaging @ encoded
    return averaged


def _expanded(near: Ints, half: int) -> Pairs:
    """Return (image, member) of every image's expanded set R* of k-reciprocal neighbours (Eq. 3 and 5).

    R(p, k) holds the k nearest of p that have p among their k nearest. The set R(q, k/2) of a
    member q joins if more than two thirds of it are in R(p, k).
    """
    images = len(near)
    mutual, close_mutual = _reciprocal(near), _reciprocal(near[:, :half])
    found = []
    for start in range(0, images, BLOCK):
        members, is_member = near[start : start + BLOCK], mutual[start : start + BLOCK]
        theirs = near[members, :half]
        counts = close_mutual[members] & is_member[:, :, None]
        inside = (theirs[..., None] == members[:, None, None, :]) & is_member[:, None, None, :]
        shared = (inside.any(axis=3) & counts).sum(axis=2)
        joins = shared > 2 / 3 * counts.sum(axis=2)
        counts &= joins[:, :, None]
        own = np.nonzero(is_member)
        image, candidate, place = np.nonzero(counts)
        rows = np.concatenate([own[0], image]) + start
        columns = np.concatenate([members[own], theirs[image, candidate, place]])
        found.append(np.unique(rows * images + columns))
    flat: npt.NDArray[Any] = np.concatenate(found)
    return flat // images, flat % images


def _reciprocal(near: Ints) -> npt.NDArray[np.bool_]:
    """Say of each image's neighbours whether they have it among theirs, (N, K)."""
    mutual = np.empty(near.shape, bool)
    for start in range(0, len(near), BLOCK):
        block = near[start : start + BLOCK]
        images = np.arange(start, start + len(block))
        mutual[start : start + BLOCK] = (near[block] == images[:, None, None]).any(axis=2)
    return mutual
