"""What other reports are told of MLflow's runs."""

import json

import pytest

from vreid.reporting.tracking.told import ToldRun, read_tracking

RUN = {"run": "a-b-c-s0-0123456789", "mlflow_run_id": "0f", "status": "FAILED", "told": "d1"}


def test_a_run_is_found_by_its_name(tmp_path):
    file = tmp_path / "tracking.json"
    file.write_text(json.dumps({"digest": "", "uri": "sqlite:///mlflow.db", "runs": [RUN]}))
    told = read_tracking(file)
    assert told.uri == "sqlite:///mlflow.db"
    assert told.runs == {"a-b-c-s0-0123456789": ToldRun("0f", "FAILED")}


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        '{"uri": "sqlite:///mlflow.db"}',
        '{"uri": "sqlite:///mlflow.db", "runs": 3}',
        '{"uri": "sqlite:///mlflow.db", "runs": ["a"]}',
        '{"uri": "sqlite:///mlflow.db", "runs": [{"run": [], "mlflow_run_id": "0f", "status": "FAILED"}]}',
        '{"runs": []}',
        b"\xff",
    ],
)
def test_what_is_no_such_list_tells_nothing(text, tmp_path):
    file = tmp_path / "tracking.json"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert read_tracking(file) is None


def test_a_list_that_is_not_there_tells_nothing(tmp_path):
    assert read_tracking(tmp_path / "tracking.json") is None
