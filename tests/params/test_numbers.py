"""Numbers that know how they are written."""

import copy
import pickle

import pytest
from pydantic import ValidationError

from vreid.params import yaml12
from vreid.params.numbers import Printed
from vreid.params.paper import Column, Row, Table


def test_zeros_at_the_end_are_kept_by_reader_and_row():
    value = yaml12.load("{label: A, run: a, paper: [98.70, 98.7, 84, 96.0, 0.0350, null]}")
    row = Row.model_validate(value | {"paper": tuple(value["paper"])})
    assert [None if one is None else one.text for one in row.paper] == [
        *("98.70", "98.7", "84", "96.0", "0.0350"),
        None,
    ]
    assert row.paper == (98.7, 98.7, 84.0, 96.0, 0.035, None)


def test_it_is_a_number_like_others_and_survives_copies():
    number = Printed("98.70")
    assert (number, number + 1, repr(number)) == (98.7, 99.7, "98.7")
    for again in (copy.deepcopy(number), pickle.loads(pickle.dumps(number))):  # noqa: S301 -- our own
        assert (again, again.text) == (98.7, "98.70")


def test_only_numbers_that_end_in_zeros_are_told_apart():
    assert type(yaml12.load("1.5")) is type(yaml12.load("1.0")) is type(yaml12.load("1.50e-3")) is float


@pytest.mark.parametrize("value", [150.0, -1.0, float("nan"), 1e-5])
def test_what_a_table_prints_is_a_percentage_unless_it_is_a_time(value):
    row = Row(label="A", run="a", paper=(value,))
    with pytest.raises(ValidationError, match=r"row 1 \('A'\), R1: .* is no rate"):
        Table(caption="c", columns=(Column(metric="R1"),), rows=(row,))
    assert Table(caption="c", columns=(Column(metric="training_time"),), rows=(row,)).rate(0, 0) is None


@pytest.mark.parametrize(("decimals", "expected"), [(0, "84"), (1, "84.0"), (2, "84.00")])
def test_a_table_may_say_how_many_decimals_all_values_have(decimals, expected):
    columns, row = (Column(metric="R1"), Column(metric="mAP")), Row(label="A", run="a", paper=(84, 70.5))
    table = Table(caption="c", columns=columns, rows=(row,), decimals=decimals)
    assert str(table.rate(0, 0)) == expected
    assert table.rate(0, 1) is None  # mAP is no rate over queries
