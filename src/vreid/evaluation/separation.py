"""How far similarities tell vehicles apart: all pairs of one vehicle beside all pairs of two.

Nothing is sampled, and nothing is held but counts. float32 numbers are in the order of signed integers once
the bits of negative ones are turned. A first pass over all pairs counts the upper halves of these integers;
the counts tell in which of them the median and the threshold lie. A second pass counts the lower halves
within those alone. Both come out as from sorting all pairs, in a memory that does not grow with their number.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vreid.evaluation.arrays import Array, Float, Ints, squared_norms
from vreid.evaluation.distances import FeatureKeys
from vreid.evaluation.evaluate import Problem
from vreid.evaluation.ranking import limited_threads

Floats = npt.NDArray[np.float32]
Edges = npt.NDArray[np.float64]

BUDGET = 80 << 20
"""Default limit, in bytes, of the memory that is taken beside the features."""

BINS = 64
"""Of the counts for a histogram, all equally wide."""

HALF = 1 << 16
"""Values of the upper and of the lower half of a float32."""

SLAB = 1 << 19
"""Pairs whose halves are counted at once."""


@dataclass(frozen=True)
class Overlap:
    """How far pairs of two vehicles reach among those of one: similarities as in `Separation`, and shares.

    Attributes:
        median: the similarity of the median pair of one vehicle; of an even number, the lower of the two.
        above_median: of the pairs of two vehicles, those that are more similar than that.
        threshold: the similarity of a pair from which on pairs are taken for one vehicle's, such that
            `accepted` and `refused` are as near to each other as they can be; the lowest, if several are.
        accepted: of the pairs of two vehicles, those that are taken for one vehicle's.
        refused: of the pairs of one vehicle, those that are not.
    """

    median: float
    above_median: float
    threshold: float
    accepted: float
    refused: float

    @property
    def equal_error_rate(self) -> float:
        """The mean of `accepted` and `refused`: seldom does a threshold make them quite equal."""
        return (self.accepted + self.refused) / 2


@dataclass(frozen=True)
class Separation:
    """The similarities of all pairs of query and gallery: cosine in [-1, 1], or the negative distance.

    Attributes:
        edges: (BINS + 1,) of the bins, the last of which holds its upper edge too; float32 rounding may put a
            pair that lies on an edge into the bin beside it.
        same: (BINS,) pairs of one vehicle in each bin.
        different: (BINS,) pairs of two vehicles.
        overlap: None without pairs of both kinds.
    """

    edges: Edges
    same: Ints
    different: Ints
    overlap: Overlap | None


def separate(problem: Problem, distance: Literal["cosine", "euclidean"], budget: int = BUDGET) -> Separation:
    """Measure all pairs of a trial's query and gallery images, but junk and queries without a match.

    Such queries have no part in any metric, so they have none here. Similarities are those that rankings go
    by, in float32: Euclidean distances far below the features' norms lose digits. Equal ones count as
    equally similar.

    Args:
        problem: one trial.
        distance: cosine similarity is 0 to or from a vector of zeros; Euclidean distances are not squared.
        budget: bytes that may be used beside the features.

    Raises:
        UserError: as `FeatureKeys`.
    """
    pairs = _Pairs(problem, distance, FeatureKeys(problem.query, problem.gallery, distance, budget))
    with limited_threads(1):  # both passes must see the same numbers to the last bit
        upper, lowest, highest = _survey(pairs)
        overlapping = upper.sum(axis=1).all()
        halves = _decisive(upper) if overlapping else np.empty(0, np.int64)
        lower, drawn, edges = _closely(pairs, halves, lowest, highest)
    overlap = _overlap(upper, halves, lower) if overlapping else None
    return Separation(edges, drawn[0], drawn[1], overlap)


@dataclass(frozen=True)
class _Pairs:
    """The pairs of a trial, a few queries at a time."""

    problem: Problem
    distance: str
    keys: FeatureKeys

    def slabs(self) -> Iterator[tuple[Floats, Floats]]:
        """Yield the similarities of pairs of one vehicle, (M,), and of all pairs, (P,), both without junk."""
        keys, groups = self.keys, self.problem.groups
        queries, gallery = keys.shape
        own = squared_norms(self.problem.query, keys.dtype, "query features")[:, None]
        row = 40 * gallery + 128 * groups.most
        slab = max(1, min(SLAB // gallery, keys.budget // (2 * row)))
        step = keys.block_rows(slab * row)
        for start in range(0, queries, step):
            products = keys.products(start, min(start + step, queries))
            for first in range(0, len(products), slab):
                part = products[first : first + slab]
                low, high = start + first, start + first + len(part)
                keys.order(part, part)
                values = _similarities(part, own[low:high], self.distance)
                matches, junk = groups.pairs(low, high)
                asked = np.repeat((matches.counts > 0)[:, None], gallery, axis=1)
                asked[junk.query, junk.position] = False
                yield values[matches.query, matches.position], values[asked]


def _similarities(keys: Float, own: Float, distance: str) -> Floats:
    """Turn keys (R, G) into similarities, in place; `own` (R, 1) are the queries' squared norms."""
    if distance == "cosine":
        with np.errstate(divide="ignore"):
            keys *= np.where(own > 0, -1 / np.sqrt(own), 0).astype(keys.dtype)
    else:
        keys *= 2
        keys += own
        np.sqrt(np.maximum(keys, 0, out=keys), out=keys)
        np.negative(keys, out=keys)
    return keys.astype(np.float32, copy=False)


def _survey(pairs: _Pairs) -> tuple[Ints, float, float]:
    """Count the upper halves of pairs of one vehicle and of two, (2, HALF); return the extremes as well."""
    counts = np.zeros((2, HALF), np.int64)
    lowest, highest = np.inf, -np.inf
    for same, every in pairs.slabs():
        if every.size:
            lowest, highest = min(lowest, float(every.min())), max(highest, float(every.max()))
            _add(counts, *(np.bincount(_upper(_codes(part)), minlength=HALF) for part in (same, every)))
    return counts, lowest, highest


def _decisive(upper: Ints) -> Ints:
    """Return the upper halves of the median pair and of the thresholds around the equal error, ascending.

    Errors are known at the lowest similarity of each half. The last at which too many pairs are accepted has
    the equal error within its half, or at the lowest similarity of the next that has any.
    """
    there = np.flatnonzero(upper.any(axis=0))
    same, different = upper[:, there]
    accepted = (different.sum() - (np.cumsum(different) - different)) / different.sum()
    refused = (np.cumsum(same) - same) / same.sum()
    crossing = np.flatnonzero(accepted >= refused)[-1]
    median = np.searchsorted(np.cumsum(same), _middle(same), "right")
    return np.unique(there[[median, crossing, min(crossing + 1, len(there) - 1)]])


def _closely(pairs: _Pairs, halves: Ints, lowest: float, highest: float) -> tuple[Ints, Ints, Edges]:
    """Count the lower halves within some upper ones, (2, halves, HALF), and bins, (2, BINS), with edges."""
    lower = np.zeros((2, len(halves) * HALF), np.int64)
    drawn = np.zeros((2, BINS), np.int64)
    place = np.full(HALF, -1, np.int32)
    place[halves] = np.arange(len(halves))
    edges = _edges(lowest, highest)
    for slab in pairs.slabs():
        _add(lower, *(_lower(_codes(part), place, lower.shape[1]) for part in slab))
        _add(drawn, *(_binned(part, edges) for part in slab))
    return lower.reshape(2, len(halves), HALF), drawn, edges


def _add(counts: Ints, same: Ints, every: Ints) -> None:
    counts[0] += same
    counts[1] += every
    counts[1] -= same


def _codes(values: Floats) -> npt.NDArray[np.int32]:
    """Return integers in the order of the values; 0.0 and -0.0 are one."""
    return _turned((values + np.float32(0)).view(np.int32))


def _turned(bits: Array) -> Array:
    turned: Array = bits ^ (bits >> 31 & 0x7FFFFFFF)
    return turned


def _upper(codes: Array) -> Array:
    return (codes >> 16) + HALF // 2


def _lower(codes: Array, place: Array, length: int) -> Ints:
    """Count the lower halves of the codes whose upper half has a place, those of each place together."""
    at = place[_upper(codes)]
    chosen = at >= 0
    return np.bincount(at[chosen] * HALF + (codes[chosen] & HALF - 1), minlength=length)


def _edges(lowest: float, highest: float) -> Edges:
    if lowest > highest:
        lowest = highest = 0.0
    if lowest == highest:
        room = 1e-3 * max(1.0, abs(lowest))
        lowest, highest = lowest - room, highest + room
    return np.linspace(lowest, highest, BINS + 1)


def _binned(values: Floats, edges: Edges) -> Ints:
    bins = ((values - np.float32(edges[0])) * np.float32(BINS / (edges[-1] - edges[0]))).astype(np.int32)
    return np.bincount(np.clip(bins, 0, BINS - 1, out=bins), minlength=BINS)


def _overlap(upper: Ints, halves: Ints, lower: Ints) -> Overlap:
    """Find the median and the threshold among the similarities of `halves` that any pair has."""
    at, rest = np.nonzero(lower.any(axis=0))
    totals = upper.sum(axis=1, keepdims=True)
    before = (np.cumsum(upper, axis=1) - upper)[:, halves]  # pairs below each of the halves
    within = np.cumsum(lower, axis=2) - lower
    below = before[:, at] + within[:, at, rest]
    counts = lower[:, at, rest]
    values = _values(halves[at], rest)
    refused, accepted = below[0] / totals[0], (totals[1] - below[1]) / totals[1]
    median = int(np.flatnonzero(below[0] + counts[0] > _middle(upper[0]))[0])
    apart = (totals[1] - below[1]) * totals[0] - below[0] * totals[1]  # whole numbers: ties are ties
    best = int(np.abs(apart).argmin())
    return Overlap(
        median=float(values[median]),
        above_median=float((totals[1] - below[1] - counts[1])[median] / totals[1, 0]),
        threshold=float(values[best]),
        accepted=float(accepted[best]),
        refused=float(refused[best]),
    )


def _values(upper: Ints, lower: Ints) -> npt.NDArray[Any]:
    return _turned((((upper - HALF // 2) << 16) | lower).astype(np.int32)).view(np.float32)


def _middle(counts: Ints) -> int:
    """Return how many come before the median, the lower one of an even number."""
    return int(counts.sum() - 1) // 2
