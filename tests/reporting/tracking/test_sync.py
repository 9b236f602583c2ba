"""Runs in MLflow: told once, told later, failed ones too."""

import json
import shutil
import sqlite3
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.reporting.tracking.records import (
    end,
    evaluate,
    finished,
    listed,
    metrics,
    record,
    series,
    start,
)

from vreid.reporting.tracking import sync as syncing
from vreid.reporting.tracking.sync import sync

pytestmark = pytest.mark.xdist_group("mlflow")


def test_a_finished_run_is_told_whole(runs, uri, client):
    name = "whole-base-veri776-s0-0123456789"
    run = record(runs, name, start(), metrics(1, 2.5), metrics(2, 1.5), end())
    evaluate(run, 0.25)
    (run / "run.json").write_text(json.dumps({"git_commit": "abc", "torch": "2.11", "seconds": 9.5}))
    told = sync(runs, uri)
    [mlflow_run] = listed(client, "whole")
    assert [(t.run, t.mlflow_run_id, t.status) for t in told] == [(name, mlflow_run.info.run_id, "FINISHED")]
    info, data = mlflow_run.info, mlflow_run.data
    assert (info.run_name, info.status, info.start_time, info.end_time) == (name, "FINISHED", 100000, 110000)
    assert data.params == {
        "dataset": "veri776",
        "data": "veri776-0a0a0a0a",
        "code": "c0de",
        "seed": "0",
        "losses.triplet.name": "triplet",
        "losses.triplet.margin": "0.3",
        "losses.focal.name": "focal",
        "losses.focal.gamma": "2.0",
        "schedule.milestones": "[4, 7]",
        "schedule.warmup": "null",
    }
    expected = {"mAP": 0.25, "R1": 0.5, "R5": 0.9, "loss": 1.5, "run/seconds": 9.5}
    assert data.metrics == expected
    assert series(client, mlflow_run, "loss") == [(1, 2.5), (2, 1.5)]
    tags = {
        "run_key": name,
        "start": "1970-01-01T00:01:40.000+00:00",
        "attempts": "1",
        "folder": (runs / name).as_posix(),
        "git_commit": "abc",
        "mlflow.source.git.commit": "abc",
        "data": "veri776-0a0a0a0a",
        "code": "c0de",
        "experiment": "base",
        "device": "cpu",
    }
    assert tags.items() <= data.tags.items()


def test_telling_twice_changes_nothing(runs, uri, client):
    evaluate(record(runs, "twice-a-d-s0-0", start(), metrics(1, 2.0), end()), 0.5)
    first = sync(runs, uri)
    before = [run.to_dictionary() for run in listed(client, "twice")]
    assert sync(runs, uri) == first
    assert [run.to_dictionary() for run in listed(client, "twice")] == before
    assert series(client, listed(client, "twice")[0], "loss") == [(1, 2.0)]


def test_failed_and_killed_runs_are_there(runs, uri, client):
    record(runs, "bad-failed-d-s0-0", start(), metrics(1, 2.0), end("FAILED", "the loss is NaN"))
    killed = record(runs, "bad-killed-d-s0-0", start(), metrics(1, 2.0, time=105.0))
    with (killed / "events.jsonl").open("a") as file:
        file.write('{"type": "metrics", "ti')
    record(runs, "bad-early-d-s0-0", end("FAILED", "weights are missing"))
    (runs / "bad-untried-d-s0-0").mkdir()
    assert [t.status for t in sync(runs, uri)] == ["FAILED", "FAILED", "KILLED"]
    found = {run.info.run_name: run for run in listed(client, "bad")}
    assert found["bad-failed-d-s0-0"].data.tags["error"] == "the loss is NaN"
    assert found["bad-early-d-s0-0"].data.tags["error"] == "weights are missing"
    assert found["bad-killed-d-s0-0"].info.end_time == 105000
    assert len(found) == 3


