"""Where MLflow is, and how it is spoken of."""

import os
import socket

import pytest
from tests.reporting.tracking.records import end, record, start

from vreid.params.errors import UserError
from vreid.reporting.tracking.place import public_uri, tracking_uri
from vreid.reporting.tracking.sync import sync

pytestmark = pytest.mark.xdist_group("mlflow")


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
