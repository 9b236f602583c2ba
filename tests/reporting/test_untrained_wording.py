"""What is reached without training, and which rows are no better."""

from decimal import Decimal

from vreid.reporting.formats import untrained_wording
from vreid.reporting.records import Baseline
from vreid.reporting.tables import build_table

from .conftest import column, own_row, table_plan

REACHED = {
    "chance": {"mAP": 6.0, "R1": 4.0},
    "colour_histogram": {"mAP": 11.0, "R1": 20.0},
    "raw_pixels": {"mAP": 12.0},
    "attribute_oracle": {"mAP": 90.0, "R1": 91.0},
}


def table(rows, columns, values=REACHED, **where):
    """A table of ours with the means `rows`; the paper prints 50.0 everywhere."""
    built = build_table(table_plan([own_row(1, "A", (50.0,) * len(columns), (), ())], columns))
    first = built.rows[0]
    filled = [
        first.model_copy(
            update={
                "row": number,
                "cells": tuple(
                    cell.model_copy(
                        update={"values": () if mean is None else (Decimal(str(mean)),), "status": "run"}
                    )
                    for cell, mean in zip(first.cells, means, strict=True)
                ),
            }
        )
        for number, means in enumerate(rows, 1)
    ]
    of = {"dataset": columns[0].dataset, "protocol": columns[0].protocol, **where}
    baseline = Baseline(**of, file="b.json", queries=120, gallery=240, values=values)
    return built.model_copy(update={"rows": tuple(filled), "baselines": (baseline,)})


COLUMNS = [column("mAP", "mAP"), column("R1", "R1")]


def below(table):
    return untrained_wording.of_table(table)[1:]


def test_rows_that_are_not_above_the_best_of_the_untrained_are_named():
    rows = [(12.1, 20.0), (12.0, 20.1), (5.0, 3.0), (40.0, 40.0)]  # best: 12 of pixels, 20 of colours
    assert below(table(rows, COLUMNS)) == [
        "No better than the best of chance, colours and pixels: mAP of rows 2 and 3; R1 of rows 1 and 3."
    ]


def test_columns_with_the_same_rows_are_said_together():
    assert below(table([(1.0, 1.0), (40.0, 40.0)], COLUMNS)) == [
        "No better than the best of chance, colours and pixels: mAP and R1 of row 1."
    ]


def test_where_all_are_better_nothing_is_said_and_the_oracle_is_no_measure():
    assert below(table([(12.1, 20.1)], COLUMNS)) == []


def test_what_was_not_run_and_what_has_no_untrained_value_is_not_compared():
    assert below(table([(None, 1.0)], COLUMNS, {"chance": {"mAP": 6.0}})) == []


def test_other_queries_are_not_compared():
    assert below(table([(1.0, 1.0)], COLUMNS, protocol="another")) == []
    darkened = [one.model_copy(update={"test": {"images": "darkened"}}) for one in COLUMNS]
    assert below(table([(1.0, 1.0)], darkened)) == []
