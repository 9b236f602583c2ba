"""`vreid bundle …`: what it says of a wrong command line, and of how far a bundle is."""

import pytest
from typer.testing import CliRunner

from vreid.bundle.results import Results, RunResult
from vreid.cli.main import app
from vreid.params.errors import UserError


def call(*arguments: str):
    return CliRunner().invoke(app, ["bundle", *arguments])


@pytest.mark.parametrize("version", ["3.10", "3.14", "2.7", "3", "py311"])
def test_a_python_that_bundles_do_not_run_with_is_refused(version, tmp_path, monkeypatch):
    monkeypatch.setattr("vreid.cli.bundle.the_plan", lambda plan, preset: None)
    result = call("make", str(tmp_path / "out"), "--python", version)
    assert isinstance(result.exception, UserError)
    assert str(result.exception).startswith(f"--python {version}: ")


def test_the_state_of_a_bundle_is_counted_and_failures_are_named(tmp_path):
    runs = {
        "a": RunResult(state="done"),
        "b": RunResult(state="failed", error="the loss became infinite"),
        "c": RunResult(state="done"),
        "d": RunResult(state="waiting"),
    }
    Results(
        bundle="0" * 64,
        preset="bench",
        commit=None,
        environment={},
        seconds=1.0,
        complete=["dpa (main claim)", "dpa/table2"],
        runs=runs,
    ).write(tmp_path)
    assert call("status", str(tmp_path)).output.splitlines() == [
        "bench: 4 runs: 2 done, 1 failed, 1 waiting",
        "complete: dpa (main claim), dpa/table2",
        "b: the loss became infinite",
    ]


def test_an_import_of_nothing_is_a_sentence(tmp_path):
    result = call("import", str(tmp_path / "absent.tar"))
    assert isinstance(result.exception, UserError)
    assert "absent.tar is not there" in str(result.exception)
