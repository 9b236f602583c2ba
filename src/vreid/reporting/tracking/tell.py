"""Tells MLflow what it lacks of one run."""

import math
import re
import time
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from vreid.params.digest import file_digest
from vreid.reporting.history import Point, RunHistory

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

METRICS_PER_REQUEST = 800
PARAMS_PER_REQUEST = 100
TAGS_PER_REQUEST = 100
LONGEST_PARAM = 6000
LONGEST_TAG = 8000
LONGEST_KEY = 250


def tell(client: "MlflowClient", run: "Run", history: RunHistory) -> None:
    """Send what the MLflow run lacks of the history; its tag `sent` goes last: without it, nothing is whole.

    A tag `file/NAME` for each of the run's files is a line as `sha256sum` writes and checks it: digest and
    path as seen from the checkout. Nothing is uploaded, so a link holds wherever the checkout is moved to.
    """
    from mlflow.entities import Metric, Param, RunTag  # noqa: PLC0415 (three seconds)

    name, there = run.info.run_id, run.data
    params = {_key(key): _cut(value, LONGEST_PARAM) for key, value in history.params.items()}
    links = {f"file/{key}": _link(Path(path)) for key, path in history.files.items() if Path(path).is_file()}
    tags = {_key(key): _cut(value, LONGEST_TAG) for key, value in (history.tags | links).items()}
    new_params = [Param(key, value) for key, value in params.items() if key not in there.params]
    points = [Metric(p.key, p.value, p.time, p.step) for p in _new_points(client, run, history)]
    requests = zip_longest(
        _chunks(points, METRICS_PER_REQUEST),
        _chunks(new_params, PARAMS_PER_REQUEST),
        _chunks([RunTag(key, value) for key, value in tags.items()], TAGS_PER_REQUEST),
        fillvalue=(),
    )
    for request in requests:
        client.log_batch(name, *request)
    if "error" in there.tags and "error" not in tags:
        client.delete_tag(name, "error")
    client.set_terminated(name, status=history.status, end_time=history.end)
    client.set_tag(name, "sent", history.digest())


def _new_points(client: "MlflowClient", run: "Run", history: RunHistory) -> Iterator[Point]:
    """Yield the points that MLflow lacks, and final values that differ from those it shows.

    What was measured keeps its time, so that two syncs that tell the same leave it there once; a final value
    that corrects another has to be the later one.
    """
    shown = run.data.metrics
    keys = {_key(point.key) for point in history.points} & shown.keys()
    there = {
        (metric.key, metric.step, metric.value)
        for key in sorted(keys)
        for metric in client.get_metric_history(run.info.run_id, key)
    }
    points = (Point(_key(p.key), p.value, p.step, p.time) for p in history.points)
    yield from (p for p in points if (p.key, p.step, p.value) not in there)
    epoch = max((point.step for point in history.points), default=0)
    for key, value in ((_key(key), value) for key, value in history.final.items()):
        if key not in shown:
            yield Point(key, value, epoch, history.end)
        elif not math.isclose(shown[key], value, rel_tol=1e-12):
            yield Point(key, value, epoch, round(1000 * time.time()))


def _link(path: Path) -> str:
    """Return `path` with the SHA-256 of what it holds."""
    return f"{file_digest(path)}  {path.as_posix()}"


def _key(key: str) -> str:
    """Return a key that MLflow accepts: other characters become underscores."""
    return re.sub(r"[^\w\-. /]", "_", key, flags=re.ASCII)[:LONGEST_KEY]


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


Entry = TypeVar("Entry")


def _chunks(entries: Sequence[Entry], size: int) -> Iterator[Sequence[Entry]]:
    return (entries[start : start + size] for start in range(0, len(entries), size))
