"""Brings MLflow up to date with the runs of a folder: idempotently, from one process, failed runs included.

A run that MLflow has is recognised by its tags `run_key` and `start` (see `vreid.reporting.history`), and
what it was last told by its tag `sent`; only what is new is told. So syncing twice changes nothing, and
syncing later adds what has happened since. A server has no lock that other checkouts would respect: a
sync looks again after each change, takes back what another has made at the same time, and ends when
everything is there once. A sync that was cut off is completed by the next in the same way.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vreid.params.errors import UserError
from vreid.reporting.history import Evaluations, RunHistory, read_history
from vreid.reporting.tracking.place import connected, public_uri
from vreid.reporting.tracking.tell import tell

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

PASSES = 10
"""More than three are needed only while other checkouts tell MLflow of the very same runs."""

ARTIFACTS = "mlflow-artifacts:/vreid"
"""Stored with an experiment: a place beside whatever server shows it, where MLflow has an absolute path."""

Key = tuple[str, str, str]
"""Paper (MLflow's experiment), name and start of a run."""


@dataclass(frozen=True)
class Tracked:
    """A run as MLflow knows it now; `told` is the digest of what its folder said."""

    run: str
    mlflow_run_id: str
    status: str
    told: str


def sync(runs: Path, uri: str, evaluations: Mapping[str, Evaluations] | None = None) -> list[Tracked]:
    """Tell MLflow at `uri` everything about the runs in the folder `runs` that it does not know yet.

    `evaluations` maps a run's name to the evaluations that count; of a run that it does not name, the
    evaluation that was written last counts.

    Returns:
        Every run that has started, by name.

    Raises:
        UserError: MLflow cannot be reached, or another sync does not come to its end.
    """
    histories = list(read_histories(runs, evaluations or {}))
    with connected(uri) as client:
        done: set[str] = set()
        for _ in range(PASSES):
            known = _Known(client, {history.paper for history in histories})
            if not _changed(client, known, histories, done):
                return [
                    Tracked(history.name, known.run(history).info.run_id, history.status, history.digest())
                    for history in histories
                ]
    raise UserError(
        f"MLflow at {public_uri(uri)} is changed by somebody else all the time: run `vreid track sync` again "
        "when the other syncs have ended"
    )


def read_histories(runs: Path, evaluations: Mapping[str, Evaluations]) -> Iterator[RunHistory]:
    """Yield the history of every run in the folder `runs` that has started, by name."""
    for folder in sorted(runs.glob("*/")):
        history = read_history(folder, evaluations.get(folder.name))
        if history is not None:
            yield history


def _changed(
    client: "MlflowClient", known: "_Known", histories: Sequence[RunHistory], done: set[str]
) -> bool:
    """Make the runs that are missing, or else tell what they lack; return whether there was anything to do.

    `done` holds the ids of MLflow runs that this sync has told, and is added to.
    """
    missing = [history for history in histories if not known.has(history)]
    if missing:
        for history in missing:
            known.create(history)
        return True
    behind = [(known.run(history), history) for history in histories if known.is_behind(history)]
    behind = [(run, history) for run, history in behind if run.info.run_id not in done]
    for run, history in behind:
        _tell_if_there(client, run, history)
        done.add(run.info.run_id)
    return bool(behind)


def _tell_if_there(client: "MlflowClient", run: "Run", history: RunHistory) -> None:
    """Tell a run's history, unless another sync has just taken the run back in favour of its own."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 (three seconds)

    try:
        tell(client, run, history)
    except MlflowException:
        if client.get_run(run.info.run_id).info.lifecycle_stage != "deleted":
            raise


class _Known:
    """What MLflow has of some papers: experiments by name, and their runs by key, each once."""

    def __init__(self, client: "MlflowClient", papers: set[str]) -> None:
        self._client = client
        self._experiments = {paper: self._experiment(paper) for paper in sorted(papers)}
        self._runs: dict[Key, Run] = {}
        for paper, experiment in self._experiments.items():
            for run in self._read_runs(experiment):
                tags = run.data.tags
                self._add((paper, tags.get("run_key", ""), tags.get("start", "")), run)

    def has(self, history: RunHistory) -> bool:
        return _key(history) in self._runs

    def run(self, history: RunHistory) -> "Run":
        return self._runs[_key(history)]

    def is_behind(self, history: RunHistory) -> bool:
        """Tell whether a history says more than MLflow knows; that of an older copy of a folder does not."""
        run = self.run(history)
        sent = run.data.tags.get("sent")
        return sent is None or (sent != history.digest() and (run.info.end_time or 0) <= history.end)

    def create(self, history: RunHistory) -> None:
        self._client.create_run(
            self._experiments[history.paper],
            start_time=history.start,
            tags={"run_key": history.name, "start": history.tags["start"]},
            run_name=history.name,
        )

    def _experiment(self, name: str) -> str:
        """Return the id of an experiment, made or taken out of MLflow's bin if need be."""
        from mlflow.exceptions import MlflowException  # noqa: PLC0415 (three seconds)

        found = self._client.get_experiment_by_name(name)
        if found is None:
            try:
                return self._client.create_experiment(name, f"{ARTIFACTS}/{name}")
            except MlflowException:  # another sync may have been faster
                found = self._client.get_experiment_by_name(name)
                if found is None:
                    raise
        if found.lifecycle_stage == "deleted":
            self._client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)

    def _read_runs(self, experiment: str) -> Iterator["Run"]:
        token: str | None = None
        while True:
            page = self._client.search_runs([experiment], max_results=1000, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _add(self, key: Key, run: "Run") -> None:
        """Keep of two runs with one key that which is whole or, of equals, the one that every sync would."""
        other = self._runs.setdefault(key, run)
        if other is run or not all(key):
            return
        kept, taken_back = sorted((run, other), key=lambda r: ("sent" not in r.data.tags, r.info.run_id))
        self._client.delete_run(taken_back.info.run_id)
        self._runs[key] = kept


def _key(history: RunHistory) -> Key:
    return history.paper, history.name, history.tags["start"]
