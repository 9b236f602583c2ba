"""What the paper's tables call the experiments of a claim."""

import pytest

from vreid.params.claims import Claim, Pair, Side
from vreid.params.paper import Column, Row, Table
from vreid.params.planning.rows import rows_of


def table(*rows, number=None, heads=()):
    """A table of one column; a row is a label, an experiment and its texts."""
    made = tuple(
        Row(label=label, run=run, cited=None if run else "[1]", paper=(1.0,), text=tuple(texts))
        for label, run, *texts in rows
    )
    columns = (Column(metric="mAP"),)
    return Table(caption="c", number=number, columns=columns, rows=made, text_columns=heads)


def claim(*pairs, where="sec. 4"):
    sides = tuple(Pair(better=Side(run=better), worse=Side(run=worse)) for better, worse in pairs)
    return Claim(id="c", says="It helps.", where=where, metric="mAP", pairs=sides)


ABLATION = table(("Baseline", "base"), ("+ A", "a"), ("+ A + B", "ours"))
OTHERS = table(("Other", None), ("Ours", "ours"))


def test_an_experiment_is_called_as_its_row():
    found = rows_of(claim(("a", "base"), where="sec. 4.3, Tab. 1"), {"table1": ABLATION})
    assert found.names == {"a": "+ A", "base": "Baseline"}
    assert found.table is None


def test_one_without_a_row_has_no_name():
    assert rows_of(claim(("a", "spare")), {"table1": ABLATION}).names == {"a": "+ A"}


@pytest.mark.parametrize(
    "where", ["Tab. 2", "Table 2", "sec. 3, table II", "Tab. 1, 2", "Tables 1 and 2", "Tab. 2, Fig. 1a"]
)
def test_the_table_that_the_claim_names_comes_first(where):
    tables = {"table1": table(("One", "x")), "table2": table(("Two", "ours"), ("Three", "x"))}
    tables |= {"table3": table(("Four", "ours"), ("Five", "x"))}
    if "II" in where:
        tables = {key: made.model_copy(update={"number": "I" * int(key[-1])}) for key, made in tables.items()}
    found = rows_of(claim(("ours", "x"), where=where), tables)
    assert found.names["ours"] == "Two"
    assert found.table is None


def test_else_the_one_that_has_most_of_its_experiments_and_that_is_said():
    tables = {"table1": OTHERS, "table2": ABLATION}
    found = rows_of(claim(("ours", "a"), ("ours", "base")), tables)
    assert found.names == {"ours": "+ A + B", "a": "+ A", "base": "Baseline"}
    assert found.table == "Table 2"


def test_of_several_tables_each_name_says_its_own():
    tables = {"table1": table(("Plain", "base"), ("Ours", "ours")), "table4": table(("With SE", "se"))}
    found = rows_of(claim(("ours", "base"), ("ours", "se")), tables)
    assert found.names == {"ours": "Ours of Table 1", "base": "Plain of Table 1", "se": "With SE of Table 4"}
    assert found.table is None
    named = rows_of(claim(("ours", "base"), ("ours", "se"), where="Tab. 1"), tables)
    assert named.names == {"ours": "Ours", "base": "Plain", "se": "With SE of Table 4"}


def test_rows_of_one_label_are_told_apart_by_what_they_differ_in():
    rows = (("+ EN", "low", "Y", "0.6"), ("+ EN", "high", "Y", "0.8"), ("Plain", "base", "Y", ""))
    found = rows_of(claim(("high", "low"), ("high", "base")), {"table1": table(*rows, heads=("F", "t"))})
    assert found.names == {"high": "+ EN, t 0.8", "low": "+ EN, t 0.6", "base": "Plain"}
    bare = table(("+ EN", "low", ""), ("+ EN", "high", "0.8"), heads=("t",))
    assert rows_of(claim(("high", "low")), {"table1": bare}).names == {
        "high": "+ EN, t 0.8",
        "low": "+ EN, t --",
    }


def test_and_by_the_experiment_where_nothing_else_does():
    alike = table(("Ours", "one"), ("Ours", "two"))
    assert rows_of(claim(("one", "two")), {"table1": alike}).names == {
        "one": "Ours [one]",
        "two": "Ours [two]",
    }
    tables = {"table1": table(("Ours", "one")), "table2": table(("Ours", "two"))}
    found = rows_of(claim(("one", "two"), where="Tab. 1, 2"), tables)
    assert found.names == {"one": "Ours [one]", "two": "Ours [two]"}


def test_a_quoted_row_of_the_same_label_is_another_one():
    tables = {"table1": table(("Recall@k", None, "Swin"), ("Recall@k", "ours", "Res50"), heads=("Net",))}
    assert rows_of(claim(("ours", "spare")), tables).names == {"ours": "Recall@k, Net Res50"}


def test_what_is_taken_from_a_side_is_named_too():
    side = Side(run="ours", minus=Side(run="base"))
    both = Claim(id="c", says="s", where="Tab. 1", metric="mAP", better=side, worse=Side(run="a"))
    assert set(rows_of(both, {"table1": ABLATION}).names) == {"ours", "base", "a"}
