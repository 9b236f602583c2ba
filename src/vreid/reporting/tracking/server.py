"""The command that starts MLflow's server: its pages for a person, its interface for other checkouts."""

import ipaddress
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from vreid.params.errors import UserError
from vreid.reporting.tracking.place import (
    QUIET,
    is_server,
    public_uri,
    sqlite_file,
    tracking_uri,
)

LOOPBACK = "127.0.0.1"
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 -- what the user may ask for

WITHOUT_JOBS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
"""Jobs are for MLflow's features around language models; they would start ten more processes."""


@dataclass(frozen=True)
class Served:
    """A server that can be started: the command, its whole environment, and what to say before it starts.

    The store, which may hold a password, is in the environment, where other users do not see it, and not in
    the command.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    sentences: tuple[str, ...]


def tracking_server(store: str, host: str = LOOPBACK, port: int = 5000) -> Served:
    """Return the server that keeps its runs in `store`, a URI of a SQLite file or of a database.

    Raises:
        UserError: `store` is itself a server.
    """
    if is_server(store):
        raise UserError(f"{public_uri(store)} is a server already: name the database that it should keep")
    sentences = [
        f"MLflow keeps its runs in {public_uri(store)}. Checkouts sync into it after "
        f"export MLFLOW_TRACKING_URI=http://{_reached_at(host)}:{port}"
    ]
    if not is_loopback(host):
        sentences.append(
            f"WARNING: MLflow asks nobody for a password. Whoever reaches {host}, port {port}, may read, "
            "change and delete every run: let a firewall or a proxy with a login stand before it."
        )
    address_options = ("--host", host, "--port", str(port))
    command = (sys.executable, "-m", "mlflow", "server", "--workers", "1", *address_options)
    inherited = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    environment = {**QUIET, **WITHOUT_JOBS, **inherited, "MLFLOW_BACKEND_STORE_URI": store}
    return Served(command, environment, tuple(sentences))


def tracking_pages(port: int = 5000) -> Served:
    """Return a server for looking at what this folder has tracked, on this machine only.

    Raises:
        UserError: the runs are tracked by a server, which serves its own pages, or nothing is tracked yet.
    """
    uri = tracking_uri()
    if is_server(uri):
        raise UserError(f"MLFLOW_TRACKING_URI names a server: open {public_uri(uri)} in a browser")
    file = sqlite_file(uri)
    if file is not None and not file.is_file():
        raise UserError(f"{file} is not there, nothing is tracked yet: run `vreid track sync`")
    return tracking_server(uri, LOOPBACK, port)


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine alone, whatever the network does."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reached_at(host: str) -> str:
    if host in EVERYWHERE:
        return "ADDRESS-OF-THIS-MACHINE"
    return f"[{host}]" if ":" in host else host
