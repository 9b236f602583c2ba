"""What a preset's trainings will cost, from measured step times; where they stand and how they carry over."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal

import numpy as np

from vreid.params.atomic import write_json
from vreid.params.plan import Plan, RunPlan, TablePlan
from vreid.params.requests import train_size, work
from vreid.params.run import TrainConfig
from vreid.training.sampler import batch_size, steps_per_epoch
from vreid.training.step_time import step_key

Source = Literal["measured", "scaled", "assumed", "unknown"]

LEAST_STEP = 0.025
"""Seconds that a step takes at an assumed speed, however little it computes: starting kernels costs too."""


@dataclass(frozen=True)
class Known:
    """A measured step: its time, and how much is computed in it (multiply-adds of the network, forwards)."""

    backbone: str
    seconds: float
    work: float


@dataclass(frozen=True)
class RunCost:
    """What training one run costs: `steps` at `step_seconds` each, None if nothing is known.

    `source` says whether the time of this very step was measured, or carried over from others.
    """

    run: str
    key: str
    steps: int
    step_work: float
    step_seconds: float | None
    source: Source

    @property
    def seconds(self) -> float | None:
        """Seconds of the whole training."""
        return None if self.step_seconds is None else self.steps * self.step_seconds

    @property
    def work(self) -> float:
        """Multiply-adds of the whole training; backwards it takes twice what it takes forwards."""
        return 3 * self.steps * self.step_work


@dataclass(frozen=True)
class TableCost:
    """What a table costs: all its runs, and those that no table before it in the plan needs."""

    table: str
    runs: tuple[str, ...]
    first: tuple[str, ...]


def run_costs(plan: Plan, known: Mapping[str, Known], assumed: float | None = None) -> dict[str, RunCost]:
    """Return the cost of each run of the plan by name; `known` are measured steps by key, of one device.

    With `assumed` operations a second (a multiply-add is two) nothing measured counts, and a step takes
    `LEAST_STEP` seconds at least.

    A step that was not measured takes the time per multiply-add of the measured ones of its backbone (their
    median), or of all if there is none.
    """
    rates = defaultdict(list)
    for one in known.values():
        rates[one.backbone].append(one.seconds / one.work)
        rates[""].append(one.seconds / one.work)
    if assumed is not None:
        return {name: _assumed_cost(run, plan, assumed) for name, run in plan.runs.items()}
    return {name: _run_cost(run, plan, known, rates) for name, run in plan.runs.items()}


def table_costs(plan: Plan) -> list[TableCost]:
    """Return the tables in the plan's order, and at the end what only figures and claims need."""
    costs, seen = [], set[str]()
    for key, table in plan.tables.items():
        runs = runs_of(table)
        costs.append(TableCost(key, runs, tuple(run for run in runs if run not in seen)))
        seen.update(runs)
    others = tuple(run for run in plan.runs if run not in seen)
    return [*costs, TableCost("figures and claims alone", others, others)] if others else costs


def runs_of(table: TablePlan) -> tuple[str, ...]:
    """Return the runs behind a table's cells, each once."""
    return tuple(dict.fromkeys(run for row in table.rows for cell in row.cells for run in cell.runs))


def steps_of(run: RunPlan, plan: Plan) -> int:
    """Return how many steps a run's training takes if all identities have equally many images."""
    images, identities = train_size(plan.datasets[run.config.dataset])
    identities = min(identities or images, images)
    labels = np.arange(images, dtype=np.int64) % identities
    return run.config.schedule.epochs * steps_per_epoch(labels, run.config.sampler)


def worth_measuring(costs: Mapping[str, RunCost], count: int) -> list[str]:
    """Return one run for each of the `count` kinds of step on which most of the work hangs, most first."""
    share: dict[str, float] = defaultdict(float)
    example: dict[str, str] = {}
    for name, cost in costs.items():
        share[cost.key] += cost.work
        example.setdefault(cost.key, name)
    return [example[key] for key in sorted(share, key=lambda key: -share[key])[:count]]


def step_work(config: TrainConfig) -> float:
    """Return the multiply-adds of one step's forward pass, at most (`vreid.params.requests`)."""
    return work(config) * batch_size(config.sampler)


def read_known(folder: Path, device: str) -> dict[str, Known]:
    """Return the steps that were measured on `device`, by key; none if there is no such file."""
    try:
        found = json.loads(_file(folder, device).read_bytes())["steps"]
        return {key: Known(**value) for key, value in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_known(folder: Path, device: str, known: Mapping[str, Known]) -> None:
    """Write the measured steps of `device`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(_file(folder, device), {"device": device, "steps": {k: vars(v) for k, v in known.items()}})


def known_from_runs(runs: Path, device: str) -> dict[str, Known]:
    """Return the steps of the trainings that `device` finished below `runs`, data path included, by key."""
    times = defaultdict(list)
    for run, config in _finished(runs, device):
        step = run["seconds"] / run["steps"]
        times[step_key(config)].append(Known(config.model.backbone.name, step, step_work(config)))
    return {key: _median(found) for key, found in times.items()}


def _run_cost(
    run: RunPlan, plan: Plan, known: Mapping[str, Known], rates: Mapping[str, list[float]]
) -> RunCost:
    config, key = run.config, step_key(run.config)
    computed = step_work(config)
    seconds: float | None = None
    source: Source = "unknown"
    if key in known:
        seconds, source = known[key].seconds, "measured"
    elif alike := rates.get(config.model.backbone.name) or rates.get(""):
        seconds, source = median(alike) * computed, "scaled"
    return RunCost(run.name, key, steps_of(run, plan), computed, seconds, source)


def _assumed_cost(run: RunPlan, plan: Plan, assumed: float) -> RunCost:
    computed = step_work(run.config)
    seconds = max(LEAST_STEP, 2 * 3 * computed / assumed)
    return RunCost(run.name, step_key(run.config), steps_of(run, plan), computed, seconds, "assumed")


def _finished(runs: Path, device: str) -> Iterator[tuple[dict[str, float], TrainConfig]]:
    for file in sorted(runs.glob("*/run.json")):
        try:
            run = json.loads(file.read_bytes())
            config = TrainConfig.model_validate_json((file.parent / "config.json").read_bytes())
            usable = run["device"] == device and run["steps"] > 0 and run["seconds"] > 0
        except (OSError, ValueError, KeyError, TypeError):
            continue  # of another version, or being written
        if usable:
            yield run, config


def _median(found: list[Known]) -> Known:
    return Known(found[0].backbone, median(one.seconds for one in found), found[0].work)


def _file(folder: Path, device: str) -> Path:
    name = "".join(letter if letter.isalnum() else "-" for letter in device)
    return folder / f"{name}.json"
