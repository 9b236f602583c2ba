"""MLflow's server over SQLite and PostgreSQL: loopback only, shared by checkouts, killed in between."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace

import pytest
from tests.reporting.tracking.records import finished, listed, series
from tests.reporting.tracking.servers import (
    free_port,
    kill,
    listening,
    mlflow_server,
    postgresql,
    postgresql_tools,
)
from typer.testing import CliRunner

from vreid.cli import tracking as command_line
from vreid.cli.main import app
from vreid.params.errors import UserError
from vreid.reporting.tracking import place
from vreid.reporting.tracking import sync as syncing
from vreid.reporting.tracking.report import write_tracking
from vreid.reporting.tracking.server import is_loopback, tracking_pages, tracking_server
from vreid.reporting.tracking.sync import sync

pytestmark = pytest.mark.xdist_group("mlflow")

EVERYWHERE = "0.0.0.0"  # noqa: S104 -- what is tested is that it has to be asked for


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def server(request, tmp_path_factory):
    """A running server, how to kill it and how to start it again."""
    folder = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        if request.param == "postgresql":
            tools = postgresql_tools()
            if tools is None:
                pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
            store = stack.enter_context(postgresql(tools))
        else:
            store = f"sqlite:///{folder}/store.db"
        port = free_port()
        running = stack.enter_context(mlflow_server(store, folder, port))
        yield SimpleNamespace(
            uri=f"http://127.0.0.1:{port}",
            port=port,
            kill=lambda: kill(running),
            restart=lambda: stack.enter_context(mlflow_server(store, folder, port)),
        )


@pytest.fixture
def client(server):
    from mlflow import MlflowClient

    return MlflowClient(server.uri)


def test_it_listens_on_loopback_only(server):
    assert listening(server.port) == {"0100007F"}


def test_two_checkouts_sync_into_it_at_the_same_time(server, client, tmp_path, monkeypatch):
    mine, theirs = tmp_path / "mine" / "runs", tmp_path / "theirs" / "runs"
    shared = [finished(mine, f"both-shared{n}-d-s0-0").name for n in range(4)]
    shutil.copytree(mine, theirs)
    names = [finished(mine, f"both-mine{n}-d-s0-0").name for n in range(4)]
    names += [finished(theirs, f"both-theirs{n}-d-s0-0").name for n in range(4)]
    twice = [
        finished(runs, "both-twice-d-s0-0", time=time).name for runs, time in ((mine, 1.0), (theirs, 2.0))
    ]
    monkeypatch.setattr(place, "_locked", lambda _: nullcontext())  # checkouts do not see each other's lock
    together = Barrier(2)

    def at_once(runs):
        together.wait(timeout=60)
        return sync(runs, server.uri)

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(at_once, (mine, theirs)))
    found = listed(client, "both")
    assert sorted(run.info.run_name for run in found) == sorted(shared + names + twice)
    assert {run.info.run_id for run in found} == {run.mlflow_run_id for runs in told for run in runs}
    for run in found:
        assert (run.info.status, run.data.metrics["mAP"]) == ("FINISHED", 0.5)
        assert [len(series(client, run, key)) for key in ("loss", "mAP")] == [3, 1]
    assert [sync(mine, server.uri), sync(theirs, server.uri)] == told


@pytest.mark.parametrize("server", ["sqlite"], indirect=True, scope="module")
def test_killed_in_the_middle_and_started_again(server, client, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    names = [finished(Path("runs"), f"middle-r{n}-d-s0-0").name for n in range(6)]
    tell, told = syncing.tell, []

    def tell_until_it_dies(*arguments):
        told.append(tell(*arguments))
        if len(told) == 3:
            server.kill()

    monkeypatch.setattr(syncing, "tell", tell_until_it_dies)
    plan, out = SimpleNamespace(runs={}, present_runs=list, tracking="d1"), Path("reports/tracking.json")
    with pytest.raises(UserError, match="Nothing is lost"):
        write_tracking(plan, Path("runs"), out, lenient=False)
    assert len(told) == 3
    assert write_tracking(plan, Path("runs"), out, lenient=True).startswith(
        "The runs are not tracked: MLflow"
    )
    server.restart()
    assert (
        write_tracking(plan, Path("runs"), out, lenient=True)
        == f"MLflow at {server.uri} knows 6 runs of runs/"
    )
    report = json.loads(out.read_text())
    found = {run.info.run_name: run.info.run_id for run in listed(client, "middle")}
    assert found == {run["run"]: run["mlflow_run_id"] for run in report["runs"]}
    assert sorted(found) == names and len(listed(client, "middle")) == 6
    assert len(told) == 6  # three before, the other three after


@pytest.fixture
def started(monkeypatch, tmp_path):
    """What the commands would have replaced their process by."""
    calls = []
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_BACKEND_STORE_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(command_line.os, "execve", lambda *call: calls.append(call))
    return calls


def test_another_address_has_to_be_asked_for_and_is_warned_of(started):
    quiet = CliRunner().invoke(app, ["track", "serve"])
    loud = CliRunner().invoke(app, ["track", "serve", "--host", EVERYWHERE, "--port", "5001"])
    assert [command[command.index("--host") + 1] for _, command, _ in started] == ["127.0.0.1", EVERYWHERE]
    assert "WARNING" not in quiet.output
    assert "WARNING: MLflow asks nobody for a password" in loud.output
    assert "MLFLOW_TRACKING_URI=http://127.0.0.1:5000" in quiet.output
    assert "http://0.0.0.0" not in loud.output
    assert started[1][1][-2:] == ("--port", "5001")


def test_a_server_runs_no_jobs_sends_nothing_and_hides_the_password(started):
    store = "postgresql://ann:secret@db/mlflow"
    done = CliRunner().invoke(app, ["track", "serve"], env={"MLFLOW_BACKEND_STORE_URI": store})
    [(_, command, environment)] = started
    assert environment["MLFLOW_BACKEND_STORE_URI"] == store
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert "secret" not in " ".join(command) + done.output


def test_a_server_does_not_keep_its_runs_in_a_server():
    with pytest.raises(UserError, match="http://host:1 is a server already"):
        tracking_server("http://ann:secret@host:1")


def test_pages_are_those_of_what_is_tracked_here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(UserError, match="track sync"):
        tracking_pages(5000)
    Path("mlflow.db").touch()
    pages = tracking_pages(5001)
    assert pages == tracking_server("sqlite:///mlflow.db", "127.0.0.1", 5001)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://host:1")
    with pytest.raises(UserError, match="http://host:1"):
        tracking_pages(5000)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        (EVERYWHERE, False),
        ("::", False),
        ("db", False),
    ],
)
def test_which_addresses_are_this_machine_alone(host, here):
    assert is_loopback(host) is here
