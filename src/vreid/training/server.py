"""The fork server: a process that has imported what jobs need, and forks itself for each of them.

Started by `vreid.training.client` as `python -m vreid.training.server SOCKET MODULE...`; ends by itself
when no job has come for a while. A client sends its three standard streams and one line of JSON
(entry, arguments, folder, environment, umask); it is answered with two lines, the process id of its
job and, at the end, its exit status and what it used. If the client goes away first, its job is killed.
"""

import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from vreid.training.client import in_bytes

_IDLE_SECONDS = 60.0


@dataclass
class _Job:
    """A running child: the client's connection, and a pipe that closes when the child has ended."""

    pid: int
    connection: socket.socket
    lifeline: int


def serve(path: Path, modules: list[str], idle_seconds: float = _IDLE_SECONDS) -> None:
    """Listen at `path`, import `modules`, and run jobs until none has come for `idle_seconds`.

    The modules must not start threads when they are imported: a fork has only the thread that forks.
    """
    with socket.socket(socket.AF_UNIX) as listener:
        mask = os.umask(0o177)  # who may write to the socket runs jobs as this user
        listener.bind(os.path.relpath(path))
        os.umask(mask)
        try:
            listener.listen(128)  # clients wait here while the modules are imported
            for module in modules:
                importlib.import_module(module)
            gc.freeze()  # what is loaded is shared with the children for good; no collector need touch it
            _Server(listener, idle_seconds).run()
        finally:
            path.unlink(missing_ok=True)


class _Server:
    def __init__(self, listener: socket.socket, idle_seconds: float) -> None:
        self._listener = listener
        self._idle_seconds = idle_seconds
        self._selector = selectors.DefaultSelector()
        self._jobs: list[_Job] = []

    def run(self) -> None:
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        while True:
            ready = self._selector.select(None if self._jobs else self._idle_seconds)
            if not ready and not self._jobs:
                return
            for key, _ in ready:
                if key.data is None:
                    self._begin(self._listener.accept()[0])
                elif key.fileobj == key.data.lifeline:
                    self._finish(key.data)
                else:  # a client says nothing while its job runs: it has gone away
                    self._selector.unregister(key.data.connection)
                    _kill(key.data.pid)

    def _begin(self, connection: socket.socket) -> None:
        job = _receive(connection)
        if job is None:
            connection.close()
            return
        request, streams = job
        lifeline, held = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._leave(connection, lifeline)
            _become(request, streams)  # `held` stays open until this child ends
        _lead_a_group(pid)
        os.close(held)
        for stream in streams:
            os.close(stream)
        running = _Job(pid, connection, lifeline)
        self._jobs.append(running)
        self._selector.register(connection, selectors.EVENT_READ, running)
        self._selector.register(lifeline, selectors.EVENT_READ, running)
        _answer(connection, {"pid": pid})

    def _leave(self, connection: socket.socket, lifeline: int) -> None:
        """Close, in a child, what belongs to the server: a client must notice when the server dies."""
        self._selector.close()
        self._listener.close()
        for job in self._jobs:
            job.connection.close()
            os.close(job.lifeline)
        connection.close()
        os.close(lifeline)

    def _finish(self, job: _Job) -> None:
        _, ended, used = os.wait4(job.pid, 0)  # `used` counts the processes that the job waited for, too
        code = os.waitstatus_to_exitcode(ended)
        self._jobs.remove(job)
        self._selector.unregister(job.lifeline)
        if job.connection in self._selector.get_map():
            self._selector.unregister(job.connection)
        answer = {
            "status": code if code >= 0 else 128 - code,
            "cpu_seconds": used.ru_utime + used.ru_stime,
            "peak_memory": in_bytes(used.ru_maxrss),
        }
        _answer(job.connection, answer)
        job.connection.close()
        os.close(job.lifeline)


def _receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Read a job, or return None if the client went away before it was complete."""
    connection.settimeout(10.0)
    try:
        message, streams, _, _ = socket.recv_fds(connection, 1, 3)
        with connection.makefile("r", encoding="utf-8") as lines:
            line = lines.readline()
    except OSError:
        return None
    connection.settimeout(None)
    if not message or not line.endswith("\n"):
        for stream in streams:
            os.close(stream)
        return None
    return json.loads(line), streams


def _answer(connection: socket.socket, answer: Mapping[str, float]) -> None:
    with suppress(OSError):  # a client that has gone away; its job is or will be killed
        connection.sendall(json.dumps(answer).encode() + b"\n")


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _lead_a_group(pid: int) -> None:
    """Called by parent and child, so that whoever signals the group first finds it."""
    with suppress(ProcessLookupError, PermissionError):
        os.setpgid(pid, pid)


def _become(request: dict[str, Any], streams: list[int]) -> NoReturn:
    """Turn this child into the job; never returns."""
    status = 1
    try:
        _lead_a_group(0)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
        os.environ.clear()
        os.environ.update(request["environment"])
        os.umask(request["umask"])
        os.chdir(request["folder"])
        sys.argv = request["arguments"]
        module, _, function = request["entry"].partition(":")
        getattr(importlib.import_module(module), function)()
        status = 0
    except SystemExit as end:
        status = _status(end.code)
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _status(code: Any) -> int:
    """Return the exit status that the interpreter would end with."""
    if code is None or isinstance(code, int):
        return code or 0
    sys.stderr.write(f"{code}\n")
    return 1


if __name__ == "__main__":
    serve(Path(sys.argv[1]), sys.argv[2:])
