import base64
import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from snakemake.exceptions import ApiError

from snakemake_logger_plugin_vreid import alone

HOLDER = """
import sys, time
from pathlib import Path
from snakemake_logger_plugin_vreid.alone import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock of the folder."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / ".vreid" / "pipeline.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_pipeline_is_told_who_is_at_work(holder, tmp_path):
    with pytest.raises(ApiError) as refused, alone.held(tmp_path / ".vreid" / "pipeline.lock"):
        pass
    said = str(refused.value)
    assert f"Another pipeline is at work in this folder (process {holder.pid}, since " in said
    assert "Nothing was changed: wait until it has ended" in said


def test_whoever_holds_it_may_be_killed(holder, tmp_path):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with alone.held(tmp_path / ".vreid" / "pipeline.lock") as sure:
        assert sure


def test_a_file_that_tells_nothing_spoils_no_sentence(tmp_path):
    lock = tmp_path / "pipeline.lock"
    lock.write_bytes(b"\xff\x00 what")
    handle = os.open(lock, os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(ApiError, match=r"at work in this folder\. Nothing"), alone.held(lock):
        pass
    os.close(handle)


def test_where_files_cannot_be_locked_snakemakes_own_notes_have_to_do(tmp_path, monkeypatch):
    def flock(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(alone.fcntl, "flock", flock)
    with alone.held(tmp_path / "pipeline.lock") as sure:
        assert not sure


def test_a_folder_that_takes_nothing_is_a_sentence(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(alone.os, "open", refuse)
    with pytest.raises(ApiError, match=r"cannot be written to .*Nothing was changed"):
        alone.held(tmp_path / "pipeline.lock").__enter__()


class Workflow:
    """As much of Snakemake's as is looked at."""

    def __init__(self, mode="DEFAULT", lock=True):
        self.exec_mode = SimpleNamespace(name=mode)
        self.execution_settings = SimpleNamespace(lock=lock)
        self.executed = 0

    def execute(self, *, executor_plugin):
        self.executed += 1
        return self.executed


def plugin(*, dry=False, local=True):
    return SimpleNamespace(common_settings=SimpleNamespace(dryrun_exec=dry, local_exec=local))


@pytest.mark.parametrize(
    ("workflow", "dry"), [(Workflow(), True), (Workflow("REMOTE"), False), (Workflow(lock=False), False)]
)
def test_dry_runs_jobs_of_clusters_and_nolock_work_beside_a_pipeline(holder, tmp_path, workflow, dry):
    execute = alone.executed_alone(workflow.execute, tmp_path / ".vreid" / "pipeline.lock")
    assert execute(executor_plugin=plugin(dry=dry)) == 1


def test_a_real_run_does_not_and_nothing_is_executed(holder, tmp_path):
    workflow = Workflow()
    with pytest.raises(ApiError):
        alone.executed_alone(workflow.execute, tmp_path / ".vreid" / "pipeline.lock")(
            executor_plugin=plugin()
        )
    assert workflow.executed == 0


@pytest.mark.parametrize("local", [True, False])
def test_notes_of_a_killed_one_are_removed_with_a_sentence(local, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    alone.NOTES.mkdir(parents=True)
    (alone.NOTES / "0.input.lock").write_text("data/x\n")
    said = []
    monkeypatch.setattr("snakemake.logging.logger.warning", said.append)
    workflow = Workflow()
    execute = alone.executed_alone(workflow.execute, tmp_path / ".vreid" / "pipeline.lock")
    execute(executor_plugin=plugin(local=local))
    execute(executor_plugin=plugin(local=local))
    assert workflow.executed == 2
    assert not list(alone.NOTES.iterdir())
    assert len(said) == 1
    assert "was killed; its locks are removed" in said[0]
    assert ("submitted may still be running" in said[0]) == (not local)


def note_of(output):
    """The note that Snakemake leaves of an output that is being made, in folders if its name is long."""
    name = base64.urlsafe_b64encode(output.encode()).decode()
    parts = [name[i : i + 254] for i in range(0, len(name), 254)]
    note = alone.UNFINISHED.joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1])
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text("{}")
    return note


def test_what_was_being_made_is_removed_and_nothing_else(tmp_path, monkeypatch):
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    long = "/".join(["deep" * 20] * 5)
    for file in (
        "out/half.txt",
        "out/folder/half.txt",
        "out/whole.txt",
        f"{long}/half.txt",
        "../outside.txt",
    ):
        path = work / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    named = ["out/half.txt", "out/folder", f"{long}/half.txt", "out/gone.txt"]
    notes = [note_of(output) for output in named]
    kept = [note_of("../outside.txt"), note_of(str(tmp_path / "outside.txt"))]
    odd = alone.UNFINISHED / "no base64!"
    odd.write_text("{}")
    alone.clear_unfinished(alone.UNFINISHED)
    assert sorted(path.as_posix() for path in work.rglob("*.txt")) == [f"{work}/out/whole.txt"]
    assert (tmp_path / "outside.txt").exists()
    assert not any(note.exists() for note in notes)
    assert all(note.exists() for note in (*kept, odd))


SNAKEFILE = """
from pathlib import Path
from snakemake_logger_plugin_vreid.alone import executed_alone
workflow.execute = executed_alone(workflow.execute, Path("pipeline.lock"))

rule table:
    input: ancient("data.txt")
    output: "table.txt"
    shell: "cp {input} {output}"

rule data:
    output: "data.txt"
    shell: "echo whole > {output}"
"""


def test_what_depends_on_an_unfinished_output_is_made_after_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "data.txt").write_text("half")
    note_of("data.txt")
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--rerun-incomplete", "--", "table.txt"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "table.txt").read_text() == "whole\n"


def test_the_lock_is_not_handed_to_jobs(tmp_path):
    lock = tmp_path / "pipeline.lock"
    with alone.held(lock):
        job = subprocess.Popen(["sleep", "60"])
    try:
        time.sleep(0.05)
        with alone.held(lock) as sure:
            assert sure
    finally:
        job.kill()
        job.wait()
