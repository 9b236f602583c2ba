"""What a training cost, as its run.json says."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from vreid.params.errors import UserError


@dataclass(frozen=True)
class Cost:
    """Seconds of training on a device.

    On the CPU they are processor seconds, which other work on the machine does not stretch; elsewhere they
    are those of the clock.
    """

    seconds: Decimal
    device: str


def read_cost(run: Path) -> Cost:
    """Return what the training of the run in the folder `run` cost.

    Raises:
        UserError: Its run.json is missing or says nothing of it.
    """
    path = run / "run.json"
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        device = str(said["device"])
        seconds = Decimal(repr(float(said["cpu_seconds" if device == "cpu" else "seconds"])))
        if not (seconds.is_finite() and seconds > 0):
            raise ValueError(f"{seconds} seconds")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} does not say what the training cost ({type(error).__name__}: {error}): delete the run's "
            "folder and run the pipeline again"
        ) from error
    return Cost(seconds, device)


def mean_cost(costs: Sequence[Cost]) -> Cost:
    """Return the mean of the costs on the device of the first; others of other devices do not count."""
    device = costs[0].device
    seconds = [cost.seconds for cost in costs if cost.device == device]
    return Cost(sum(seconds, Decimal(0)) / len(seconds), device)
