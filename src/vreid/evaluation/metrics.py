"""From the ranks of matches to AP, INP, reciprocal rank and CMC.

With the matches of a query at ranks r_1 < … < r_m (counted from 1, junk removed):

* AP = mean over i of i / r_i (plain; scikit-learn's average precision when nothing ties);
* trapezoid AP = mean over i of ((i - 1) / (r_i - 1) + i / r_i) / 2, the first term being 1 where
  r_i = 1: the area under precision over recall by trapezoids, as the official Matlab code of
  VeRi-776 and of Market-1501 sums it;
* INP = m / r_m (Ye et al. 2021, "Deep Learning for Person Re-identification", Eq. 4: 1 - NP);
* reciprocal rank = 1 / r_1; CMC@k = share of queries with r_1 <= k (also called Recall@k).

A query without a match counts in none of the means.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vreid.evaluation.arrays import Ints

Doubles = npt.NDArray[np.float64]

MAX_RANK = 50
MEANS = ("mAP", "mAP_trapezoid", "mINP", "MRR")


@dataclass(frozen=True)
class PerQuery:
    """One value per query, arrays of shape (Q,).

    `ap`, `ap_trapezoid` and `inp` are in [0, 1] and NaN for a query without a match;
    `first_match_rank` counts from 1 and is then 0, as is `matches`.
    """

    ap: Doubles
    ap_trapezoid: Doubles
    inp: Doubles
    first_match_rank: Ints
    matches: Ints

    @classmethod
    def empty(cls, queries: int) -> "PerQuery":
        """Return what `record` fills: every query without a match."""
        nan = [np.full(queries, np.nan) for _ in range(3)]
        zero = [np.zeros(queries, np.int64) for _ in range(2)]
        return cls(*nan, *zero)

    def record(self, start: int, ranks: Ints, counts: Ints) -> None:
        """Enter the queries from `start` on.

        Args:
            start: the first query.
            ranks: ascending ranks of the first query's matches, then of the next one's, and so on.
            counts: how many matches each query has.
        """
        valid = np.flatnonzero(counts)
        queries, counts = valid + start, counts[valid]
        self.matches[queries] = counts
        if valid.size == 0:
            return
        first = np.cumsum(counts) - counts
        nth = np.arange(1, ranks.size + 1) - np.repeat(first, counts)
        precision = nth / ranks
        before = np.where(ranks == 1, 1.0, (nth - 1) / np.maximum(ranks - 1, 1))
        self.ap[queries] = np.add.reduceat(precision, first) / counts
        self.ap_trapezoid[queries] = np.add.reduceat((before + precision) / 2, first) / counts
        self.inp[queries] = counts / ranks[first + counts - 1]
        self.first_match_rank[queries] = ranks[first]

    @property
    def valid(self) -> npt.NDArray[np.bool_]:
        """Which queries have a match, (Q,)."""
        return self.matches > 0

    def metric(self, name: str) -> Doubles:
        """Return each query's part in a metric, (Q,): its mean over the valid queries is the metric.

        Args:
            name: mAP, mAP_trapezoid, mINP, MRR, or R<k> with k from 1 to 50. NaN for a query
                without a match.

        Raises:
            KeyError: no metric is called so.
        """
        named = {"mAP": self.ap, "mAP_trapezoid": self.ap_trapezoid, "mINP": self.inp}
        if name in named:
            return named[name]
        first = np.where(self.valid, self.first_match_rank, np.nan)
        if name == "MRR":
            return np.asarray(1 / first)
        rank = name.removeprefix("R")
        if rank == name or not rank.isdecimal() or not 1 <= int(rank) <= MAX_RANK:
            raise KeyError(name)
        return np.where(self.valid, first <= int(rank), np.nan)


def cmc(first_match_rank: Ints, max_rank: int = MAX_RANK) -> Doubles:
    """Return CMC@1 … CMC@`max_rank` over queries that have a match, (max_rank,), never falling.

    Args:
        first_match_rank: (Q,), from 1; 0 for a query without a match, which is left out.
        max_rank: length; a gallery may hold fewer images, then the last value is repeated.
    """
    ranks = first_match_rank[first_match_rank > 0]
    hits = np.bincount(np.minimum(ranks, max_rank + 1), minlength=max_rank + 2)[1:-1]
    shares: Doubles = np.cumsum(hits) / max(len(ranks), 1)
    return shares
