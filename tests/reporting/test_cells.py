"""Rounding, means, marks: expectations reckoned by hand."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vreid.params.errors import UserError
from vreid.reporting.cells import (
    Cell,
    decimals_of,
    difference,
    fraction,
    marks,
    percent,
    printed,
    read_protocol,
)


def decimals(*values):
    return [None if value is None else Decimal(value) for value in values]


@pytest.mark.parametrize(
    ("value", "places", "shown"),
    [
        ("0.05", 1, "0.1"),
        ("0.15", 1, "0.2"),
        ("0.25", 1, "0.3"),
        ("-0.05", 1, "-0.1"),
        ("-0.04", 1, "0.0"),
        ("70.449999", 1, "70.4"),
        ("99.95", 1, "100.0"),
        ("60.5", 2, "60.50"),
        ("1.005", 2, "1.01"),
    ],
)
def test_half_is_rounded_up(value, places, shown):
    assert printed(Decimal(value), places) == shown


@given(st.decimals(min_value=0, max_value=100, places=4), st.integers(1, 3))
def test_rounding_moves_by_half_a_unit_at_most(value, places):
    assert abs(Decimal(printed(value, places)) - value) <= Decimal(5).scaleb(-places - 1)


def test_mean_and_sd_of_two_seeds():
    # mean (60.25 + 61.25) / 2 = 60.75; sd = |61.25 - 60.25| / sqrt(2) = 0.70710678...
    cell = Cell(paper=None, values=decimals("60.25", "61.25"), status="run")
    assert cell.mean == Decimal("60.75")
    assert cell.sd == Decimal("0.70710678")
    assert printed(cell.mean, 1) == "60.8"


def test_sd_of_three_seeds_divides_by_two():
    # deviations -1, 0, 1: sqrt(2 / 2) = 1
    cell = Cell(paper=None, values=decimals("50", "51", "52"), status="run")
    assert (cell.mean, cell.sd) == (51, 1)


def test_one_seed_has_no_sd_and_no_seed_no_mean():
    assert Cell(paper=None, values=decimals("50"), status="run").sd is None
    assert Cell(paper=None, status="failed").mean is None


@pytest.mark.parametrize(
    ("values", "count"),
    [
        (["68.5", "92.5"], 1),
        (["84.0", "98.39"], 2),
        (["60.50", None], 1),
        (["97.0"], 1),
        ([None], 1),
        ([], 1),
    ],
)
def test_a_column_shows_the_papers_decimals(values, count):
    assert decimals_of(decimals(*values)) == count


@pytest.mark.parametrize(
    ("paper", "ours", "gap"),
    [
        ("70.0", "72.25", "+2.3"),  # printed: 72.3 - 70.0
        ("70.0", "69.95", "0.0"),  # printed: 70.0 - 70.0
        ("70.0", "69.94", "-0.1"),
        (None, "69.94", None),
    ],
)
def test_the_difference_is_that_of_the_printed_numbers(paper, ours, gap):
    [theirs] = decimals(paper)
    assert difference(Cell(paper=theirs, values=decimals(ours), status="run"), 1) == gap


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["9.8", "79.5", "75.5"], ["", "best", "second"]),
        (["75.5", None, "9.8", "75.5"], ["best", "", "second", "best"]),
        (["70.04", "70.0", "69.9"], ["best", "best", "second"]),  # 70.04 prints as 70.0: a tie
        (["1.0", "3.0", "2.0", "2.0"], ["", "best", "second", "second"]),
        (["70.0", "71.0"], ["", "best"]),
        (["70.0", None], ["", ""]),
        (["5.0", "5.0", "5.0"], ["best", "best", "best"]),
        ([None, None], ["", ""]),
    ],
)
def test_marks(values, expected):
    assert marks(decimals(*values), 1) == expected


def test_a_metric_is_read_in_percent():
    results = {"mAP": 0.6895, "cmc": [0.5, 0.55, 1.0]}
    assert percent(results, "mAP", "f") == Decimal("68.95")
    assert percent(results, "R2", "f") == 55
    assert percent(results, "R3", "f") == 100
    assert percent({"R1": 0.25, "cmc": []}, "R1", "f") == 25
    # 7/11 of a query: 0.6363...; what lies below 1e-8 percent is cut off
    assert percent({"mAP": 7 / 11}, "mAP", "f") == Decimal("63.63636364")


def test_binary_noise_does_not_decide_a_tie():
    # 0.1 + 0.2 + 0.4005 = 0.7005000000000001 and 1 - 0.2995 = 0.7004999999999999 (nearly)
    for value in (0.1 + 0.2 + 0.4005, 0.70049999999999999, 0.7004999999999999):
        assert printed(percent({"mAP": value}, "mAP", "f"), 1) == "70.1"


@pytest.mark.parametrize(
    ("results", "metric"),
    [
        ({"cmc": [0.5]}, "R2"),
        ({}, "mAP"),
        ({"mAP": 1.5}, "mAP"),
        ({"mAP": float("nan")}, "mAP"),
        ({"cmc": [0.5]}, "R0"),
    ],
)
def test_a_metric_that_is_not_there_is_an_error(results, metric):
    with pytest.raises(UserError, match=f"x.json holds no usable {metric}"):
        percent(results, metric, "x.json")


def test_an_unknown_fraction_is_none():
    assert fraction({"cmc": [0.5]}, "Recall") is None


def test_a_file_without_the_protocol_names_those_it_has(tmp_path):
    path = tmp_path / "evaluation.json"
    path.write_text(json.dumps({"protocols": {"small": {}, "large": {}}}))
    with pytest.raises(UserError, match="no protocol 'medium', only large, small"):
        read_protocol(path, "medium")


@pytest.mark.parametrize("content", ["", "[]", '{"run": 1}'])
def test_a_file_that_is_no_evaluation_is_one_sentence(tmp_path, content):
    path = tmp_path / "evaluation.json"
    path.write_text(content)
    with pytest.raises(UserError, match="holds no results"):
        read_protocol(path, "veri776")
