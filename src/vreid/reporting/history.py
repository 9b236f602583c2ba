"""What a run's folder says about it: how it went, with which parameters, and what came out.

Reads `events.jsonl`, `run.json` and an `evaluation.json`; imports no tracker. What it returns is what
`vreid.reporting.tracking` carries over.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from vreid.reporting.cells import fraction
from vreid.reporting.events import read_events

RunStatus = Literal["FINISHED", "FAILED", "KILLED"]

Evaluations = Mapping[str, Path]
"""The folders of a run's evaluations by what tells them apart; that of the recipe's own test is called ""."""

FILES = ("config.json", "run.json", "history.parquet", "model.safetensors")

FINAL_METRICS = ("mAP", "mAP_trapezoid", "mINP", "MRR", "R1", "R5", "R10", "R20")

RUN_NAME = re.compile(
    r"(?P<paper>[^-]+)-(?P<experiment>[^-]+)-(?P<dataset>[^-]+)-s(?P<seed>\d+)-(?P<digest>[^-]+)"
)


@dataclass(frozen=True)
class Point:
    """One measured value; `step` counts epochs, `time` is in milliseconds since 1970."""

    key: str
    value: float
    step: int
    time: int


@dataclass(frozen=True)
class RunHistory:
    """One run, however often it was taken up again.

    A run is identified by its name and by `start`, the time of the first event that its folder holds. Going
    on after a kill or a failure appends to the same events and stays the same run; a folder that was deleted
    and trained anew is another.

    Attributes:
        name: Name of the run's folder.
        start: Milliseconds since 1970.
        end: Milliseconds since 1970 of the last event.
        status: How the last attempt ended; KILLED if it left no word.
        params: The configuration, flat, with dotted keys.
        tags: Provenance, as text.
        points: Values measured during training, one per key and epoch; a later attempt's replace those of
            an earlier one.
        final: Values that hold for the run as a whole: metrics of its evaluations, as fractions, and costs.
        files: What the run has left: paths by a name. They are as seen from the working directory, as
            `folder` is.
        sizes: The sizes of these files in bytes, by the same names.
    """

    name: str
    start: int
    end: int
    status: RunStatus
    params: dict[str, str]
    tags: dict[str, str]
    points: tuple[Point, ...]
    final: dict[str, float]
    files: dict[str, str]
    sizes: dict[str, int]

    @property
    def paper(self) -> str:
        """The paper, by which runs are grouped: the name up to the first hyphen."""
        return self.name.split("-")[0]

    def digest(self) -> str:
        """Return SHA-256 (hex) over everything that the history says."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def read_history(folder: Path, evaluations: Path | Evaluations | None = None) -> RunHistory | None:
    """Return the history of the run in `folder`; None if nobody tried to train it.

    `evaluations` are those that count, or the folder of the only one; None takes the one that was written
    last.
    """
    events = read_events(folder / "events.jsonl")
    if not events:
        return None
    begun = [event for event in events if event["type"] == "start"]
    config = begun[-1].get("config", {}) if begun else {}
    about = {key: value for key, value in _leaves(_read_json(folder / "run.json")) if value is not None}
    costs = {f"run/{key}": float(value) for key, value in about.items() if _is_number(value)}
    tags = {key: value for key, value in about.items() if isinstance(value, str)}
    counting = _counting(folder, evaluations)
    files = _files(folder, counting)
    return RunHistory(
        name=folder.name,
        start=_milliseconds(events[0]),
        end=_milliseconds(events[-1]),
        status=_status(events[-1]),
        params={key: _as_text(value) for key, value in _leaves(config)},
        tags=_with_source(_tags(folder, events, config) | tags),
        points=tuple(_points(events)),
        final=costs | {key: value for pair in counting.items() for key, value in _final_metrics(*pair)},
        files={name: file.as_posix() for name, file in files.items()},
        sizes={name: file.stat().st_size for name, file in files.items()},
    )


