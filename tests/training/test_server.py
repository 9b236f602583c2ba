import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vreid.training import client, server

# A client as the command line has one: it runs `jobs:main` with its own arguments.
CLIENT = """
import sys
from pathlib import Path
from vreid.training.client import run_in_server
ended = run_in_server("jobs:main", sys.argv[1:], ["json.tool"], Path("server"))
if sys.argv[1] == "use":
    print(ended.cpu_seconds, ended.peak_memory)
sys.exit(ended.status if ended else 0)
"""

JOBS = """
import os, subprocess, sys, time
from pathlib import Path

def main():
    what, *rest = sys.argv[1:]
    if what == "tell":
        print(os.getcwd(), os.environ["COLOUR"], *rest, "json.tool" in sys.modules)
        print(sys.stdin.read(), file=sys.stderr)
    elif what == "parent":
        print(os.getppid())
    elif what == "exit":
        sys.exit(int(rest[0]) if rest[0].isdigit() else rest[0])
    elif what == "fail":
        raise ValueError("something broke")
    elif what == "interrupted":
        try:
            print(os.getpid(), flush=True)
            time.sleep(60)
        except KeyboardInterrupt:
            print("tidied up")
            sys.exit(7)
    elif what == "sleep":
        print(os.getpid(), flush=True)
        time.sleep(float(rest[0]))
    elif what == "use":
        held = bytearray(int(rest[0]) << 20)
        burn = f"import time\\nwhile time.process_time() < {rest[1]}: pass"
        subprocess.run([sys.executable, "-c", burn], check=True)
"""


@pytest.fixture
def place(tmp_path):
    (tmp_path / "jobs.py").write_text(JOBS)
    yield tmp_path
    parent = run(place=tmp_path, arguments=["parent"]).stdout.strip()
    os.kill(int(parent), signal.SIGKILL)


def _heed_interrupts():
    # A shell starts what runs in its background with SIGINT ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(place, arguments, **changes):
    environment = {k: v for k, v in os.environ.items() if k not in ("SLURM_JOB_ID", client.IN_FORK)}
    return subprocess.Popen(
        [sys.executable, "-c", CLIENT, *arguments],
        cwd=place,
        env=environment | {"PYTHONPATH": str(place), "COLOUR": "green", **changes},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_interrupts,  # noqa: PLW1509 -- no thread runs here
    )


def run(place, arguments, given="", **changes):
    process = start(place, arguments, **changes)
    out, error = process.communicate(given, timeout=30)
    return subprocess.CompletedProcess(arguments, process.returncode, out, error)


def alive(pid):
    """Whether process `pid` exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_dead(pid):
    end = time.monotonic() + 10
    while alive(pid):
        assert time.monotonic() < end, f"process {pid} lives on"
        time.sleep(0.02)


def test_a_job_has_its_clients_arguments_folder_environment_and_streams(place):
    done = run(place, ["tell", "a b", "c"], given="from stdin", COLOUR="red")
    assert done.stdout == f"{place} red a b c True\n"
    assert done.stderr == "from stdin\n"
    assert done.returncode == 0


def test_jobs_are_forks_of_one_server(place):
    parents = {run(place, ["parent"]).stdout for _ in range(3)}
    assert len(parents) == 1


def test_clients_that_start_together_start_one_server(place):
    jobs = [start(place, ["parent"]) for _ in range(4)]
    assert len({job.communicate(timeout=30)[0] for job in jobs}) == 1


@pytest.mark.parametrize(("given", "status"), [("0", 0), ("3", 3), ("a sentence", 1)])
def test_the_exit_status_is_the_jobs(place, given, status):
    done = run(place, ["exit", given])
    assert done.returncode == status
    assert done.stderr == ("a sentence\n" if given == "a sentence" else "")


def test_what_a_job_used_is_told_with_the_processes_that_it_waited_for(place):
    cpu_seconds, peak_memory = map(float, run(place, ["use", "200", "0.5"]).stdout.split())
    assert 0.5 <= cpu_seconds < 2
    assert 200 << 20 <= peak_memory < 400 << 20


def test_an_error_is_shown_and_fails_the_client(place):
    done = run(place, ["fail"])
    assert done.returncode == 1
    assert "ValueError: something broke" in done.stderr


def test_jobs_run_side_by_side(place):
    first, second = (start(place, ["sleep", "60"]) for _ in range(2))
    pids = [int(job.stdout.readline()) for job in (first, second)]
    assert all(map(alive, pids))
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=30)
    assert not alive(pids[0])
    assert alive(pids[1])
    second.kill()
    second.communicate()
    wait_until_dead(pids[1])


def wait_until_relaying(client: int) -> None:
    """Wait until a client catches SIGTERM: its job may print before the client knows the job's number."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        status = Path(f"/proc/{client}/status").read_text()
        caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16)
        if caught >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.02)
    raise AssertionError("the client never caught SIGTERM")


def test_a_terminated_client_terminates_its_job_and_ends_as_if_it_were_the_job(place):
    process = start(place, ["sleep", "60"])
    pid = int(process.stdout.readline())
    wait_until_relaying(process.pid)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert not alive(pid)


def test_an_interrupted_client_interrupts_its_job_which_may_tidy_up(place):
    process = start(place, ["interrupted"])
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30)[0] == "tidied up\n"
    assert process.returncode == 7


def test_the_job_of_a_killed_client_is_killed(place):
    process = start(place, ["sleep", "60"])
    pid = int(process.stdout.readline())
    process.kill()
    process.communicate()
    wait_until_dead(pid)


def test_when_the_server_is_killed_its_jobs_die_and_their_clients_fail(place):
    process = start(place, ["sleep", "60"])
    pid = int(process.stdout.readline())
    parent = run(place, ["parent"]).stdout
    os.kill(int(parent), signal.SIGKILL)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "the fork server was stopped" in error
    wait_until_dead(pid)
    assert run(place, ["parent"]).stdout != parent  # the next client starts another


def test_another_search_path_gets_another_server(place):
    first = run(place, ["parent"]).stdout
    elsewhere = f"{place}:{place / 'more'}"
    second = run(place, ["parent"], PYTHONPATH=elsewhere).stdout
    assert first != second
    os.kill(int(second), signal.SIGKILL)


def test_changed_code_gets_another_server(monkeypatch, tmp_path):
    package = tmp_path / "vreid"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "module.py").write_text("x = 1\n")
    monkeypatch.setattr(client.vreid, "__file__", str(package / "__init__.py"))
    before = client._signature([])
    assert client._signature([]) == before
    (package / "module.py").write_text("x = 12\n")
    assert client._signature([]) != before


@pytest.mark.parametrize("name", ["SLURM_JOB_ID", client.IN_FORK])
def test_under_a_scheduler_and_inside_a_fork_the_caller_does_it_itself(name, monkeypatch, tmp_path):
    monkeypatch.setenv(name, "1")
    assert client.run_in_server("jobs:main", [], [], tmp_path / "server") is None
    assert not (tmp_path / "server").exists()


def test_an_idle_server_ends_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    server.serve(tmp_path / "s.sock", ["json.tool"], idle_seconds=0.05)
    assert not list(tmp_path.iterdir())


def test_a_server_that_cannot_import_is_no_server(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert client.run_in_server("jobs:main", [], ["no_such_module"], Path("server")) is None
