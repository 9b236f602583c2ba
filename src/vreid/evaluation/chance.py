"""What a ranking in uniformly random order scores: the exact expectation of every metric.

A query ranks n gallery images (junk removed), m of which match, all n! orders alike. Let I_r say
whether rank r holds a match: P(I_r) = m / n and P(I_r I_s) = m (m - 1) / (n (n - 1)) for r != s.

* AP = 1/m sum_r I_r / r (1 + sum_{s<r} I_s), so with the harmonic number H_n
  E[AP] = 1/m sum_r 1/r (m/n + (r - 1) m (m - 1) / (n (n - 1)))
        = 1/n (H_n + (m - 1) / (n - 1) (n - H_n)).
* Trapezoid AP is half of that plus half of 1/m sum_r I_r p_r, with p_1 = 1 and
  p_r = sum_{s<r} I_s / (r - 1); its expectation is 1/m (m/n + (n - 1) m (m - 1) / (n (n - 1))) = m
  / n.
* The first match stands at rank r with the probability C(n - r, m - 1) / C(n, m), the last one, by
  reversal, with that of rank n + 1 - r. Hence CMC@k = sum_{r<=k} P(first = r), E[RR] = sum_r
  P(first = r) / r, E[INP] = sum_r P(last = r) m / r.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vreid.evaluation.arrays import Ints
from vreid.evaluation.metrics import MAX_RANK, Doubles


def chance(matches: Ints, ranked: Ints) -> dict[str, Any]:
    """Return the expected mAP, mAP_trapezoid, mINP, MRR and cmc (50 values) of a random order.

    Args:
        matches: (Q,) matches of each query; queries without any are left out, as everywhere.
        ranked: (Q,) images that each query ranks, its matches among them.

    Raises:
        ValueError: no query has a match, or one has more matches than images.
    """
    valid = matches > 0
    if not valid.any() or (matches > ranked).any():
        raise ValueError("each query ranks at least its matches, and one query must have a match")
    sizes, counts = np.unique(np.stack([matches[valid], ranked[valid]]), axis=1, return_counts=True)
    weights = counts / counts.sum()
    expected = [one_query(int(m), int(n)) for m, n in sizes.T]
    return {name: _weighted(expected, name, weights) for name in expected[0]}


def one_query(matches: int, ranked: int) -> dict[str, Any]:
    """Return the expectations for one query with `matches` of `ranked` images; see the module."""
    m, n = matches, ranked
    ranks = np.arange(1, n + 1)
    harmonic = float((1 / ranks).sum())
    repeated = (m - 1) / (n - 1) * (n - harmonic) if n > 1 else 0.0
    plain = (harmonic + repeated) / n
    first = _first_match(m, n)
    curve = np.ones(MAX_RANK)
    reached = np.minimum(np.cumsum(first), 1)[:MAX_RANK]
    curve[: len(reached)] = reached
    return {
        "mAP": plain,
        "mAP_trapezoid": (plain + m / n) / 2,
        "mINP": float((first[::-1] * m / ranks).sum()),
        "MRR": float((first / ranks).sum()),
        "cmc": curve,
    }


def _first_match(m: int, n: int) -> Doubles:
    """Return P(the first match stands at rank r) for r = 1 … n.

    The probability at rank r + 1 is that at rank r times (n - r - m + 1) / (n - r).
    """
    ranks = np.arange(1, n)
    ratios = np.maximum(n - ranks - m + 1, 0) / (n - ranks)
    probabilities: Doubles = m / n * np.concatenate([[1.0], np.cumprod(ratios)])
    return probabilities


def _weighted(expected: Sequence[Mapping[str, Any]], name: str, weights: Doubles) -> Any:
    return (weights @ np.array([entry[name] for entry in expected])).tolist()
