"""Where MLflow is: a SQLite file, a database or a server; how it is reached, locked and spoken of."""

import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from vreid.params.errors import UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient

DEFAULT_URI = "sqlite:///mlflow.db"

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
"""Set, where the user has set nothing else, before MLflow is imported: it reads them then."""

LOCK_SECONDS = 300


def tracking_uri() -> str:
    """Return where MLflow listens: MLFLOW_TRACKING_URI, else a SQLite file in the working directory."""
    return os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI


def public_uri(uri: str) -> str:
    """Return a tracking URI that may be shown: without user, password and query."""
    parts = urlsplit(uri)
    if parts.scheme == "sqlite":
        return uri.partition("?")[0]
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if parts.scheme else parts.path


def is_server(uri: str) -> bool:
    """Tell whether a tracking URI names a server of MLflow's."""
    return urlsplit(uri).scheme in ("http", "https")


def sqlite_file(uri: str) -> Path | None:
    """Return the file that a tracking URI names; None if it names no SQLite file."""
    path = uri.partition("?")[0].removeprefix("sqlite:///")
    return Path(path) if uri.startswith("sqlite:///") and path else None


def write_ahead(uri: str) -> None:
    """Let readers, such as MLflow's pages, and the one writer of a SQLite file not wait for each other."""
    file = sqlite_file(uri)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(file)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.close()


@contextmanager
def connected(uri: str) -> "Iterator[MlflowClient]":
    """Yield a client of MLflow at `uri`; only one sync of a SQLite file, or of this folder, holds one.

    Raises:
        UserError: MLflow cannot be reached or refuses; another sync does not come to its end. The sentence
            shows no credentials.
    """
    with _explained(uri), _locked(uri):
        yield _client(uri)


def _client(uri: str) -> "MlflowClient":
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient  # noqa: PLC0415 (it takes three seconds and reads QUIET)

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    write_ahead(uri)
    return MlflowClient(uri)


@contextmanager
def _locked(uri: str) -> Iterator[None]:
    """Hold the one lock of the tracking place: beside a SQLite file, else in the working folder."""
    place = sqlite_file(uri) or Path("mlflow.db")
    lock = place.with_name(f"{place.name}.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=LOCK_SECONDS):
            yield
    except Timeout as error:
        raise UserError(
            f"{lock} has been held for {LOCK_SECONDS} s: another `vreid track sync` hangs; end it, try again"
        ) from error


@contextmanager
def _explained(uri: str) -> Iterator[None]:
    """Turn what MLflow and its stores raise into one sentence that shows no credentials."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise _unreachable(uri, error) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("mlflow", "sqlalchemy", "requests"):
            raise
        raise _unreachable(uri, error) from error


def _unreachable(uri: str, error: Exception) -> UserError:
    text = str(error).strip() or type(error).__name__
    text = re.sub(r"//[^/@\s]*@|\?\S*", lambda secret: "//" if secret[0][0] == "/" else "", text)
    remedy = "start it, or unset MLFLOW_TRACKING_URI to use a file here"
    if uri.startswith("sqlite:"):
        remedy = "if the file is damaged, move it away"
    return UserError(
        f"MLflow at {public_uri(uri)} did not take the runs ({text.splitlines()[0][:200]}): {remedy}. "
        "Nothing is lost: runs/ keeps every event, and `vreid track sync` carries them over later"
    )
