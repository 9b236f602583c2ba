"""What a preset costs is told by table; docs/scale.md says what the command says."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vreid.cli.main import app

PROJECT = Path(__file__).parents[2]


def run(*arguments):
    result = CliRunner().invoke(app, ["plan", "--cost", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_without_a_measurement_it_says_how_to_take_one(project):
    printed = run("--preset", "demo")
    assert "--measure" in printed
    assert json.loads(run("--preset", "demo", "--json"))["hours"] is None


def test_two_measured_kinds_of_step_carry_over_to_all(project):
    record = json.loads(run("--preset", "demo", "--measure", "2", "--json"))
    assert record["step_times"]["measured"] > 0
    assert record["step_times"]["measured"] + record["step_times"]["scaled"] == record["runs"] == 20
    new = sum(table["hours_not_in_tables_before"] for table in record["tables"])
    assert 0 < record["hours"] == pytest.approx(new, rel=0.05)  # each is rounded
    half = json.loads(run("--preset", "demo", "--devices", "2", "--json"))
    assert half["days_on_all_devices"] == pytest.approx(record["hours"] / 24 / 2, abs=1e-4)
    assert "hours of training on one cpu" in run("--preset", "demo").replace("\n", " ")


def test_an_assumed_speed_is_reckoned_with_as_told(project):
    record = json.loads(run("--preset", "demo", "--assume", "0.001", "--json"))
    assert record["step_times"]["assumed"] == record["runs"]
    at_least = 0.025 * record["steps"]
    flops = 2 * record["multiply_adds"] / 1e9
    assert max(at_least, flops) <= 3600 * record["hours"] * 1.001
    assert 3600 * record["hours"] <= 1.001 * (at_least + flops)


def test_the_page_says_what_the_command_says(monkeypatch):
    monkeypatch.chdir(PROJECT)
    page = (PROJECT / "docs/scale.md").read_text()
    lines = re.search(r"<!-- reckoned -->\n.*\n.*\n((?:\|.*\n)+)<!-- end -->", page)[1].splitlines()
    told = {
        cells[0]: cells[1:] for cells in ([c.strip() for c in line.strip("|").split("|")] for line in lines)
    }
    for column, preset in ((0, "bench"), (2, "paper")):
        record = json.loads(run("--preset", preset, "--assume", "30", "--json"))
        found = {line["table"]: [str(line["runs"]), f"{line['hours']:.1f}"] for line in record["tables"]}
        found["everything, once"] = [str(record["runs"]), f"{record['hours']:.1f}"]
        assert {name: cells[column : column + 2] for name, cells in told.items()} == found
