"""Tables as Markdown, LaTeX and CSV: what stands in each cell, and that nothing of it is misread."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from vreid.params.plan import CellPlan
from vreid.reporting.cells import Status
from vreid.reporting.formats import latex, markdown, tidy
from vreid.reporting.tables import build_table

from .conftest import cited_row, column, evaluation, own_row, table_plan, write_evaluation


def cells(line):
    """Split a Markdown table's line at the bars that are not escaped."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def grid(text):
    return [cells(line) for line in text.splitlines() if line.startswith("|")]


@pytest.fixture
def table(plan, root):
    return build_table(plan, root)


def test_markdown_has_papers_value_ours_and_difference(table):
    head, rule, baseline, proposed, cited = grid(markdown.page(table))
    assert head == [
        "#",
        "Method",
        "Backbone",
        "mAP: paper",
        "mAP: ours (synthetic)",
        "mAP: difference",
        "Rank-1: paper",
        "Rank-1: ours (synthetic)",
        "Rank-1: difference",
    ]
    assert len(rule) == len(head)
    # mAP 60.25 and 61.25: 60.75 prints as 60.8, sd 0.707; R1 70 and 75: 72.5, sd 3.54
    assert baseline == [
        "1",
        "Baseline",
        "DenseNet",
        "68.5",
        "60.8 ± 0.7",
        "-7.7",
        "92.5",
        "72.5 ± 3.5",
        "-20.0",
    ]
    assert proposed[3:6] == ["<u>75.5</u>", "**66.1**<sup>a</sup>", "-9.4"]
    assert proposed[6:] == ["**94.8**", "**80.0**<sup>a</sup>", "-14.8"]
    assert cited == ["3", r"*A\|B\_c & 5% \[23]*", "*--*", "***79.5***", "--", "--", "--", "--", "--"]


def test_markdown_says_where_the_numbers_come_from(table):
    before, after = markdown.page(table).split("| # |")
    assert before.splitlines()[0] == "# Table 1: Qualitative analysis"
    assert "Ours: synthetic data; preset demo (rendered stand-in, 12 of 120 epochs); seeds 0, 1" in before
    assert "Differs from the paper's recipe, or is read into it, in input.height: 64 (paper: 256)." in before
    assert r"<sup>a</sup> 1 of 2 seeds failed; loss is not finite (runs/se\_densenet-proposed" in after
    assert "same queries (synthetic veri776: 8 queries, 24 gallery images): chance mAP 4.2, R1 3.0;" in after
    assert "colour histogram mAP 20.0, R1 50.0." in after
    assert after.rstrip().endswith("Zhang et al.: A model. CMC, 2021")


def test_real_data_with_the_papers_recipe_says_so(root):
    file = write_evaluation(root, "p-a-d-s0-0", {"veri776": evaluation(mAP=0.5)})
    plan = table_plan(
        [own_row(1, "A", (50.0,), ("p-a-d-s0-0",), (file,))],
        [column("mAP")],
        source="real",
        preset="paper",
        preset_label="as printed",
        seeds=(0,),
        recipe=(),
    )
    text = markdown.page(build_table(plan, root))
    assert "Ours: real data; preset paper (as printed); seed 0." in text
    assert "Recipe: the paper's." in text
    assert "Italics" not in text
    assert grid(text)[0][3] == "mAP: ours"
    assert grid(text)[2] == ["1", "A", "50.0", "50.0", "0.0"]


def test_columns_of_one_label_are_told_apart_and_keep_their_decimals(root):
    results = {"small": evaluation(cmc=[0.81255]), "large": evaluation(cmc=[0.60555])}
    file = write_evaluation(root, "p-a-d-s0-0", results)
    plan = table_plan(
        [own_row(1, "A", (81.3, 60.55), ("p-a-d-s0-0",), (file,)), cited_row(2, "B", (90.0, None), "[1]")],
        [column("R1", "Rank@1", "small"), column("R1", "Rank@1", "large")],
    )
    head, _, own, cited = grid(markdown.page(build_table(plan, root)))
    assert [name for name in head if "paper" in name] == ["small Rank@1: paper", "large Rank@1: paper"]
    assert own[2:] == ["81.3", "81.3", "0.0", "60.55", "60.56", "+0.01"]
    assert cited[2] == "***90.0***"


def many(root, columns, **results):
    """A table with one own row of the columns' results, a row that a preset leaves out, and a quoted one."""
    protocols = {c.protocol for c in columns}
    file = write_evaluation(root, "p-a-d-s0-0", dict.fromkeys(protocols, evaluation(**results)))
    paper = (60.0,) * len(columns)
    left_out = own_row(2, "B", paper, (), ())
    left_out = left_out.model_copy(update={"cells": (CellPlan(status="not in this preset"),) * len(columns)})
    quoted = cited_row(3, "C", paper, "[4]")
    own = own_row(1, "A", paper, ("p-a-d-s0-0",), (file,))
    return build_table(table_plan([own, left_out, quoted], columns, seeds=(0,)), root)


def test_few_metrics_have_three_columns_each_and_up_to_six_one(root):
    four = many(root, [column(f"R{k}") for k in (1, 2, 3, 4)], cmc=[0.5, 0.625, 0.75, 0.875])
    assert len(grid(markdown.page(four))[0]) == 2 + 4
    two = many(root, [column("R1"), column("R2")], cmc=[0.5, 0.625])
    assert len(grid(markdown.page(two))[0]) == 2 + 3 * 2
    six = many(root, [column(f"R{k}") for k in (1, 2, 3, 4, 5, 6)], cmc=[0.5, 0.625, 0.75, 0.875, 0.9, 0.95])
    head, _, own, left_out, quoted = grid(markdown.page(six))
    assert head[2] == "R1<br>paper → ours (synthetic) (difference)"
    assert own[2:4] == ["**60.0** → 50.0 (-10.0)", "**60.0** → 62.5 (+2.5)"]
    assert left_out[2] == "**60.0** → --<sup>a</sup>"
    assert quoted[2] == "***60.0***"


