"""`vreid explain`: exit status, JSON, and that it writes nothing."""

import json

import pytest
from tests.reporting.explaining.conftest import TABLE, finished_world, world  # noqa: F401 (fixtures)
from typer.testing import CliRunner

from vreid.cli.main import app


@pytest.fixture
def call(world, monkeypatch):  # noqa: F811
    plan = world.plan.write(world.root.parent)
    monkeypatch.chdir(world.root)
    return lambda *arguments: CliRunner().invoke(app, ["explain", *arguments, "--plan", str(plan)])


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_what_agrees_exits_with_0_and_writes_nothing(call, world):  # noqa: F811
    before = files(world.root)
    result = call(f"{TABLE}.csv:1:mAP")
    assert result.exit_code == 0, result.output
    assert result.output.endswith("Everything that was checked agrees.\n")
    assert all(line == line.rstrip() for line in result.output.splitlines())
    assert files(world.root) == before


def test_a_mismatch_exits_with_1_in_both_forms(call, world):  # noqa: F811
    world.edit(f"{TABLE}.json", lambda table: table.update(digest="0" * 16))
    result = call(f"{TABLE}.csv:1:mAP")
    assert (result.exit_code, result.output.splitlines()[-1]) == (1, "1 mismatch.")
    result = call(f"{TABLE}.csv:1:mAP", "--json")
    assert result.exit_code == 1
    value = json.loads(result.output)
    assert (value["agrees"], value["kind"], value["cell"]["mean"]) == (False, "cell", 53.125)
    assert value["checks"][0]["holds"] is False
