"""Of which rows and columns of a table a departure from the paper's recipe is true."""

from pathlib import Path

import pytest

from vreid.params.planning.departures import gathered
from vreid.params.resolve import load

PARAMS = Path(__file__).parents[2] / "params"

EVERY = [(row, column) for row in (1, 2, 4) for column in (1, 2, 3)]
"""Row 3 is quoted, so nothing of it is run."""


def table(**true_of):
    """The lines of each cell: a line is true of the cells that it names, `a: b` written as `a`."""
    return {cell: [line for line, cells in true_of.items() if cell in cells] for cell in EVERY}


def parts(found):
    return [(part.rows, part.columns, part.lines) for part in found[1]]


def test_what_is_true_of_all_cells_comes_first_and_names_none():
    found = gathered(table(size=EVERY, width=EVERY))
    assert found == (("size", "width"), ())


@pytest.mark.parametrize(
    ("cells", "place"),
    [
        ([(2, 1), (2, 2), (2, 3)], ((2,), ())),
        ([(row, column) for row in (1, 4) for column in (1, 2, 3)], ((1, 4), ())),
        ([(row, 3) for row in (1, 2, 4)], ((), (3,))),
        ([(row, column) for row in (1, 2, 4) for column in (1, 3)], ((), (1, 3))),
        ([(2, 1), (2, 2), (4, 1), (4, 2)], ((2, 4), (1, 2))),
        ([(4, 2)], ((4,), (2,))),
    ],
)
def test_rows_columns_or_both_are_named(cells, place):
    assert parts(gathered(table(size=EVERY, width=cells))) == [(*place, ("width",))]


def test_cells_in_no_such_order_are_named_row_by_row():
    cells = [(1, 1), (1, 2), (1, 3), (2, 2), (4, 2)]
    assert parts(gathered(table(width=cells))) == [((1,), (1, 2, 3), ("width",)), ((2, 4), (2,), ("width",))]


def test_lines_of_the_same_cells_stand_together_in_their_order():
    row, column = [(2, c) for c in (1, 2, 3)], [(r, 1) for r in (1, 2, 4)]
    found = gathered(table(size=EVERY, b=row, a=column, c=row))
    assert found[0] == ("size",)
    assert parts(found) == [((), (1,), ("a",)), ((2,), (), ("b", "c"))]


def test_a_table_of_which_nothing_is_run_departs_in_nothing():
    assert gathered({}) == ((), ())


def test_each_network_of_hamnets_tables_has_its_own_input_size():
    plan = load(PARAMS, "demo").tables["hamnet/table3"]
    heads = [column.label for column in plan.columns]
    sizes = {
        line: {heads[number - 1].split()[0] for number in part.columns}
        for part in plan.recipe_in
        for line in part.lines
        if line.startswith("input.height")
    }
    assert sizes == {
        "input.height: 64 (paper: 128)": {"ResNet50", "Densenet121", "MobileNetV2"},
        "input.height: 64 (paper: 224)": {"SeResNet50"},
        "input.height: 75 (paper: 299)": {"InceptionResNetV3"},
    }
    assert "schedule.epochs: 6 (paper: 120)" in plan.recipe
    assert not any(line.startswith("input.") for line in plan.recipe)
