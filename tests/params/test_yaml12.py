"""The core schema of YAML 1.2.2, held against its tables and against a reader in Python."""

import math
from pathlib import Path

import pytest
import yaml
from ruamel.yaml import YAML

from vreid.params import yaml12

PARAMS = Path(__file__).parents[2] / "params"

CORE = {
    # section 10.3.2 of the specification: what each plain scalar is
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    "0": 0, "010": 10, "0o7": 7, "0x3A": 58, "-19": -19, "+12": 12,
    "0.": 0.0, "-0.0": -0.0, ".5": 0.5, "+12e03": 12000.0, "-2E+05": -200000.0, "1e-4": 1e-4,
    ".inf": math.inf, "-.Inf": -math.inf, "+.INF": math.inf,
    # what is none of these is a text, whatever YAML 1.1 made of it
    "no": "no", "yes": "yes", "off": "off", "y": "y", "nUll": "nUll", "1_000": "1_000", "0b1": "0b1",
    "12:30:45": "12:30:45", "2001-01-01": "2001-01-01", "1e": "1e", ".": ".", "+": "+", "=": "=",
}  # fmt: skip


@pytest.mark.parametrize(("written", "meant"), CORE.items())
def test_plain_scalars_are_what_the_core_schema_says(written, meant):
    found = yaml12.load(f"key: {written}")["key"]
    assert (type(found), found) == (type(meant), meant)


def test_not_a_number():
    assert math.isnan(yaml12.load("[.nan]")[0])


def test_all_of_params_reads_as_another_reader_of_yaml_1_2_does():
    files = sorted(PARAMS.rglob("*.yaml"))
    assert len(files) > 15
    for file in files:
        text = file.read_text(encoding="utf-8")
        ours, theirs = yaml12.load(text), YAML(typ="safe", pure=True).load(text)
        assert repr(ours) == repr(theirs), file  # order and kinds of numbers too


def test_own_keys_may_replace_merged_ones_but_not_each_other():
    assert yaml12.load("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}")["b"] == {"x": 1, "y": 3}
    with pytest.raises(yaml12.DuplicateKeyError) as error:
        yaml12.load("a:\n  x: 1\n  y: 2\n  x: 3\n")
    assert (error.value.problem, error.value.problem_mark.line) == ("x", 3)


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.getcwd []", "!!python/name:os.system", "!own x"])
def test_tags_beyond_the_core_schema_are_refused(tag):
    with pytest.raises(yaml.YAMLError):
        yaml12.load(f"key: {tag}")
