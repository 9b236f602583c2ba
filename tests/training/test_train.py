import json
import os
import resource
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from safetensors import safe_open

from vreid.params.errors import UserError
from vreid.params.run import TrainConfig
from vreid.training import train as module
from vreid.training.client import IN_FORK
from vreid.training.engine import Learner
from vreid.training.interruption import InterruptedRunError
from vreid.training.train import train

RESULTS = ("config.json", "model.safetensors", "history.parquet")


def events(out):
    return [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]


def results(out):
    return {name: (out / name).read_bytes() for name in RESULTS}


def test_a_run_leaves_its_files_and_nothing_else(trained, config):
    names = {path.name for path in trained.iterdir()} - {"features"}
    assert names == {*RESULTS, "run.json", "events.jsonl"}
    assert TrainConfig.model_validate_json((trained / "config.json").read_bytes()) == config()
    with safe_open(trained / "model.safetensors", "pt") as file:
        assert file.metadata() == {"classes": "9"}
        assert all(torch.isfinite(file.get_tensor(name)).all() for name in file.keys())  # noqa: SIM118
    assert pq.read_table(trained / "history.parquet").column_names == [
        *("epoch", "step", "lr", "loss", "focal", "triplet", "accuracy")
    ]


def test_run_json_says_with_what_and_at_what_cost(trained):
    about = json.loads((trained / "run.json").read_text())
    assert about["run"] == trained.name
    assert (about["device"], about["threads"]) == ("cpu", 1)
    assert (about["classes"], about["images"], about["epochs"], about["steps"]) == (9, 54, 3, 15)
    assert about["arithmetic"]["processes"] == 1
    assert about["seconds"] > 0 < about["cpu_seconds"]
    assert about["model_sha256"] == sha256((trained / "model.safetensors").read_bytes()).hexdigest()
    assert about["resumed"] == 0


def test_events_tell_the_run(trained, config):
    start, *metrics, end = events(trained)
    assert (start["type"], start["run"], start["resumed"]) == ("start", trained.name, 0)
    assert start["config"] == config().model_dump(mode="json")
    assert [(line["epoch"], line["step"]) for line in metrics] == [(1, 5), (2, 10), (3, 15)]
    history = pq.read_table(trained / "history.parquet").to_pylist()
    for line, expected in zip(metrics, history, strict=True):
        values = line["values"]
        assert values.pop("seconds") >= 0
        assert values == {k: v for k, v in expected.items() if k not in ("epoch", "step")}
    assert (end["type"], end["status"], end["error"]) == ("end", "FINISHED", None)


def test_two_runs_of_a_configuration_are_the_same_bytes(trained, pack, config, tmp_path):
    train(config(), pack, tmp_path / "again")
    assert results(tmp_path / "again") == results(trained)


def test_a_failed_run_says_so_in_its_events(pack, config, tmp_path):
    broken = config(optimizer={"name": "sgd", "lr": 1e30})
    with pytest.raises(UserError, match="not a finite number"):
        train(broken, pack, tmp_path / "run")
    end = events(tmp_path / "run")[-1]
    assert (end["type"], end["status"]) == ("end", "FAILED")
    assert "not a finite number" in end["error"]
    assert not (tmp_path / "run" / "model.safetensors").exists()


def interrupted(monkeypatch, settings, pack, out, after):
    """Train with a checkpoint at every step, and break off after `after` of them were written."""
    save = module.Checkpoints.save

    def save_and_stop(self, tensors, state):
        save(self, tensors, state)
        done = state["state"]["epoch"] * 5 + state["state"]["step"]
        if done == after:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module.Checkpoints, "save", save_and_stop)
        with pytest.raises(KeyboardInterrupt):
            train(settings, pack, out, checkpoint_seconds=0)


def test_an_interrupted_run_goes_on_where_it_was(trained, pack, config, tmp_path, monkeypatch):
    out = tmp_path / "run"
    for after in (3, 5, 12):
        interrupted(monkeypatch, config(), pack, out, after)
    train(config(), pack, out)
    assert results(out) == results(trained)
    assert [line["resumed"] for line in events(out) if line["type"] == "start"] == [0, 3, 5, 12]
    assert json.loads((out / "run.json").read_text())["resumed"] == 3
    assert not list(out.glob("checkpoint*"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_it_put_away_how_far_it_is(number, trained, pack, config, tmp_path, monkeypatch):
    out, step, done = tmp_path / "run", Learner.step, []

    def step_and_signal(*arguments):
        done.append(step(*arguments))
        if len(done) == 7:
            os.kill(os.getpid(), number)
        return done[-1]

    handlers = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]
    with monkeypatch.context() as patch:
        patch.setattr(Learner, "step", step_and_signal)
        with pytest.raises(InterruptedRunError, match=rf"stopped by {number.name} after step 7 of 15; a che"):
            train(config(), pack, out)
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)] == handlers
    assert events(out)[-1]["type"] == "metrics"  # it has no end yet
    train(config(), pack, out)
    assert results(out) == results(trained)
    assert [line["resumed"] for line in events(out) if line["type"] == "start"] == [0, 7]


