"""How far metrics and differences of metrics may be trusted: a paired bootstrap over vehicles and seeds.

Queries of one vehicle resemble each other, so vehicles are drawn with replacement and bring all
their queries along; drawing single queries would make intervals too narrow. Two methods are
compared on the same draws (paired), so what makes a query hard for both cancels out. Where a method
was trained with several seeds, its seeds are drawn too, each method's by themselves, because equal
seeds make no two networks alike. The deviations of the seeds from their mean are widened by sqrt(S
/ (S - 1)): a mean of S draws from S values would otherwise show too small a variance by just that
factor (Davison and Hinkley 1997, sec. 2.3).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vreid.evaluation.arrays import Array
from vreid.evaluation.metrics import Doubles
from vreid.params.errors import UserError

RESAMPLES = 10_000
DRAWS_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Interval:
    """An estimate with its percentile interval, as fractions.

    `positive` is the share of the resamples above nought: of a difference, how sure it is that the
    first is better.
    """

    estimate: float
    low: float
    high: float
    positive: float
    level: float = 0.95


def mean_interval(
    values: npt.ArrayLike,
    ids: npt.ArrayLike,
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return the mean of a per-query value over queries and seeds, with its interval.

    Args:
        values: (Q,) or, for several seeds, (S, Q); NaN for a query without a match, alike for all seeds.
        ids: (Q,) the vehicle of each query.
        level: of the interval, in (0, 1).
        resamples: how many.
        seed: of the draws.

    Raises:
        UserError: shapes do not fit, seeds differ in which queries are valid, or there are fewer than
            two vehicles.
    """
    [interval] = mean_intervals([values], ids, level=level, resamples=resamples, seed=seed)
    return interval


def mean_intervals(
    several: Sequence[npt.ArrayLike],
    ids: npt.ArrayLike,
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Interval]:
    """Return what `mean_interval` does for several values of the same queries, on the same draws.

    Raises:
        UserError: as `mean_interval`, and if the values are not valid for the same queries.
    """
    samples = _samples(several, ids)
    means = [
        [sample.means(weights, rng) for sample in samples]
        for weights, rng in _draws(samples[0].counts.size, resamples, seed)
    ]
    by_sample = (np.concatenate(parts) for parts in zip(*means, strict=True))
    return [
        _interval(sample.estimate, found, level) for sample, found in zip(samples, by_sample, strict=True)
    ]


def difference_interval(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    ids: npt.ArrayLike,
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return the mean of `first` minus that of `second`, with the interval of the difference.

    Args:
        first: (Q,) or (S1, Q), one value per seed and query.
        second: (Q,) or (S2, Q), of the same queries in the same order.
        ids: (Q,) the vehicle of each query.
        level: of the interval.
        resamples: how many.
        seed: of the draws.

    Raises:
        UserError: as `mean_interval`, and if the two are not valid for the same queries.
    """
    one, other = _samples([first, second], ids)
    draws = _draws(one.counts.size, resamples, seed)
    gaps = np.concatenate([one.means(weights, rng) - other.means(weights, rng) for weights, rng in draws])
    return _interval(one.estimate - other.estimate, gaps, level)


def _samples(several: Sequence[npt.ArrayLike], ids: npt.ArrayLike) -> list["_Sample"]:
    samples = [_Sample.of(values, ids) for values in several]
    if any(not np.array_equal(sample.counts, samples[0].counts) for sample in samples):
        raise UserError("The values are not valid for the same queries, so they cannot be paired")
    return samples


@dataclass(frozen=True)
class _Sample:
    """Sums of the values by seed and vehicle (S, C), and how many queries each vehicle has (C,)."""

    sums: Doubles
    counts: Doubles

    @classmethod
    def of(cls, values: npt.ArrayLike, ids: npt.ArrayLike) -> "_Sample":
        rows = np.atleast_2d(np.asarray(values, dtype=np.float64))
        labels = np.asarray(ids)
        if rows.ndim != 2 or labels.shape != rows.shape[1:]:
            raise UserError(
                "A bootstrap takes one value per seed and query and one vehicle per query, not values "
                f"of the shape {np.shape(values)} and vehicles of the shape {labels.shape}"
            )
        valid = ~np.isnan(rows)
        if (valid != valid[0]).any():
            raise UserError("The seeds are not valid for the same queries, so they cannot be averaged")
        kept = valid[0]
        _, codes = np.unique(labels[kept], return_inverse=True)
        counts = np.bincount(codes).astype(np.float64)
        if counts.size < 2:
            raise UserError(f"A bootstrap over vehicles needs two of them at least, not {counts.size}")
        return cls(np.array([np.bincount(codes, row[kept]) for row in rows]), counts)

    @property
    def estimate(self) -> float:
        return float((self.sums.sum(axis=1) / self.counts.sum()).mean())

    def means(self, weights: Doubles, rng: np.random.Generator) -> Doubles:
        """Return the mean under each resample of vehicles (B, C), with a resample of seeds each, (B,)."""
        by_seed = (weights @ self.sums.T) / (weights @ self.counts)[:, None]
        seeds = by_seed.shape[1]
        if seeds == 1:
            return np.asarray(by_seed[:, 0])
        centre = by_seed.mean(axis=1, keepdims=True)
        drawn = np.take_along_axis(by_seed, rng.integers(seeds, size=by_seed.shape), axis=1)
        spread = (drawn - centre).mean(axis=1) * np.sqrt(seeds / (seeds - 1))
        return np.asarray(centre[:, 0] + spread)


def _draws(clusters: int, resamples: int, seed: int) -> Iterator[tuple[Doubles, np.random.Generator]]:
    """Yield how often each of `clusters` is drawn in some resamples, (B, clusters), and the generator."""
    rng = np.random.default_rng(seed)
    step = max(1, DRAWS_AT_ONCE // clusters)
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        drawn: Array = rng.integers(clusters, size=(size, clusters))
        drawn += np.arange(size)[:, None] * clusters
        times = np.bincount(drawn.ravel(), minlength=size * clusters)
        yield times.reshape(size, clusters).astype(np.float64), rng


def _interval(estimate: float, means: Doubles, level: float) -> Interval:
    if not 0 < level < 1:
        raise UserError(f"The level of an interval lies between 0 and 1; {level} does not")
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(estimate, float(low), float(high), float((means > 0).mean()), level)
