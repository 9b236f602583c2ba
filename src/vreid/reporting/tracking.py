"""Carries runs over to MLflow: idempotently, from one process, failed runs included.

Nothing reads back from MLflow what to compute. A run that MLflow has is recognised by its tags `run_key` and
`start` (see `vreid.reporting.history.RunHistory`), and what it was last told by its tag `sent`; only what is
new is told. So syncing twice changes nothing, and syncing later adds what has happened since.
"""

import logging
import math
import os
import re
import sqlite3
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from vreid.params.atomic import write_json
from vreid.params.errors import UserError
from vreid.params.plan import Plan
from vreid.reporting.history import Point, RunHistory, read_history

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

DEFAULT_URI = "sqlite:///mlflow.db"

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
"""Set, where the user has set nothing else, before MLflow is imported: it reads them then."""

METRICS_PER_REQUEST = 1000
PARAMS_PER_REQUEST = 100
LONGEST_PARAM = 6000
LONGEST_TAG = 8000
LONGEST_KEY = 250

LOCK_SECONDS = 300


@dataclass(frozen=True)
class Tracked:
    """A run as MLflow knows it now."""

    run: str
    mlflow_run_id: str
    status: str


def tracking_uri() -> str:
    """Return where MLflow listens: MLFLOW_TRACKING_URI, else a SQLite file in the working directory."""
    return os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI


def public_uri(uri: str) -> str:
    """Return a tracking URI that may be shown: without user, password and query."""
    parts = urlsplit(uri)
    if parts.scheme == "sqlite":
        return uri.partition("?")[0]
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if parts.scheme else parts.path


def write_tracking(plan: Plan, runs: Path, out: Path, *, lenient: bool) -> str:
    """Tell MLflow about the runs in `runs`, list them in the JSON file `out`, and return a sentence about it.

    `out` holds {"digest", "uri", "runs": [{"run", "mlflow_run_id", "status"}]}. The digest is the plan's only
    if every evaluation that the plan asks for was there to be told; else it is empty, and `out` stays stale.
    If MLflow does not take the runs and `lenient` is set, the sentence says so, and an `out` that is there
    is kept.

    Raises:
        UserError: As `sync`, unless `lenient`.
    """
    uri = tracking_uri()
    planned = {run.name: Path(run.evaluation) for run in plan.runs.values()}
    whole = all(Path(test.results).is_file() for run in plan.present_runs() for test in run.tests)
    try:
        tracked = sync(runs, uri, planned)
    except UserError as error:
        if not lenient:
            raise
        if not out.exists():
            write_json(out, {"digest": "", "uri": public_uri(uri), "runs": []})
        return f"The runs are not tracked: {error}"
    listed = [asdict(run) for run in tracked]
    write_json(out, {"digest": plan.tracking if whole else "", "uri": public_uri(uri), "runs": listed})
    count = f"{len(tracked)} run{'' if len(tracked) == 1 else 's'}"
    return f"MLflow at {public_uri(uri)} knows {count} of {runs.as_posix()}/"


