"""Reads reports/tracking.json: which run is which in MLflow, for other reports."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ToldRun:
    """What MLflow calls a run, and the status that it shows."""

    run_id: str
    status: str


@dataclass(frozen=True)
class Told:
    """Where MLflow is, and the runs by name."""

    uri: str
    runs: dict[str, ToldRun]


def read_tracking(file: Path) -> Told | None:
    """Return what `file` tells; None if it is not there or holds something else."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        runs = {
            run["run"]: ToldRun(str(run["mlflow_run_id"]), str(run.get("status", ""))) for run in told["runs"]
        }
        return Told(str(told["uri"]), runs)
    except (OSError, ValueError, KeyError, TypeError):
        return None
