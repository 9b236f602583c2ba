"""What an evaluation found: metrics over the trials of a protocol, and the values of every query."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vreid.evaluation.arrays import Array, Ints
from vreid.evaluation.bootstrap import Interval, mean_intervals
from vreid.evaluation.metrics import MEANS, Doubles, PerQuery, cmc
from vreid.evaluation.protocols import Protocol
from vreid.evaluation.reranking import Reranking

SPREAD = (*MEANS, "R1")
"""Metrics whose spread is reported."""


@dataclass(frozen=True)
class Trial:
    """One query set against one gallery of `gallery` images; `rows` and `ids` (Q,) tell which queries."""

    per_query: PerQuery
    gallery: int
    rows: Ints
    ids: Array


@dataclass(frozen=True)
class Result:
    """What a protocol makes of features; all metrics are fractions in [0, 1], means over the trials.

    `result["mAP"]`, `result["mINP"]`, `result["R5"]` … read a metric by its name.
    """

    protocol: Protocol
    distance: str
    trials: tuple[Trial, ...]
    reranking: Reranking | None = None

    def __getitem__(self, metric: str) -> float:
        return float(np.mean(self.by_trial(metric)))

    @property
    def cmc(self) -> Doubles:
        """CMC@1 … CMC@50, (50,)."""
        curves: Doubles = np.mean([cmc(trial.per_query.first_match_rank) for trial in self.trials], axis=0)
        return curves

    def by_trial(self, metric: str) -> Doubles:
        """Return a metric's value in each trial, (trials,).

        Raises:
            KeyError: nothing is called `metric`.
        """
        return np.array([np.nanmean(trial.per_query.metric(metric)) for trial in self.trials])

    def sd(self, metric: str) -> float | None:
        """Return the sample standard deviation (n - 1) of a metric over the trials; None for one trial."""
        return float(np.std(self.by_trial(metric), ddof=1)) if len(self.trials) > 1 else None

    def intervals(self, metrics: Sequence[str] = SPREAD) -> dict[str, Interval] | None:
        """Return bootstrap intervals over the queries' vehicles; None where only one vehicle is asked for."""
        values = [
            np.concatenate([trial.per_query.metric(metric) for trial in self.trials]) for metric in metrics
        ]
        ids = np.concatenate([trial.ids for trial in self.trials])
        if len(np.unique(ids[~np.isnan(values[0])])) < 2:
            return None
        return dict(zip(metrics, mean_intervals(values, ids), strict=True))

    def summary(self) -> dict[str, Any]:
        """Return everything but the single queries as JSON can hold it.

        `queries`, `valid_queries` and `gallery` are means over the trials, whole numbers where the
        trials agree. `sd` is over the trials, null for one trial; `interval` holds the ends of the
        95 % bootstrap interval over vehicles, null for one vehicle.
        """
        intervals = self.intervals()
        sizes = {
            "queries": [len(trial.per_query.matches) for trial in self.trials],
            "valid_queries": [int(trial.per_query.valid.sum()) for trial in self.trials],
            "gallery": [trial.gallery for trial in self.trials],
        }
        reranked = {} if self.reranking is None else {"reranking": str(self.reranking)}
        return {
            "protocol": self.protocol.name,
            "rules": {**self.protocol.rules(), "distance": self.distance, **reranked},
            "trials": len(self.trials),
            **{name: _mean_size(values) for name, values in sizes.items()},
            **{name: self[name] for name in MEANS},
            "cmc": self.cmc.tolist(),
            "sd": {name: self.sd(name) for name in SPREAD},
            "interval": None if intervals is None else {m: [i.low, i.high] for m, i in intervals.items()},
        }


def _mean_size(values: list[int]) -> int | float:
    return values[0] if len(set(values)) == 1 else float(np.mean(values))
