"""Runs a command in a child of the fork server instead of an interpreter of its own.

Starting Python and importing torch and torchvision costs more CPU time than a short run computes.
A fork server (`vreid.training.server`) has them loaded; a job is a fork of it, started in
milliseconds. To whoever started this client nothing else changes: the job has the client's
arguments, folder, environment and output, signals reach it, its exit status is returned, and it
does not outlive the client. Imports nothing heavy.
"""

import fcntl
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import vreid
from vreid.training.interruption import end_with_pipeline, relaying_signals

IN_FORK = "VREID_IN_FORK"  # environment variable that a fork's job has

_SCHEDULERS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID")  # they count and confine what a job starts
_ATTEMPTS = 3
_SECONDS_TO_START = 60.0  # for an interpreter on a busy machine to open its socket, before it imports


@dataclass(frozen=True)
class Ended:
    """How a job ended, and what it used with all processes that it waited for.

    Attributes:
        status: its exit status as a shell has it (128 + n after signal n).
        cpu_seconds: in user code and in the system's.
        peak_memory: the most that one of its processes held, in bytes; what it shares with the server counts.
    """

    status: int
    cpu_seconds: float = 0.0
    peak_memory: int = 0


def run_in_server(entry: str, arguments: Sequence[str], modules: Sequence[str], folder: Path) -> Ended | None:
    """Call the function `entry` ("package.module:function") in a fork, with `arguments` in sys.argv.

    The server of this code, environment and `modules` is looked for in `folder` and started if there is none;
    a new one imports the modules first, which must not start threads that a fork would miss. Returns how the
    job ended, or None if nothing was run and the caller has to: there is no server to be had, a cluster's
    scheduler watches over this process, or it is itself such a fork.
    """
    if IN_FORK in os.environ or any(name in os.environ for name in _SCHEDULERS):
        return None
    end_with_pipeline()
    for _ in range(_ATTEMPTS):
        connection = _connect(folder, modules)
        if connection is None:
            return None
        job = _Job()
        with connection, relaying_signals(job.signal, _ending_signals()):
            _send_job(connection, entry, arguments)
            answers = connection.makefile("r", encoding="utf-8")
            begun = _read(answers)
            if begun is not None:  # else the server was about to end
                job.begin(begun["pid"])
                return _wait(answers, begun["pid"])
            if job.waiting:
                return Ended(128 + job.waiting[0])
    return None


def in_bytes(max_rss: int) -> int:
    """Return `ru_maxrss` in bytes: the system counts it in KiB, macOS in bytes."""
    return max_rss if sys.platform == "darwin" else 1024 * max_rss


class _Job:
    """The job in the fork, to which signals are passed on: those that came before it began, when it does."""

    def __init__(self) -> None:
        self.waiting: list[int] = []
        self._pid: int | None = None

    def signal(self, number: int) -> None:
        if self._pid is None:
            self.waiting.append(number)
        else:
            _signal(self._pid, number)

    def begin(self, pid: int) -> None:
        self._pid = pid
        for number in self.waiting:
            _signal(pid, number)


def _send_job(connection: socket.socket, entry: str, arguments: Sequence[str]) -> None:
    job = {
        "entry": entry,
        "arguments": [sys.argv[0], *arguments],
        "folder": str(Path.cwd()),
        "environment": {**os.environ, IN_FORK: "1"},
        "umask": _umask(),
    }
    with suppress(BrokenPipeError):  # if the server is about to end, there will be no answer
        socket.send_fds(connection, [b"\0"], [0, 1, 2])
        connection.sendall(json.dumps(job).encode() + b"\n")


def _read(answers: TextIO) -> dict[str, Any] | None:
    try:
        line = answers.readline()
    except ConnectionResetError:
        return None
    answer: dict[str, Any] | None = json.loads(line) if line else None
    return answer


def _wait(answers: TextIO, child: int) -> Ended:
    end = _read(answers)
    if end is not None:
        return Ended(**end)
    sys.stderr.write("vreid: the fork server was stopped, and the job with it\n")
    _signal(child, signal.SIGKILL)
    return Ended(1)


def _ending_signals() -> list[signal.Signals]:
    """Return the signals that end a job; not that of a closed terminal if, as under nohup, it is ignored."""
    hang_up = [] if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else [signal.SIGHUP]
    return [signal.SIGTERM, signal.SIGINT, *hang_up]


def _signal(child: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, number)  # a job leads a process group of its own


def _connect(folder: Path, modules: Sequence[str]) -> socket.socket | None:
    """Return a connection to the server of this code, started if need be, or None."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{_signature(modules)}.sock"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        connection = _try(path)
        if connection is not None:
            return connection
        path.unlink(missing_ok=True)
        server = subprocess.Popen(
            [sys.executable, "-m", "vreid.training.server", str(path), *modules],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        end = time.monotonic() + _SECONDS_TO_START
        while server.poll() is None and time.monotonic() < end:
            connection = _try(path)
            if connection is not None:
                return connection
            time.sleep(0.02)
        return None


def _try(path: Path) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(os.path.relpath(path))  # relative: the length of such addresses is limited
    except OSError:
        connection.close()
        return None
    return connection


def _signature(modules: Sequence[str]) -> str:
    """Return a digest of the interpreter, its search path, `modules`, and this package's files as they are.

    A server is asked only for the code and environment that it has loaded.
    """
    root = Path(vreid.__file__).parent
    files = sorted(root.rglob("*.py"))
    stamps = [(str(f.relative_to(root)), f.stat().st_mtime_ns, f.stat().st_size) for f in files]
    seen = json.dumps([sys.executable, sys.path, list(modules), str(root), stamps])
    return hashlib.sha256(seen.encode()).hexdigest()[:16]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
