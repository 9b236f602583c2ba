"""What moved between two states, against moves reckoned by hand."""

from decimal import Decimal

import pytest
from tests.reporting.comparing.conftest import cell, claim, quoted, row, statements, table
from tests.reporting.conftest import column

from vreid.reporting.comparing.compare import compare
from vreid.reporting.comparing.states import State


def state(*tables, said=(), name="a"):
    return State(name, {f"{t.paper}/{t.table}": t for t in tables}, {s.paper: s for s in said})


def moves(found):
    return {(move.row, move.column): (move.move, move.within) for move in found.moves}


def test_a_state_has_not_changed_against_itself(before):
    said = statements(claim("gain", "reproduced", ("1.5", "0.5", "2.5")))
    found = compare(state(before, said=[said]), state(before, said=[said]))
    assert not found.changed
    assert (found.cells, found.still, found.below) == (4, 4, 0)


def test_moves_and_whether_the_seeds_spread_covers_them(before, after):
    found = compare(state(before), state(after))
    assert moves(found) == {
        (1, "mAP"): (1, True),  # 2 sd = 1.414
        (1, "Rank-1"): (2, False),  # both sd are 0
        (2, "mAP"): (-1, None),  # one seed on both sides
        (2, "Rank-1"): (None, None),  # it failed before
    }
    assert [move.move for move in found.moves] == [None, 2, 1, -1]  # what came, then the largest
    first = found.moves[0]
    assert (first.before.status, first.before.reason) == ("failed", "failed; loss is not finite")
    assert (first.after.mean, first.after.seeds) == (80, 1)
    assert (found.cells, found.still, found.below) == (4, 0, 0)


def test_the_larger_sd_of_the_two_decides():
    tables = [table(row(1, "Ours", cell(*values), cell("1"))) for values in (("60", "60"), ("59", "63"))]
    [move] = compare(state(tables[0]), state(tables[1])).moves
    # 60 to 61; the sd after is 4 / sqrt(2) = 2.83
    assert (move.move, move.within) == (1, True)


@pytest.mark.parametrize(
    ("threshold", "left"), [(0.9, 4), (1.0, 2), (2.0, 1)]
)  # what came or went is always told
def test_moves_up_to_the_threshold_are_counted_alone(before, after, threshold, left):
    found = compare(state(before), state(after), threshold)
    assert (len(found.moves), found.below, found.still) == (left, 4 - left, 0)


def test_other_seeds_behind_the_same_mean_are_a_change():
    tables = [table(row(1, "Ours", cell(*values), cell("1"))) for values in (("60", "62"), ("59", "63"))]
    [move] = compare(state(tables[0]), state(tables[1])).moves
    assert move.move == 0
    assert not compare(state(tables[0]), state(tables[1]), 0.1).changed


def test_training_times_are_listed_and_are_no_change():
    columns = [column("training_time", "Time")]
    tables = [table(row(1, "Ours", cell(value)), columns=columns) for value in ("1", "1.5")]
    found = compare(state(tables[0]), state(tables[1]))
    assert [move.move for move in found.times()] == [Decimal("0.5")]
    assert (found.results(), found.changed) == ([], False)


def test_what_is_not_ours_and_reads_otherwise(before, after):
    found = compare(state(before), state(after))
    [edit] = found.edits
    assert (edit.where, edit.what) == ("se_densenet/table1, row 3, mAP", "paper's value")
    assert (edit.before, edit.after) == ("79.5", "79.6")


def test_rows_are_known_by_label_then_by_experiment_or_quoted_values(before):
    moved = table(
        row(1, "Quoted anew", *quoted("79.5", None), cited_from="[23]"),
        row(2, "DenseNet121", *before.rows[0].cells, experiment="baseline"),
        row(3, "Ours", *before.rows[1].cells),
        row(4, "More", cell("1"), cell("1")),
    )
    found = compare(state(before), state(moved))
    assert [(e.where.partition(", ")[2], e.what, e.before, e.after) for e in found.edits] == [
        ("row 1", "label", "Quoted", "Quoted anew"),
        ("row 2", "label", "Baseline", "DenseNet121"),
    ]
    assert [(one.what, one.where, one.came) for one in found.comings] == [
        ("row", "se_densenet/table1, row 4: More", True)
    ]
    assert found.moves == ()


