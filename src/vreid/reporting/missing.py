"""Why a number is missing: its run failed, is still to come, or was never planned; and the log to read.

A failed job leaves no outputs, so the state of a run is read from what it does leave: the events of its
training and the logs of the rules (workflow/rules/). A job that was killed left no word and counts as still
to come.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from vreid.params.plan import DatasetPlan, Plan, RunPlan
from vreid.reporting.cells import Record
from vreid.reporting.events import read_events

State = Literal["failed", "pending"]

_READ = 1 << 16
"""Bytes of a log's end that are read."""

_REFUSED = re.compile(r"^vreid: (?P<reason>.*)", re.MULTILINE | re.DOTALL)
_RAISED = re.compile(
    r"^Traceback \(most recent call last\):$.*^(?P<reason>[\w.]+(?::.*)?)$", re.MULTILINE | re.DOTALL
)
_STOPPED = re.compile(
    r"was stopped(?: by |, and the job with it)|^KeyboardInterrupt|^vreid\.training\.interruption\."
)


class Absent(Record):
    """A run of which something planned is not there.

    Attributes:
        run: Its name.
        state: `failed` if the job that should have gone on with it ended with an error when it was last
            tried; `pending` if none has tried, is at it, or was stopped.
        reason: That error's last line, or how far the run has come.
        log: The file that says more, relative to the project's folder; None where there is none.
    """

    run: str
    state: State
    reason: str
    log: str | None = None


Failures = Mapping[str, tuple[str, str]]
"""Runs that cannot be trained because a step before failed: the reason and the log, by the run's name."""


def why_not_planned(status: str, dataset: str, preset: str) -> str:
    """Say why nothing was run; `status` is that of a planned cell or side."""
    if status == "dataset absent":
        return f"dataset absent: docs/datasets.md says where {dataset} belongs"
    return f"{status}: {preset} leaves it out"


def find_absent(files: Iterable[str], root: Path, failures: Failures | None = None) -> dict[str, Absent]:
    """Return what became of the run of each file that is not there, by the file.

    Args:
        files: files of runs/<run>/<evaluation>/, relative to `root`.
        root: the project's folder.
        failures: of the steps before training (`failures_before_training`).
    """
    found = failures or {}
    return {name: _absent(Path(name), root, found) for name in files if not (root / name).is_file()}


def by_run(absent: Iterable[Absent]) -> tuple[Absent, ...]:
    """Return each run once, by name; of one that is absent in several ways, a failure."""
    ordered = sorted(absent, key=lambda one: (one.run, one.state == "pending"))
    first: dict[str, Absent] = {}
    for one in ordered:
        first.setdefault(one.run, one)
    return tuple(first.values())


def why_absent(absent: Sequence[Absent], planned: int) -> str:
    """Say how many of the `planned` seeds failed or are pending, and why."""
    said = []
    for state in ("failed", "pending"):
        there = [one for one in absent if one.state == state]
        if there:
            count = state if len(there) == planned else f"{len(there)} of {planned} seeds {state}"
            said += [count, *_reasons(there)]
    return "; ".join(said)


def state_of(absent: Sequence[Absent]) -> State:
    """Return `failed` if any of the runs failed, else `pending`."""
    return "failed" if any(one.state == "failed" for one in absent) else "pending"


def failures_before_training(plan: Plan, root: Path) -> dict[str, tuple[str, str]]:
    """Return the runs of a plan whose data could not be made ready, each with the reason and the log."""
    found: dict[str, tuple[str, str]] = {}
    for run in plan.runs.values():
        for made, log in _steps_before_training(run, plan.datasets[run.config.dataset]):
            reason = None if (root / made).exists() else read_failure(root / log)
            if reason is not None:
                found[run.name] = (reason, log)
                break
    return found


def read_failure(log: Path) -> str | None:
    """Return the error with which a command of the workflow ended, from its log; None if it tells of none.

    A command that was interrupted or killed did not fail.
    """
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - _READ))
            text = file.read().decode(errors="replace").rstrip()
    except OSError:
        return None
    found = _REFUSED.search(text) or _RAISED.search(text)
    if found is None:
        return None
    reason = (
        found["reason"].strip().splitlines()[-1] if found.re is _RAISED else " ".join(found["reason"].split())
    )
    return None if _STOPPED.search(reason) else reason


def _steps_before_training(run: RunPlan, dataset: DatasetPlan) -> Iterator[tuple[str, str]]:
    """Yield what the rules of workflow/rules/datasets.smk make for a run, in their order, and their logs."""
    source = dataset.source
    if source == "synthetic":
        yield dataset.raw, f"logs/render/{Path(dataset.raw).name}.log"
    yield dataset.index, f"logs/verify/{source}/{Path(dataset.index).stem}.log"
    yield dataset.splits, f"logs/split/{source}/{Path(dataset.splits).stem}.log"
    packs = dict.fromkeys([run.pack, *(test.pack for test in run.tests)])
    if dataset.darkened and any("-darkened-" in pack for pack in packs):
        name = Path(dataset.darkened).stem.replace("-darkened-", "-")
        yield dataset.darkened, f"logs/darken/{source}/{name}.log"
    for pack in packs:
        yield pack, f"logs/pack/{source}/{Path(pack).name}.log"


def _absent(file: Path, root: Path, failures: Failures) -> Absent:
    folder, evaluation = file.parent.parent, file.parent.name
    run = folder.name
    trained = (root / folder / "model.safetensors").is_file()
    failure = (
        _failure_after_training(folder, evaluation, root) if trained else _failure_to_train(folder, root)
    )
    failure = failure or failures.get(run)
    if failure:
        return Absent(run=run, state="failed", reason=failure[0], log=failure[1])
    begun = read_events(root / folder / "events.jsonl")
    if trained or (begun and begun[-1].get("status") == "FINISHED"):
        return Absent(run=run, state="pending", reason="trained, not evaluated yet")
    if begun:
        log = (folder / "events.jsonl").as_posix()
        return Absent(run=run, state="pending", reason="its training has not come to its end", log=log)
    return Absent(run=run, state="pending", reason="not run yet")


def _failure_to_train(folder: Path, root: Path) -> tuple[str, str] | None:
    log, events = Path("logs/train") / f"{folder.name}.log", folder / "events.jsonl"
    last = (read_events(root / events) or [{}])[-1]
    if last.get("type") == "end" and last.get("status") != "FINISHED":
        error = str(last.get("error") or "no reason was left").strip().splitlines()[-1]
        return error, (log if (root / log).is_file() else events).as_posix()
    reason = read_failure(root / log)
    return None if reason is None else (reason, log.as_posix())


def _failure_after_training(folder: Path, evaluation: str, root: Path) -> tuple[str, str] | None:
    logs = [
        *(
            Path("logs/extract") / f"{folder.name}{images}.log"
            for images in ("", "-darkened")
            if not (root / folder / f"features{images}" / "rows.npy").is_file()
        ),
        Path("logs/evaluate") / f"{folder.name}-{evaluation.removeprefix('eval-')}.log",
    ]
    reasons = ((read_failure(root / log), log.as_posix()) for log in logs)
    return next(((reason, log) for reason, log in reasons if reason is not None), None)


def _reasons(absent: Sequence[Absent]) -> Iterator[str]:
    logs: dict[str, list[str]] = {}
    for one in absent:
        named = logs.setdefault(one.reason, [])
        named += [one.log] if one.log and one.log not in named else []
    for reason, files in logs.items():
        yield f"{reason} ({', '.join(files)})" if files else reason