@pytest.mark.parametrize("kept", [1, 0])
def test_damaged_checkpoints_cost_time_and_nothing_else(kept, trained, pack, config, tmp_path, monkeypatch):
    out = tmp_path / "run"
    interrupted(monkeypatch, config(), pack, out, after=7)
    for path in sorted(out.glob("checkpoint*"))[kept:]:
        path.write_bytes(path.read_bytes()[:1000])
    train(config(), pack, out)
    assert results(out) == results(trained)
    assert events(out)[-2]["epoch"] == 3
    resumed = [line["resumed"] for line in events(out) if line["type"] == "start"]
    assert resumed == [0, 6 if kept else 0]


def test_a_checkpoint_of_another_configuration_is_not_taken_up(trained, pack, config, tmp_path, monkeypatch):
    out = tmp_path / "run"
    interrupted(monkeypatch, config(seed=4), pack, out, after=7)
    train(config(), pack, out)
    assert results(out) == results(trained)


# The jobs are forks of one server, which imports torch once: an attempt costs milliseconds.
CLIENT = """
import sys
import time
from pathlib import Path
from vreid.training.client import run_in_server
modules = ["vreid.models.dpa", "vreid.losses.focal", "vreid.losses.triplet", "vreid.training.train"]
sys.exit(run_in_server("job:main", sys.argv[1:], modules, Path("server")).status)
"""

JOB = """
import os, sys
import time
from pathlib import Path
from vreid.params.run import TrainConfig
from vreid.training.train import train

def main():
    Path("server.pid").write_text(str(os.getppid()))
    config = TrainConfig.model_validate_json(Path("config.json").read_bytes())
    train(config, Path(sys.argv[1]), Path(sys.argv[2]), device="cpu", checkpoint_seconds=0)
"""


def written(out):
    """Return when the newest checkpoint was written, or None."""
    path = out / "checkpoint.safetensors"
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def test_a_run_killed_again_and_again_ends_with_the_same_bytes(pack, config, tmp_path):
    settings = config(schedule={"name": "cosine", "epochs": 8})
    train(settings, pack, tmp_path / "whole")
    (tmp_path / "config.json").write_text(settings.model_dump_json())
    (tmp_path / "job.py").write_text(JOB)
    environment = {k: v for k, v in os.environ.items() if k not in ("SLURM_JOB_ID", IN_FORK)}
    environment |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(tmp_path)}
    out, command = tmp_path / "killed", [sys.executable, "-c", CLIENT, pack]
    for attempt in range(8):
        before = written(out)
        client = subprocess.Popen([*command, out], cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
        while client.poll() is None and written(out) == before:
            time.sleep(0.001)
        time.sleep(0.006 * attempt)  # steps take about as long; so it dies in their midst, or in writing
        client.kill()
        client.wait()
    client = subprocess.run([*command, out], cwd=tmp_path, env=environment, check=False)
    os.kill(int((tmp_path / "server.pid").read_text()), signal.SIGTERM)
    assert client.returncode == 0
    assert results(out) == results(tmp_path / "whole")
    starts = [line["resumed"] for line in events(out) if line["type"] == "start"]
    assert len(set(starts)) > 4  # it was killed in the midst of things, and went on from there
    assert events(out)[-1]["status"] == "FINISHED"


@pytest.mark.parametrize("last", ["model.safetensors", "history.parquet", "run.json"])
def test_a_run_broken_off_while_it_writes_its_results_writes_them_again(
    last, trained, pack, config, tmp_path, monkeypatch
):
    out = tmp_path / "run"
    replace = Path.replace

    def replace_and_stop(self, target):
        replace(self, target)
        if Path(target).name == last:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace_and_stop)
        with pytest.raises(KeyboardInterrupt):
            train(config(), pack, out, checkpoint_seconds=0)
    train(config(), pack, out)
    assert results(out) == results(trained)
    assert not list(out.glob("checkpoint*"))


@pytest.fixture
def small_files():
    """No file can grow beyond 100 kB: as on a full disk, a log still grows, but no weights are written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    yield before
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    ("checkpoint_seconds", "file"), [(0, "checkpoint.safetensors"), (300, "model.safetensors")]
)
def test_a_full_disk_is_a_sentence_and_the_same_call_goes_on_when_there_is_room(
    checkpoint_seconds, file, trained, pack, config, tmp_path, small_files
):
    out = tmp_path / "run"
    with pytest.raises(UserError, match=rf"run/{file} cannot be written \(.*File too large"):
        train(config(), pack, out, checkpoint_seconds=checkpoint_seconds)
    assert events(out)[-1]["status"] == "FAILED"
    assert sorted(path.name for path in out.iterdir()) == ["config.json", "events.jsonl"]
    resource.setrlimit(resource.RLIMIT_FSIZE, small_files)
    train(config(), pack, out)
    assert results(out) == results(trained)


def test_two_trainings_do_not_share_a_folder(pack, config, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_SECONDS_TO_END", 0.1)
    out = tmp_path / "run"
    with module._alone_in(out), pytest.raises(UserError, match="another process"):
        train(config(), pack, out)
    assert not list(out.iterdir())


def test_importing_it_is_light():
    code = (
        "import sys, vreid.training.train\n"
        "print(*{m.split('.')[0] for m in sys.modules} & "
        "{'pandas', 'torchvision', 'mlflow', 'matplotlib', 'sklearn', 'pyarrow', 'rich', 'sympy'})"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == []
