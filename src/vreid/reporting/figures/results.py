"""What figures read of evaluated runs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vreid.params.errors import UserError
from vreid.params.plan import MethodPlan, ResultPlan
from vreid.params.run import Test
from vreid.reporting.cells import percent, read_protocol
from vreid.reporting.history import RUN_NAME

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """Values in percent over the seeds, the last axis aside, with their mean and sample standard deviation.

    `values` is (S,) or (S, K); `sd` is None for one seed.
    """

    values: Doubles

    @property
    def mean(self) -> Doubles:
        """The mean over the seeds, () or (K,)."""
        found: Doubles = np.asarray(self.values.mean(axis=0))
        return found

    @property
    def sd(self) -> Doubles | None:
        """The standard deviation over the seeds (n - 1), () or (K,)."""
        if len(self.values) < 2:
            return None
        found: Doubles = np.asarray(self.values.std(axis=0, ddof=1))
        return found

    def numbers(self) -> dict[str, Any]:
        """Return mean, sd and values, rounded, as JSON can hold them."""
        return {
            "mean": np.round(self.mean, 4).tolist(),
            "sd": None if self.sd is None else np.round(self.sd, 4).tolist(),
            "values": np.round(self.values, 4).tolist(),
        }


def metric_of(method: MethodPlan, metric: str, root: Path) -> Spread:
    """Return a metric over the seeds of a method, which has one at least.

    Raises:
        UserError: an evaluation lacks the protocol or the metric.
    """
    values = []
    for result in method.results:
        path = root / result.evaluation / "evaluation.json"
        values.append(float(percent(read_protocol(path, result.protocol), metric, path)))
    return Spread(np.array(values))


def cmc_of(method: MethodPlan, ranks: int, root: Path) -> Spread:
    """Return CMC@1 … CMC@`ranks` over the seeds of a method.

    Raises:
        UserError: an evaluation lacks the protocol, or holds fewer ranks.
    """
    curves = []
    for result in method.results:
        path = root / result.evaluation / "evaluation.json"
        curve = read_protocol(path, result.protocol)["cmc"]
        if len(curve) < ranks:
            raise UserError(f"{path} holds the CMC up to rank {len(curve)}: lower the figure's `ranks`.")
        curves.append(curve[:ranks])
    return Spread(100 * np.array(curves))


def seed_of(result: ResultPlan) -> int:
    """Return the seed of a run, which stands in its name."""
    found = RUN_NAME.fullmatch(result.run)
    if found is None:
        raise UserError(f"{result.run} is no name of a run.")
    return int(found["seed"])


def test_of(result: ResultPlan, root: Path) -> Test:
    """Return with which feature and distance a run was tested.

    Raises:
        UserError: its evaluation does not say so.
    """
    path = root / result.evaluation / "evaluation.json"
    try:
        found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Test(feature=found["feature"], distance=found["distance"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is no evaluation ({error}): delete it and run the pipeline again.") from None
