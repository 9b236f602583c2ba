"""One SQLite file for all tests: making its tables takes MLflow seconds. Tests differ by paper."""

from pathlib import Path

import pytest

from vreid.reporting.tracking.sync import sync


@pytest.fixture(scope="session")
def uri(tmp_path_factory):
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture
def client(uri):
    sync(Path("there/is/none"), uri)
    from mlflow import MlflowClient

    return MlflowClient(uri)


@pytest.fixture
def runs(tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder
