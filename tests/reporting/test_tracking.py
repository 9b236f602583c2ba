"""Runs in MLflow: told once, told later, failed ones too."""

import json
import os
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from vreid.params.errors import UserError
from vreid.reporting import tracking
from vreid.reporting.tracking import public_uri, sync, tracking_uri, write_tracking

CONFIG = {
    "dataset": "veri776",
    "data": "veri776-0a0a0a0a",
    "code": "c0de",
    "seed": 0,
    "losses": [{"name": "triplet", "margin": 0.3}, {"name": "focal", "gamma": 2.0}],
    "schedule": {"milestones": [4, 7], "warmup": None},
}


@pytest.fixture(scope="session")
def uri(tmp_path_factory):
    """One SQLite file for all tests: making its tables takes MLflow seconds. Tests differ by paper."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture
def client(uri):
    sync(Path("there/is/none"), uri)
    from mlflow import MlflowClient

    return MlflowClient(uri)


@pytest.fixture
def runs(tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


def start(time=100.0, resumed=0):
    return {
        "type": "start",
        "time": time,
        "run": "r",
        "config": CONFIG,
        "device": "cpu",
        "resumed": resumed,
    }


def metrics(epoch, loss, time=101.0):
    return {"type": "metrics", "time": time, "epoch": epoch, "step": 5 * epoch, "values": {"loss": loss}}


def end(status="FINISHED", error=None, time=110.0):
    return {"type": "end", "time": time, "status": status, "error": error}


def record(runs, name, *events):
    """Append events to a run's events.jsonl, as its training does."""
    (runs / name).mkdir(exist_ok=True)
    with (runs / name / "events.jsonl").open("a") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)
    return runs / name


def evaluate(run, mean_ap, folder="eval-00000000", protocols=("veri776",)):
    results = {"mAP": mean_ap, "cmc": [0.5, 0.6, 0.7, 0.8, 0.9]}
    (run / folder).mkdir()
    content = {"protocols": dict.fromkeys(protocols, results)}
    (run / folder / "evaluation.json").write_text(json.dumps(content))


def listed(client, paper):
    experiment = client.get_experiment_by_name(paper)
    return list(client.search_runs([experiment.experiment_id]))


def series(client, run, key):
    return [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, key)]


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
    sync(runs, uri, {name: run / "eval-22222222"})
    shown = listed(client, "later")[0].data.metrics
    assert (shown["mAP"], shown["small/mAP"], shown["large/R5"]) == (0.25, 0.25, 0.9)
    sync(runs, uri, {name: run / "eval-11111111"})
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
    import sqlite3

    path = Path(uri.removeprefix("sqlite:///"))
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert path.with_name("mlflow.db.lock").exists()


class Planned:
    """What `write_tracking` asks of a plan: one run and its evaluation."""

    tracking = "d1"

    def __init__(self, name):
        evaluation = f"runs/{name}/eval-00000000"
        test = SimpleNamespace(evaluation=evaluation, results=f"{evaluation}/evaluation.json")
        self.runs = {name: SimpleNamespace(name=name, evaluation=evaluation, tests=(test,))}

    def present_runs(self):
        return list(self.runs.values())


def test_the_report_lists_the_runs_and_is_fresh_once_all_is_told(runs, uri, client, monkeypatch):
    monkeypatch.chdir(runs.parent)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    name, out = "report-a-d-s0-0", Path("reports/tracking.json")
    run = record(Path("runs"), name, start(), end("FAILED", "no disk"))
    write_tracking(Planned(name), Path("runs"), out, lenient=False)
    [mlflow_run] = listed(client, "report")
    listed_run = {"run": name, "mlflow_run_id": mlflow_run.info.run_id, "status": "FAILED"}
    assert json.loads(out.read_text()) == {"digest": "", "uri": uri, "runs": [listed_run]}
    record(Path("runs"), name, start(), end())
    evaluate(run, 0.5)
    sentence = write_tracking(Planned(name), Path("runs"), out, lenient=False)
    assert sentence == f"MLflow at {uri} knows 1 run of runs/"
    report = json.loads(out.read_text())
    assert (report["digest"], report["runs"][0]["status"]) == ("d1", "FINISHED")
    assert mlflow_run.data.tags["folder"] == f"runs/{name}"


def test_a_lenient_report_goes_on_without_mlflow(runs, monkeypatch):
    monkeypatch.chdir(runs.parent)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://there")
    name, out = "lenient-a-d-s0-0", Path("reports/tracking.json")
    record(runs, name, start(), end())
    with pytest.raises(UserError, match="did not take the runs"):
        write_tracking(Planned(name), runs, out, lenient=False)
    assert not out.exists()
    assert write_tracking(Planned(name), runs, out, lenient=True).startswith(
        "The runs are not tracked: MLflow"
    )
    assert json.loads(out.read_text()) == {"digest": "", "uri": "nonsense://there", "runs": []}
    out.write_text("kept")
    write_tracking(Planned(name), runs, out, lenient=True)
    assert out.read_text() == "kept"


def test_a_server_that_is_away_is_one_sentence_without_the_password(runs, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    record(runs, "away-a-d-s0-0", start(), end())
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(UserError, match="Nothing is lost") as raised:
        sync(runs, f"http://ann:secret@127.0.0.1:{port}/mlflow?token=secret")
    assert f"http://127.0.0.1:{port}/mlflow" in str(raised.value)
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_telemetry_is_off_before_the_import(client):
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://ann:secret@host:5000/a?token=b", "http://host:5000/a"),
        ("postgresql://ann:s%40cret@db/mlflow", "postgresql://db/mlflow"),
        ("sqlite:///mlflow.db", "sqlite:///mlflow.db"),
        ("sqlite:////data/mlflow.db?mode=ro", "sqlite:////data/mlflow.db"),
    ],
)
def test_a_uri_is_shown_without_credentials(uri, shown):
    assert public_uri(uri) == shown


def test_the_environment_says_where_mlflow_is(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking_uri() == "sqlite:///mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://host:1")
    assert tracking_uri() == "http://host:1"


def test_pages_are_served_on_loopback_only(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(UserError, match="track sync"):
        tracking.pages_command(5000)
    Path("mlflow.db").touch()
    command, environment = tracking.pages_command(5001)
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert command[command.index("--port") + 1] == "5001"
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://host:1")
    with pytest.raises(UserError, match="http://host:1"):
        tracking.pages_command(5000)
