"""The examples of docs/decimals.md run, and print what stands there."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vreid.cli.main import app
from vreid.params.resolve import load

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/decimals.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^```console\n\$ vreid (.+?)\n(.*?)^```$", TEXT, re.M | re.S)


@pytest.mark.parametrize(("command", "shown"), COMMANDS, ids=["queries", "between"])
def test_a_command_prints_what_is_shown(command, shown):
    printed = CliRunner().invoke(app, shlex.split(command)).output.splitlines()
    lines = shown.splitlines()
    cut = lines[-1] == "  …"
    assert printed[: len(lines) - cut] == lines[: len(lines) - cut]
    assert cut == (len(printed) > len(lines))


def test_the_python_example_runs(capsys):
    (block,) = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    exec(block, {})  # noqa: S102 -- our own page
    # by hand: 4, 6, 7 and 3 of 1,115 are 0.359, 0.538, 0.628 and 0.269 %
    assert capsys.readouterr().out == ("of 1,115: []\nof 1,235: ['0.36', '0.54', '0.63', '0.27']\n")


def test_the_yaml_example_is_an_entry_of_the_paper():
    assert "- id: queries-of-veri-uav" in (ROOT / "params/papers/dpa.yaml").read_text()


GROUPS = {
    "DpA, VeRi-UAV, own rows": ("dpa", "veri_uav", "own"),
    "DpA, VRU small, own row": ("dpa", "vru_1200", "own"),
    "ALSA, VeRi-776, own rows": ("alsa", "veri776", "own"),
    "ALSA, VeRi-776, quoted rows": ("alsa", "veri776", "quoted"),
    "ALSA, VehicleID, own rows": ("alsa", "vehicleid_all_vs_all_800", "own"),
    "ALSA, Cars196, own rows": ("alsa", "cars196", "own"),
    "SANet, UAV-VeID, own rows": ("sanet", "uav_veid", "own"),
}


def test_the_table_of_findings_is_what_is_computed():
    plan = load(ROOT / "params", preset="demo")
    rows = re.findall(r"^\| (.*?) ?\| ([\d,]+) \| (\d+) of (\d+) \| ([\d.]+) \|", TEXT, re.M)
    assert len(rows) == 10
    name = ""
    for about, queries, wrong, telling, expected in rows:
        name = about or name
        paper, protocol, kind = GROUPS[name]
        group = next(
            one for one in plan.claims[paper].decimals.rates if (one.protocol, one.kind) == (protocol, kind)
        )
        found = next(
            one for one in group.tried if (one.queries, one.draws) == (int(queries.replace(",", "")), 1)
        )
        assert (len(found.impossible), found.telling) == (int(wrong), int(telling)), (name, queries)
        assert f"{found.expected:.1f}" == expected, (name, queries)