def pages_command(port: int) -> tuple[list[str], dict[str, str]]:
    """Return the command that serves MLflow's pages on the loopback interface, and its environment.

    Raises:
        UserError: If the runs are tracked by a server, which serves its own pages, or nothing is tracked yet.
    """
    uri = tracking_uri()
    if urlsplit(uri).scheme in ("http", "https"):
        raise UserError(f"MLFLOW_TRACKING_URI names a server: open {public_uri(uri)} in a browser")
    file = _sqlite_file(uri)
    if file is not None and not file.is_file():
        raise UserError(f"{file} is not there, nothing is tracked yet: run `vreid track sync`")
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri]
    quiet = {**QUIET, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    return [*command, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"], quiet | os.environ


def sync(runs: Path, uri: str, evaluations: Mapping[str, Path] | None = None) -> list[Tracked]:
    """Tell MLflow at `uri` everything about the runs in the folder `runs` that it does not know yet.

    `evaluations` maps a run's name to the folder of the evaluation that counts; of a run that it does not
    name, the evaluation that was written last counts. Only one sync works at a time, others wait for it.

    Returns:
        Every run that has started, by name.

    Raises:
        UserError: If MLflow cannot be reached, or another sync does not come to its end.
    """
    chosen = evaluations or {}
    read = (read_history(folder, chosen.get(folder.name)) for folder in sorted(runs.glob("*/")))
    histories = [history for history in read if history is not None]
    with _explained(uri), _locked(uri):
        client = _client(uri)
        known = _Known(client)
        return [_carry_over(client, known, history) for history in histories]


class _Known:
    """What MLflow already has: experiments by name, and their runs by `run_key` and `start`."""

    def __init__(self, client: "MlflowClient") -> None:
        self._client = client
        self._experiments: dict[str, str] = {}
        self._runs: dict[tuple[str, str, str], Run] = {}

    def experiment(self, name: str) -> str:
        """Return the id of an experiment, made or taken out of MLflow's bin if need be."""
        if name not in self._experiments:
            found = self._client.get_experiment_by_name(name)
            if found is None:
                self._experiments[name] = self._client.create_experiment(name)
            else:
                if found.lifecycle_stage == "deleted":
                    self._client.restore_experiment(found.experiment_id)
                self._experiments[name] = found.experiment_id
                self._read_runs(found.experiment_id)
        return self._experiments[name]

    def run(self, history: RunHistory) -> "Run | None":
        """Return the MLflow run of a history."""
        experiment = self.experiment(history.paper)
        return self._runs.get((experiment, history.name, history.tags["start"]))

    def _read_runs(self, experiment: str) -> None:
        token: str | None = None
        while True:
            page = self._client.search_runs([experiment], max_results=1000, page_token=token)
            for run in page:
                tags = run.data.tags
                self._runs[experiment, tags.get("run_key", ""), tags.get("start", "")] = run
            token = page.token
            if not token:
                return


def _carry_over(client: "MlflowClient", known: _Known, history: RunHistory) -> Tracked:
    run = known.run(history)
    sent = history.digest()
    if run is None:
        run = client.create_run(
            known.experiment(history.paper),
            start_time=history.start,
            tags={"run_key": history.name, "start": history.tags["start"]},
            run_name=history.name,
        )
    if run.data.tags.get("sent") != sent:
        _tell(client, run, history, sent)
    return Tracked(history.name, run.info.run_id, history.status)


def _tell(client: "MlflowClient", run: "Run", history: RunHistory, sent: str) -> None:
    """Send what the run lacks; `sent` goes last, so that an interrupted sync is taken up again."""
    from mlflow.entities import Metric, Param, RunTag  # noqa: PLC0415 (three seconds)

    name, there = run.info.run_id, run.data
    params = {_key(key): _cut(value, LONGEST_PARAM) for key, value in history.params.items()}
    tags = {_key(key): _cut(value, LONGEST_TAG) for key, value in history.tags.items()}
    new_params = [Param(key, value) for key, value in params.items() if key not in there.params]
    for some in _chunks(new_params, PARAMS_PER_REQUEST):
        client.log_batch(name, params=some)
    points = [Metric(p.key, p.value, p.time, p.step) for p in _new_points(client, run, history)]
    for few in _chunks(points, METRICS_PER_REQUEST):
        client.log_batch(name, metrics=few)
    client.log_batch(name, tags=[RunTag(key, value) for key, value in tags.items()])
    if "error" in there.tags and "error" not in tags:
        client.delete_tag(name, "error")
    client.set_terminated(name, status=history.status, end_time=history.end)
    client.set_tag(name, "sent", sent)


def _new_points(client: "MlflowClient", run: "Run", history: RunHistory) -> Iterator[Point]:
    """Yield the points that MLflow lacks, and final values that differ from those it shows."""
    shown = run.data.metrics
    keys = {point.key for point in history.points} & shown.keys()
    there = {
        (metric.key, metric.step, metric.value)
        for key in sorted(keys)
        for metric in client.get_metric_history(run.info.run_id, key)
    }
    yield from (p for p in history.points if (p.key, p.step, p.value) not in there)
    epoch = max((point.step for point in history.points), default=0)
    for key, value in history.final.items():
        if key not in shown or not math.isclose(shown[key], value, rel_tol=1e-12):
            yield Point(_key(key), value, epoch, round(1000 * time.time()))


def _client(uri: str) -> "MlflowClient":
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient  # noqa: PLC0415 (it takes three seconds and reads QUIET)

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    _write_ahead(uri)
    return MlflowClient(uri)


def _write_ahead(uri: str) -> None:
    """Let readers, such as MLflow's pages, and the one writer of a SQLite file not wait for each other."""
    file = _sqlite_file(uri)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(file)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.close()


def _sqlite_file(uri: str) -> Path | None:
    path = uri.partition("?")[0].removeprefix("sqlite:///")
    return Path(path) if uri.startswith("sqlite:///") and path else None


@contextmanager
def _locked(uri: str) -> Iterator[None]:
    """Hold the one lock of the tracking place: beside a SQLite file, for a server in the working folder."""
    place = _sqlite_file(uri) or Path("mlflow.db")
    lock = place.with_name(f"{place.name}.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=LOCK_SECONDS):
            yield
    except Timeout as error:
        raise UserError(
            f"{lock} has been held for {LOCK_SECONDS} s: another `vreid track sync` hangs; end it, try again"
        ) from error


@contextmanager
def _explained(uri: str) -> Iterator[None]:
    """Turn what MLflow and its stores raise into one sentence that shows no credentials."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise _unreachable(uri, error) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("mlflow", "sqlalchemy", "requests"):
            raise
        raise _unreachable(uri, error) from error


def _unreachable(uri: str, error: Exception) -> UserError:
    text = str(error).strip() or type(error).__name__
    text = re.sub(r"//[^/@\s]*@|\?\S*", lambda secret: "//" if secret[0][0] == "/" else "", text)
    return UserError(
        f"MLflow at {public_uri(uri)} did not take the runs ({text.splitlines()[0][:200]}): start it, or "
        "unset MLFLOW_TRACKING_URI to use a file here. Nothing is lost: runs/ keeps every event, "
        "and `vreid track sync` carries them over later"
    )


def _key(key: str) -> str:
    """Return a key that MLflow accepts: other characters become underscores."""
    return re.sub(r"[^\w\-. /]", "_", key, flags=re.ASCII)[:LONGEST_KEY]


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


Entry = TypeVar("Entry")


def _chunks(entries: Sequence[Entry], size: int) -> Iterator[Sequence[Entry]]:
    return (entries[start : start + size] for start in range(0, len(entries), size))