def _tags(folder: Path, events: list[dict[str, Any]], config: Mapping[str, Any]) -> dict[str, str]:
    begun = [event for event in events if event["type"] == "start"]
    name = RUN_NAME.fullmatch(folder.name)
    tags = {
        "run_key": folder.name,
        "start": _stamp(_milliseconds(events[0])),
        "attempts": str(len(begun)),
        "folder": folder.as_posix(),
        "device": begun[-1].get("device") if begun else None,
        "git_commit": begun[-1].get("git_commit") if begun else None,
        "data": config.get("data"),
        "code": config.get("code"),
        "error": events[-1].get("error"),
        **(name.groupdict() if name else {}),
    }
    return {key: str(value) for key, value in tags.items() if value}


def _with_source(tags: dict[str, str]) -> dict[str, str]:
    """Name the commit also as MLflow's own pages look for it."""
    commit = tags.get("git_commit")
    return tags | ({"mlflow.source.git.commit": commit} if commit else {})


def _status(last: Mapping[str, Any]) -> RunStatus:
    """Return how the last attempt ended; one that was killed leaves no word."""
    if last["type"] != "end":
        return "KILLED"
    return "FINISHED" if last.get("status") == "FINISHED" else "FAILED"


def _points(events: list[dict[str, Any]]) -> Iterator[Point]:
    points: dict[tuple[str, int], Point] = {}
    for event in events:
        if event["type"] == "metrics":
            step, time = int(event["epoch"]), _milliseconds(event)
            for key, value in event["values"].items():
                points[key, step] = Point(key, float(value), step, time)
    yield from points.values()


def _final_metrics(test: str, evaluation: Path) -> Iterator[tuple[str, float]]:
    """Yield mAP, R1, …: of the first protocol by their own names, of several as protocol/metric too.

    Those of another test than the recipe's own have its name before them, as darkened/mAP.
    """
    prefix = f"{test}/" if test else ""
    protocols = sorted(_read_json(evaluation / "evaluation.json").get("protocols", {}).items())
    for number, (protocol, results) in enumerate(protocols):
        for metric in FINAL_METRICS:
            value = fraction(results, metric)
            if value is not None and number == 0:
                yield f"{prefix}{metric}", value
            if value is not None and len(protocols) > 1:
                yield f"{prefix}{protocol}/{metric}", value


def _files(folder: Path, evaluations: Evaluations) -> dict[str, Path]:
    """Return the files that are there, by the names that they have in every run."""
    named = {file: folder / file for file in FILES}
    named |= {
        f"{test}/evaluation.json" if test else "evaluation.json": where / "evaluation.json"
        for test, where in evaluations.items()
    }
    return {name: file for name, file in named.items() if file.is_file()}


def _counting(folder: Path, evaluations: Path | Evaluations | None) -> Evaluations:
    if isinstance(evaluations, Path):
        return {"": evaluations}
    if evaluations is not None:
        return evaluations
    files = folder.glob("eval-*/evaluation.json")
    newest = max(files, key=lambda file: (file.stat().st_mtime_ns, file.as_posix()), default=None)
    return {"": newest.parent} if newest else {}


def _leaves(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested mappings under dotted keys; a list's entries go by their `name`."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{prefix}.{key}" if prefix else str(key))
    elif _is_list_of_named(value):
        for entry in value:
            yield from _leaves(entry, f"{prefix}.{entry['name']}")
    else:
        yield prefix, value


def _is_list_of_named(value: Any) -> bool:
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        return False
    names = [entry.get("name") for entry in value]
    return len(names) > 0 and None not in names and len(set(names)) == len(names)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read_json(path: Path) -> dict[str, Any]:
    """Return a JSON object, an empty one if there is none: a run that failed leaves files out."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _milliseconds(event: Mapping[str, Any]) -> int:
    return round(1000 * float(event["time"]))


def _stamp(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
