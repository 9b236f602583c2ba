"""The metrics that params/ may name."""

import re

from vreid.params.read import suggest

TRAINING_TIME = "training_time"
PER_QUERY = ("mAP", "mAP_trapezoid", "mINP", "MRR")
METRICS = (*PER_QUERY, TRAINING_TIME)
"""Metrics with a name of their own; `R1`, `R2`, … up to `R50` are the CMC at that rank.

`training_time` is what the training cost, as a multiple of the table's first row of ours.
"""

DEEPEST_RANK = 50


def checked(metric: str, named: tuple[str, ...] = METRICS) -> str:
    """Return `metric` if it is one of `named` or a CMC.

    Raises:
        ValueError: nobody computes it.
    """
    rank = re.fullmatch(r"R([1-9]\d*)", metric)
    if metric not in named and not (rank and int(rank[1]) <= DEEPEST_RANK):
        near = suggest(metric, [*named, "R1", "R5", "R10"])
        raise ValueError(f"the metric {metric!r} is computed by nobody{near}")
    return metric
