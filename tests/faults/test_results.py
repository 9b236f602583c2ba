"""The comparison sees every byte but the times that a training took."""

import json
from pathlib import Path

import pytest
from tests.faults.pipeline import SIGNALS, VICTIMS, draw
from tests.faults.results import differences

TABLE = {
    "columns": [{"metric": "mAP"}, {"metric": "training_time"}],
    "rows": [{"label": "ours", "cells": [{"values": [70.0]}, {"values": [1.25]}]}],
}
CSV = "metric,value\nmAP,70.0\ntraining_time,1.25\n"


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    for root in (tmp_path / "one", tmp_path / "other"):
        reports = root / "reports"
        (reports / "tables" / "dpa").mkdir(parents=True)
        (reports / "tables" / "dpa" / "table1.json").write_text(json.dumps(TABLE))
        (reports / "tables" / "dpa" / "table1.csv").write_text(CSV)
        (reports / "tables" / "dpa" / "table2.md").write_text("70.0")
        (reports / "all_tables.json").write_text(json.dumps({"tables": [TABLE]}))
        (root / "runs" / "a" / "eval-1").mkdir(parents=True)
        (root / "runs" / "a" / "model.safetensors").write_bytes(b"weights")
        (root / "runs" / "a" / "eval-1" / "evaluation.json").write_text("{}")
    return tmp_path / "one", tmp_path / "other"


def test_equal_ones_have_no_differences(two):
    assert differences(*two) == []


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("reports/tables/dpa/table1.json", "70.0", "70.1"),
        ("reports/tables/dpa/table1.csv", "70.0", "70.1"),
        ("reports/tables/dpa/table2.md", "70.0", "70.1"),
        ("reports/all_tables.json", "ours", "theirs"),
        ("runs/a/model.safetensors", "weights", "Weights"),
        ("runs/a/eval-1/evaluation.json", "{}", "[]"),
    ],
)
def test_another_byte_is_a_difference(two, file, old, new):
    path = two[1] / file
    path.write_text(path.read_text().replace(old, new))
    assert differences(*two) == [file]


def test_a_missing_file_is_a_difference_and_no_table_at_all_an_error(two):
    (two[0] / "reports/tables/dpa/table2.md").unlink()
    assert differences(*two) == ["reports/tables/dpa/table2.md"]
    with pytest.raises(AssertionError, match="no tables"):
        differences(two[0].parent / "nothing", two[0].parent / "neither")


@pytest.mark.parametrize("file", ["tables/dpa/table1.json", "tables/dpa/table1.csv", "all_tables.json"])
def test_another_training_time_is_none(two, file):
    path = two[1] / "reports" / file
    path.write_text(path.read_text().replace("1.25", "1.5"))
    assert differences(*two) == []


def test_every_signal_meets_every_victim_and_a_seed_draws_the_same_again():
    kills = draw(3, 30, 100.0)
    assert kills == draw(3, 30, 100.0) != draw(4, 30, 100.0)
    assert [kill.after for kill in kills] == sorted(kill.after for kill in kills)
    met = [(kill.number, kill.victim) for kill in kills]
    assert {met.count((number, victim)) for number in SIGNALS for victim in VICTIMS} == {3, 4}