def test_a_run_that_is_taken_up_again_stays_one_run(runs, uri, client):
    name = "again-a-d-s0-0"
    record(runs, name, start(), metrics(1, 3.0), metrics(2, 2.0), end("FAILED", "no disk", time=103.0))
    [told] = sync(runs, uri)
    run = record(runs, name, start(200.0, resumed=5), metrics(2, 2.0, 201.0), metrics(3, 1.0, 202.0), end())
    evaluate(run, 0.75)
    [later] = sync(runs, uri)
    assert later.mlflow_run_id == told.mlflow_run_id
    assert (told.status, later.status) == ("FAILED", "FINISHED")
    [mlflow_run] = listed(client, "again")
    assert series(client, mlflow_run, "loss") == [(1, 3.0), (2, 2.0), (3, 1.0)]
    assert mlflow_run.data.metrics["mAP"] == 0.75
    assert mlflow_run.data.tags["attempts"] == "2"
    assert "error" not in mlflow_run.data.tags


def test_a_folder_trained_anew_is_another_run(runs, uri, client):
    name = "anew-a-d-s0-0"
    log = record(runs, name, start(100.0), end()) / "events.jsonl"
    sync(runs, uri)
    log.unlink()
    record(runs, name, start(300.0), end(time=310.0))
    sync(runs, uri)
    assert {run.info.start_time for run in listed(client, "anew")} == {100000, 300000}


def test_an_evaluation_may_come_later_and_be_replaced(runs, uri, client):
    name = "later-a-d-s0-0"
    run = record(runs, name, start(), metrics(3, 1.0), end())
    sync(runs, uri)
    assert "mAP" not in listed(client, "later")[0].data.metrics
    evaluate(run, 0.5, "eval-11111111")
    sync(runs, uri)
    assert listed(client, "later")[0].data.metrics["mAP"] == 0.5
    evaluate(run, 0.25, "eval-22222222", protocols=("large", "small"))
    sync(runs, uri, {name: {"": run / "eval-22222222"}})
    shown = listed(client, "later")[0].data.metrics
    assert (shown["mAP"], shown["small/mAP"], shown["large/R5"]) == (0.25, 0.25, 0.9)
    sync(runs, uri, {name: {"": run / "eval-11111111"}})
    assert listed(client, "later")[0].data.metrics["mAP"] == 0.5


def test_what_is_long_is_told_in_parts(runs, uri, client):
    wide = {
        "type": "start",
        "time": 1.0,
        "config": {f"k{i}": "v" * 6001 for i in range(101)},
        "device": "cpu",
    }
    record(runs, "long-a-d-s0-0", wide, *(metrics(i, float(i)) for i in range(1, 1002)), end())
    sync(runs, uri)
    [run] = listed(client, "long")
    assert len(run.data.params) == 101
    assert run.data.params["k100"] == "v" * 5999 + "…"
    assert len(series(client, run, "loss")) == 1001


def test_a_deleted_experiment_is_taken_out_of_the_bin(runs, uri, client):
    record(runs, "bin-a-d-s0-0", start(), end())
    sync(runs, uri)
    client.delete_experiment(client.get_experiment_by_name("bin").experiment_id)
    record(runs, "bin-b-d-s0-0", start(), end())
    sync(runs, uri)
    assert "bin-b-d-s0-0" in {run.info.run_name for run in listed(client, "bin")}


def test_the_sqlite_file_writes_ahead_and_is_locked_beside_it(runs, uri, client):
    path = Path(uri.removeprefix("sqlite:///"))
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert path.with_name("mlflow.db.lock").exists()


def test_the_same_folder_in_two_checkouts_is_one_run_and_an_older_copy_takes_nothing_back(
    runs, uri, client, tmp_path
):
    name = "copied-a-d-s0-0"
    record(runs, name, start(), metrics(1, 2.0), end("FAILED", "no disk", time=103.0))
    shutil.copytree(runs, tmp_path / "older")
    record(runs, name, start(200.0), metrics(2, 1.0, 201.0), end(time=202.0))
    [told] = sync(runs, uri)
    [copy] = sync(tmp_path / "older", uri)
    assert copy.mlflow_run_id == told.mlflow_run_id
    [run] = listed(client, "copied")
    assert (run.info.status, run.info.end_time, run.data.metrics["loss"]) == ("FINISHED", 202000, 1.0)


class Client:
    """A client of MLflow's that does something else before its call number `moment`, counted from 0."""

    def __init__(self, client, moment, action):
        self._client, self._moment, self._action = client, moment, action
        self.calls = 0

    def __getattr__(self, name):
        def call(*arguments, **options):
            if self.calls == self._moment:
                self._moment = -1
                self._action()
            self.calls += 1
            return getattr(self._client, name)(*arguments, **options)

        return call


