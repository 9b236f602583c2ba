"""What can be pointed at, and how rows and columns are found."""

from pathlib import Path

import pytest
from tests.reporting.conftest import cited_row, column, own_row, table_plan

from vreid.params.errors import UserError
from vreid.reporting.explaining.target import (
    CellTarget,
    ClaimTarget,
    FigureTarget,
    RunTarget,
    find_column,
    find_row,
    parse,
)
from vreid.reporting.tables import build_table


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (
            "reports/tables/dpa/table3.csv:4:mAP",
            ("reports/tables/dpa/table3.csv", "reports", "dpa", "table3", "4", "mAP", False),
        ),
        (
            "old/reports/tables/dpa/table3.md:a: b:veri776/R1",
            ("old/reports/tables/dpa/table3.md", "old/reports", "dpa", "table3", "a: b", "veri776/R1", False),
        ),
        (
            "reports/all_tables.csv:dpa/table3:4:mAP",
            ("reports/all_tables.csv", "reports", "dpa", "table3", "4", "mAP", True),
        ),
    ],
)
def test_cells(text, target):
    file, reports, *rest = target
    assert parse(text) == CellTarget(Path(file), Path(reports), *rest)


def test_claims_figures_and_runs():
    claim = parse("reports/claims/dpa.json:dpa-best")
    assert claim == ClaimTarget(Path("reports/claims/dpa.json"), Path("reports"), "dpa", "dpa-best")
    figure = parse("reports/figures/dpa/figure5a.pdf")
    assert figure == FigureTarget(
        Path("reports/figures/dpa/figure5a.pdf"), Path("reports"), "dpa", "figure5a"
    )
    run = RunTarget("dpa-dpa_vru-vru-s0-8d6cf72da3")
    assert parse("dpa-dpa_vru-vru-s0-8d6cf72da3") == run
    assert parse("runs/dpa-dpa_vru-vru-s0-8d6cf72da3/eval-1/evaluation.json") == run
    assert parse("reports/runs/dpa-dpa_vru-vru-s0-8d6cf72da3.md") == run
    assert parse("dpa-dpa_vru-vru") == RunTarget("dpa-dpa_vru-vru")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("reports/tables/dpa/table3.csv", "a cell needs its row and its column"),
        ("reports/tables/dpa/table3.csv:4", "a cell needs its row and its column"),
        ("reports/all_tables.csv:4:mAP", "a cell needs its PAPER/TABLE first"),
        ("reports/claims/dpa.json", "a claim needs its id"),
        ("reports/figures/dpa/figure5a.png:1", "none of these"),
        ("params/papers/dpa.yaml", "none of these"),
        ("../../etc/passwd", "none of these"),
        ("", "none of these"),
    ],
)
def test_anything_else_is_answered_with_what_is_understood(text, why):
    with pytest.raises(UserError, match=f"(?s){why}.*reports/tables/PAPER/TABLE.csv:ROW:COLUMN"):
        parse(text)


@pytest.fixture
def table(root):
    rows = [
        own_row(1, "Baseline", (1.0,) * 4, (), (), ("RGB",)),
        own_row(2, "Baseline + SE", (1.0,) * 4, (), (), ("RGB",)),
        own_row(3, "Ours", (1.0,) * 4, (), (), ("NIR",)),
        own_row(4, "Ours", (1.0,) * 4, (), (), ("TIR",)),
        cited_row(5, "10 parts [4]", (1.0,) * 4, "[4]"),
    ]
    columns = [
        column("mAP"),
        column("R1", "Rank-1"),
        column("R1", "Rank-1", protocol="veri776_image_to_image"),
        column("R1", "In the dark", variant="darkened", test={"images": "darkened"}),
    ]
    return build_table(table_plan(rows, columns), root)


@pytest.mark.parametrize(
    ("wanted", "row"),
    [("2", 2), ("Baseline", 1), ("SE", 2), ("+ se", 2), ("Ours, NIR", 3), ("tir", 4), ("10 parts", 5)],
)
def test_rows(table, wanted, row):
    assert find_row(table, wanted).row == row


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("Ours", r"'Ours' could be any of these rows:\n  3  Ours, NIR\n  4  Ours, TIR$"),
        ("10", r"'10' is no row; there are:\n  1  Baseline, RGB\n"),
        ("theirs", "'theirs' is no row; there are:"),
    ],
)
def test_a_row_that_is_not_one_lists_the_rows(table, wanted, sentence):
    with pytest.raises(UserError, match=sentence):
        find_row(table, wanted)


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ("mAP", 0),
        ("map", 0),
        ("veri776 Rank-1", 1),  # as it is headed
        ("veri776/mAP", 0),
        ("veri776_image_to_image/R1", 2),
        ("veri776_image_to_image/Rank-1", 2),
        ("in the dark", 3),
        ("darkened/R1", 3),
    ],
)
def test_columns(table, wanted, index):
    assert find_column(table, wanted) == index


def test_a_shared_column_says_how_each_is_called(table):
    shared = r"'Rank-1' could be any of these columns:\n  .*Rank-1\n  veri776_image_to_image/R1$"
    with pytest.raises(UserError, match=shared):
        find_column(table, "Rank-1")
    with pytest.raises(UserError, match=r"'R7' is no column; there are:\n  mAP\n"):
        find_column(table, "R7")
