"""Servers for tests: MLflow's own and PostgreSQL, on this machine only, and always stopped."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vreid.reporting.tracking.server import tracking_server

PATIENCE = 120  # seconds: starting MLflow takes five on an idle machine


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


@contextmanager
def mlflow_server(store: str, folder: Path, port: int) -> Iterator[subprocess.Popen]:
    """Run the server that `vreid track serve` starts; yields when it answers."""
    server = tracking_server(store, port=port)
    log = folder / "server.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            server.command,
            env=dict(server.environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        try:
            wait_for(lambda: answers(port), process, log)
            yield process
        finally:
            kill(process)


def kill(process: subprocess.Popen) -> None:
    """End a server and the processes that it has started, at once."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=PATIENCE)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def listening(port: int) -> set[str]:
    """Return the addresses at which something listens to `port`, as /proc/net writes them."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            _, local, _, state = line.split()[:4]
            address, _, number = local.partition(":")
            if state == "0A" and int(number, 16) == port:
                found.add(address)
    return found


def postgresql_tools() -> Path | None:
    """Return the folder of PostgreSQL's programs: that of the PATH, or the newest of Debian's."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "postgres").is_file()), None)


@contextmanager
def postgresql(tools: Path) -> Iterator[str]:
    """Run a PostgreSQL of its own on a socket in a folder that only its user may enter; yields a store's URI.

    PostgreSQL does not run as root: root lends it an account without rights.
    """
    user = {}
    folder = Path(tempfile.mkdtemp(prefix="vreid-pg-", dir="/tmp"))  # a socket's path has to be short
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    log = folder / "postgresql.log"
    with log.open("ab") as out:
        options = {"cwd": folder, "stdin": subprocess.DEVNULL, "stdout": out, "stderr": out, **user}
        process = None
        try:
            create = (tools / "initdb", "-D", "data", "-U", "vreid", "-A", "trust", "-E", "UTF8", "-N")
            subprocess.run([*create, "--locale=C"], check=True, timeout=PATIENCE, **options)
            start = (tools / "postgres", "-D", "data", "-k", folder, "-c", "listen_addresses=")
            process = subprocess.Popen([*start, "-c", "fsync=off"], **options)
            wait_for((folder / ".s.PGSQL.5432").exists, process, log)
            yield f"postgresql://vreid@/postgres?host={folder}"
        finally:
            if process is not None:
                process.send_signal(signal.SIGQUIT)  # ends without waiting for clients
                process.wait(timeout=PATIENCE)
            shutil.rmtree(folder)


def wait_for(is_ready, process: subprocess.Popen, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while not is_ready():
        if process.poll() is not None or time.monotonic() > until:
            raise AssertionError(f"{process.args} did not start:\n{log.read_text()[-3000:]}")
        time.sleep(0.1)