@pytest.fixture
def interrupt(monkeypatch):
    """Make syncs, which no lock keeps apart then, do something at a moment; returns the client used."""

    def prepare(client, moment, action):
        used = Client(client, moment, action)

        @contextmanager
        def connected(_):
            yield used

        monkeypatch.setattr(syncing, "connected", connected)
        return used

    return prepare


class KilledError(Exception):
    """Stands for the end of the process."""


def kill():
    raise KilledError


def content(client, paper):
    return [
        (run.info.run_name, run.info.status, run.data.metrics, series(client, run, "loss"), run.data.tags)
        for run in sorted(listed(client, paper), key=lambda run: run.info.run_name)
    ]


def calls_of_a_sync(runs, uri, client, interrupt, prefix):
    for letter in "ab":
        finished(runs, f"{prefix}-{letter}-d-s0-0")
    used = interrupt(client, -1, kill)
    sync(runs, uri)
    return used.calls


def test_a_sync_that_is_cut_off_anywhere_is_completed_by_the_next(runs, uri, client, interrupt, tmp_path):
    for moment in range(calls_of_a_sync(runs, uri, client, interrupt, "cut")):
        paper, own = f"cut{moment}", tmp_path / str(moment) / "runs"
        names = [finished(own, f"{paper}-{letter}-d-s0-0").name for letter in "ab"]
        interrupt(client, moment, kill)
        with pytest.raises(KilledError):
            sync(own, uri)
        told = sync(own, uri)
        assert [(name, "FINISHED") for name in names] == [(run.run, run.status) for run in told]
        found = content(client, paper)
        assert [name for name, *_ in found] == names
        for _, status, metrics_shown, losses, tags in found:
            assert (status, metrics_shown["mAP"], len(losses)) == ("FINISHED", 0.5, 3)
            assert {"sent", "file/model.safetensors", "attempts"} <= tags.keys()


def test_another_sync_of_the_same_runs_at_any_moment_leaves_each_once(runs, uri, client, interrupt, tmp_path):
    for moment in range(calls_of_a_sync(runs, uri, client, interrupt, "meet")):
        paper, own = f"meet{moment}", tmp_path / str(moment) / "runs"
        names = [finished(own, f"{paper}-{letter}-d-s0-0").name for letter in "ab"]
        theirs = []
        interrupt(client, moment, lambda own=own, theirs=theirs: theirs.extend(sync(own, uri)))
        told = sync(own, uri)
        found = {run.info.run_name: run for run in listed(client, paper)}
        assert len(listed(client, paper)) == 2
        assert [found[name].info.run_id for name in names] == [run.mlflow_run_id for run in told]
        assert [len(series(client, found[name], key)) for name in names for key in ("loss", "mAP")] == [
            3,
            1,
        ] * 2
        assert theirs == told


def test_links_and_experiments_hold_where_the_checkout_is_moved_to(tmp_path, uri, client, monkeypatch):
    before, after = tmp_path / "before", tmp_path / "after"
    finished(before / "runs", "moved-a-d-s0-0")
    file = before / "mlflow.db"
    source, target = sqlite3.connect(uri.removeprefix("sqlite:///")), sqlite3.connect(file)
    source.backup(target)
    source.close()
    target.close()
    monkeypatch.chdir(before)
    told = sync(Path("runs"), f"sqlite:///{file}")
    before.rename(after)
    monkeypatch.chdir(after)
    with sqlite3.connect("mlflow.db") as database:
        tags = [value for (value,) in database.execute("SELECT value FROM tags WHERE key LIKE 'file/%'")]
        places = dict(database.execute("SELECT name, artifact_location FROM experiments"))
    links = [value for value in tags if "/moved-a-d-s0-0/" in value]
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict"],
        input="\n".join(links),
        text=True,
        capture_output=True,
        check=True,
    )
    assert len(checked.stdout.splitlines()) == len(links) == 2
    assert places["moved"] == "mlflow-artifacts:/vreid/moved"
    assert sync(Path("runs"), f"sqlite:///{after}/mlflow.db") == told