def test_more_than_six_metrics_stand_group_below_group(root):
    names = ("resnet50", "densenet121", "inception")
    columns = [column(metric, variant=name) for name in names for metric in ("mAP", "R1", "R5")]
    lines = grid(markdown.page(many(root, columns, mAP=0.5)))
    heads = [line for line in lines if line[0] == "#"]
    assert [[name.split("<br>")[0] for name in head[2:]] for head in heads] == [
        [f"{name} {metric}" for metric in ("mAP", "R1", "R5")] for name in names
    ]
    assert [line[1] for line in lines if line[0] == "1"] == ["A", "A", "A"]


def test_small_groups_share_a_line_as_long_as_no_more_than_four_metrics_do(root):
    columns = [
        column(metric, protocol=dataset, test={"images": images})
        for dataset in ("veri776", "cars196")
        for images in ("original", "darkened")
        for metric in ("R1", "R2")
    ]
    lines = grid(markdown.page(many(root, columns)))
    heads = [[name.split("<br>")[0] for name in line[2:]] for line in lines if line[0] == "#"]
    assert heads[0] == [
        "veri776 original R1",
        "veri776 original R2",
        "veri776 darkened R1",
        "veri776 darkened R2",
    ]
    assert len(heads) == 2


def test_a_row_that_is_both_trained_and_quoted_says_so(root):
    file = write_evaluation(root, "p-a-d-s0-0", {"veri776": evaluation(mAP=0.5)})
    row = own_row(1, "Res50", (88.3,), ("p-a-d-s0-0",), (file,)).model_copy(update={"cited_from": "[18]"})
    table = build_table(table_plan([row], [column("mAP")]), root)
    assert grid(markdown.page(table))[2][1:] == [
        r"Res50 (trained here; the paper quotes \[18])",
        "*88.3*",
        "50.0",
        "-38.3",
    ]
    assert r"Res50 (trained here; the paper quotes [18]) & \vreidcited{88.3} & 50.0" in latex.document(table)


def test_a_source_that_stands_in_the_label_is_not_repeated(root):
    quoted = cited_row(1, "CAL [27]", (88.3,), "[27]")
    trained = own_row(2, "Res50 [18]", (88.3,), (), ()).model_copy(update={"cited_from": "[18]"})
    table = build_table(table_plan([quoted, trained], [column("mAP")]), root)
    first, second = grid(markdown.page(table))[2:]
    assert first[1] == r"*CAL \[27]*"
    assert second[1] == r"Res50 \[18] (trained here; the paper quotes it)"


def test_what_the_paper_does_not_print_is_ours_alone(root):
    columns = [column("mAP", "here"), column("mAP", "there", "dark")]
    file = write_evaluation(root, "p-a-d-s0-0", {c.protocol: evaluation(mAP=0.5) for c in columns})
    plan = table_plan([own_row(1, "A", (60.0, None), ("p-a-d-s0-0",), (file,))], columns)
    head, _, row = grid(markdown.page(build_table(plan, root)))
    assert head[2:5] == ["here: paper", "here: ours (synthetic)", "here: difference"]
    assert head[5:] == ["there: ours (synthetic) (not in the paper)"]
    assert row[2:] == ["60.0", "50.0", "-10.0", "50.0"]


def test_training_times_have_neither_marks_nor_a_difference(root):
    files = []
    for run, seconds in (("p-a-d-s0-0", 20.0), ("p-b-d-s0-1", 30.0)):
        files.append(write_evaluation(root, run, {"veri776": evaluation(mAP=0.5)}))
        about = {"device": "cpu", "cpu_seconds": seconds, "seconds": 99.0}
        (root / "runs" / run / "run.json").write_text(json.dumps(about))
    rows = [own_row(n, "AB"[n - 1], (0.7,), (f"r{n}",), (file,)) for n, file in enumerate(files, start=1)]
    table = build_table(table_plan(rows, [column("training_time", "Time (h)")]), root)
    first, second = grid(markdown.page(table))[2:]
    assert first[2:] == ["0.7", "1.0×", "--"]
    assert second[2:] == ["0.7", "1.5×", "--"]
    assert "multiple (×) of the first row of ours" in markdown.page(table)
    assert r"2 & B & 0.7 & 1.5$\times$ \\" in latex.document(table)


@pytest.mark.parametrize(
    ("plain", "shown"),
    [
        ("a|b", r"a\|b"),
        ("se_densenet*", r"se\_densenet\*"),
        ("<b> [9](x) `y`", r"\<b> \[9](x) \`y\`"),
        ("two\nlines\\", "two lines\\\\"),
    ],
)
def test_markdown_is_escaped(plain, shown):
    assert markdown.escape(plain) == shown


def test_the_docs_name_every_column_and_every_status():
    page = Path("docs/tables.md").read_text(encoding="utf-8")
    lines = page.split("## One line per number")[1].split("## In LaTeX")[0].splitlines()
    named = [
        name for line in lines if line.startswith("| `") for name in re.findall("`(\\w+)`", cells(line)[0])
    ]
    assert sorted(named) == sorted(tidy.COLUMNS)
    assert all(f"`{status}`" in page for status in get_args(Status))
