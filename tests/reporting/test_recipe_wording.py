"""How our recipe differs from the paper's, in sentences: of all of a table first, then of some of it."""

import pytest

from vreid.params.plan import DeparturesPlan
from vreid.reporting.cells import Cell
from vreid.reporting.formats import latex, markdown, recipe_wording
from vreid.reporting.tables import build_table

from .conftest import column, own_row, table_plan
from .typeset import assert_balanced

NETWORKS = ("ResNet50", "SeResNet50", "Densenet121")
COLUMNS = [column(metric, f"{name} {metric}", variant=name) for name in NETWORKS for metric in ("mAP", "R1")]


def table(*parts, recipe=("schedule.epochs: 4 (paper: 120)",), columns=COLUMNS):
    rows = [own_row(number, f"M{number}", (50.0,) * len(columns), (), ()) for number in range(1, 8)]
    return build_table(table_plan(rows, columns, recipe=recipe, recipe_in=parts))


def part(line="input.height: 75 (paper: 299)", **where):
    return DeparturesPlan(lines=(line,), **where)


def test_what_all_share_is_said_first_then_each_part():
    sentences = recipe_wording.of_table(table(part(columns=(3, 4)), part("a: 1 (paper: 2)", rows=(2,))))
    assert sentences == [
        "Differs from the paper's recipe, or is read into it, in schedule.epochs: 4 (paper: 120).",
        "In columns SeResNet50 … also in input.height: 75 (paper: 299).",
        "In row 2 also in a: 1 (paper: 2).",
    ]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((3,), "row 3"),
        ((2, 3), "rows 2 and 3"),
        ((2, 3, 4), "rows 2 to 4"),
        ((1, 4, 7), "rows 1, 4 and 7"),
        ((1, 3, 4, 5, 6), "rows 1 and 3 to 6"),
    ],
)
def test_rows_are_named_by_their_numbers(rows, said):
    assert recipe_wording.of_table(table(part(rows=rows)))[1].startswith(f"In {said} also in")


@pytest.mark.parametrize(
    ("heads", "columns", "said"),
    [
        (None, (1, 2, 5, 6), "columns ResNet50 … and Densenet121 …"),
        (None, (1,), "column ResNet50 mAP"),
        (None, (1, 3), "columns ResNet50 mAP and SeResNet50 mAP"),
        # not `VeRi …`, of which the last one is another
        (("VeRi R1", "VeRi dark R1", "VeRi dark R5", "VeRi R5"), (2, 3), "columns VeRi dark …"),
        (("VeRi R1", "VeRi dark R1", "Cars R1"), (1, 2), "columns VeRi …"),
        (("R1", "R5", "R1 official"), (1, 2), "columns R1 and R5"),
    ],
)
def test_columns_are_named_by_how_they_begin_if_no_other_begins_so(heads, columns, said):
    shown = COLUMNS if heads is None else [column("R1", head) for head in heads]
    assert recipe_wording.of_table(table(part(columns=columns), columns=shown))[1].startswith(
        f"In {said} also"
    )


def test_rows_and_columns_are_named_together():
    [_, said] = recipe_wording.of_table(table(part(rows=(1, 2), columns=(1, 2))))
    assert said.startswith("In rows 1 and 2, columns ResNet50 … also in")


def test_a_recipe_of_which_parts_alone_differ_is_not_called_the_papers():
    assert recipe_wording.of_table(table(recipe=())) == ["Recipe: the paper's."]
    first, second = recipe_wording.of_table(table(part(rows=(1,)), recipe=()))
    assert first == "Recipe: the paper's, but for some of the rows or columns."
    assert second.startswith("In row 1 also in")


def test_each_part_has_a_line_of_its_own():
    made = table(part(columns=(3, 4)))
    [head] = [block for block in markdown.page(made).split("\n\n") if block.startswith("**Ours")]
    first, second = head.split("  \n")
    assert first.endswith("in schedule.epochs: 4 (paper: 120).")
    assert second == "In columns SeResNet50 … also in input.height: 75 (paper: 299)."
    text = latex.document(made)
    assert_balanced(text)
    assert r"(paper: 120).\par In columns SeResNet50 \dots{} also in input.height: 75" in text


def test_of_a_table_that_the_preset_leaves_out_there_is_no_recipe():
    left = table(recipe=())
    cells = (Cell(paper=50, status="not in this preset"),)
    left = left.model_copy(
        update={"rows": tuple(row.model_copy(update={"cells": cells}) for row in left.rows)}
    )
    assert recipe_wording.of_table(left) == []
    run = left.rows[0].model_copy(update={"cells": (Cell(paper=50, status="run"),)})
    assert recipe_wording.of_table(left.model_copy(update={"rows": (run, *left.rows)})) != []