def test_rows_of_one_label_are_paired_in_their_order():
    first = table(*(row(n, "MSN", cell(str(n)), cell("1"), experiment=f"e{n}") for n in (1, 2, 3)))
    second = table(*(row(n, "MSN", cell(str(n)), cell("1"), experiment=f"e{n}") for n in (1, 2)))
    found = compare(state(first), state(second))
    assert found.moves == ()
    assert [(one.where, one.came) for one in found.comings] == [("se_densenet/table1, row 3: MSN", False)]


def test_columns_are_known_by_what_they_measure():
    first = table(row(1, "Ours", cell("1"), cell("2")))
    columns = [column("R1", "CMC@1"), column("mINP")]
    second = table(row(1, "Ours", cell("2"), cell("3")), columns=columns)
    found = compare(state(first), state(second))
    assert [(one.before, one.after) for one in found.edits] == [("Rank-1", "CMC@1")]
    assert [(one.where, one.came) for one in found.comings] == [
        ("se_densenet/table1, mAP", False),
        ("se_densenet/table1, mINP", True),
    ]
    assert (found.moves, found.cells) == ((), 1)


def test_tables_and_claims_that_come_and_go(before):
    said = statements(claim("gain", "not run", None))
    other = statements(claim("gain", "not run", None), claim("more", "not run", None))
    new = before.model_copy(update={"table": "table2"})
    found = compare(state(before, said=[said]), state(new, said=[other]))
    assert [(one.what, one.where, one.came) for one in found.comings] == [
        ("table", "se_densenet/table1", False),
        ("table", "se_densenet/table2", True),
        ("claim", "se_densenet, more", True),
    ]


def test_verdicts_that_changed_carry_both_intervals():
    first = statements(
        claim("gain", "inconclusive", ("1.5", "-0.5", "3.5")),
        claim("moved", "reproduced", ("1.5", "0.5", "2.5")),
        claim("same", "reproduced", ("1.5", "0.5", "2.5")),
        claim("gone", "reproduced", ("1.5", "0.5", "2.5"), None),
    )
    second = statements(
        claim("gain", "reproduced", ("2.0", "0.5", "3.5")),
        claim("moved", "reproduced", ("1.5", "0.5", "2.75")),
        claim("same", "reproduced", ("1.5", "0.5", "2.5"), reason="said otherwise"),
        claim("gone", "not run", None, None),
    )
    found = compare(state(said=[first]), state(said=[second]))
    assert [(one.id, one.verdict_changed) for one in found.claims] == [
        ("gain", True),
        ("moved", False),
        ("gone", True),
    ]
    gain = found.claims[0]
    assert gain.before.differences == ((Decimal("1.5"), Decimal("-0.5"), Decimal("3.5")),)
    assert gain.after.differences == ((Decimal("2.0"), Decimal("0.5"), Decimal("3.5")),)
    assert found.claims[2].after.differences == (None, None)
    assert [one.id for one in compare(state(said=[first]), state(said=[second]), 0.25).claims] == [
        "gain",
        "gone",
    ]


def test_sentences_and_differences_of_the_paper_that_read_otherwise():
    first = statements(claim("gain", "not run", None))
    second = statements(claim("gain", "not run", None, says="It may help.", paper="2.5"))
    found = compare(state(said=[first]), state(said=[second]))
    assert [(edit.what, edit.before, edit.after) for edit in found.edits] == [
        ("sentence", "It helps.", "It may help."),
        ("paper's difference", "1.5", "2.5"),
    ]


def test_states_that_were_made_differently_say_so(before):
    bench = {"preset": "bench", "preset_label": "trained out", "seeds": (0, 1, 2)}
    other = before.model_copy(
        update=bench | {"recipe": ("input.height: 32 (paper: 256)", "a.b: 1 (paper: 2)", "a.b: 3 (paper: 4)")}
    )
    said = [statements(), statements(**bench)]
    found = compare(state(before, said=said[:1]), state(other, said=said[1:]))
    both = ("se_densenet/table1", "claims of se_densenet")
    assert [(one.what, one.before, one.after, one.reports) for one in found.unlike] == [
        ("preset", "demo", "bench", both),
        ("seeds", "0, 1", "0, 1, 2", both),
        ("input.height", "64 (paper: 256)", "32 (paper: 256)", both[:1]),
        ("a.b", "as in the paper", "1 (paper: 2); 3 (paper: 4)", both[:1]),
    ]
    assert (found.changed, found.moves) == (True, ())


def test_a_preset_of_the_same_name_that_is_another_says_so(before):
    other = before.model_copy(update={"preset_label": "more epochs"})
    [one] = compare(state(before), state(other)).unlike
    assert (one.what, one.before, one.after) == ("preset's words", "a few epochs", "more epochs")
