"""Many tables on one page."""

import csv
import io
import json
import re

import pytest

from vreid.params.errors import UserError
from vreid.params.plan import CellPlan, DeparturesPlan, PagePlan
from vreid.reporting.claims import write_claims
from vreid.reporting.collect import write_page
from vreid.reporting.tables import write_table

from .conftest import claim, claims_plan, side, write_per_query
from .typeset import assert_balanced, assert_compiles, needs_pdflatex


def figure(name, **changes):
    fields = {
        "paper": "se_densenet",
        "figure": name,
        "title": name.replace("figure", "Figure "),
        "caption": "mAP against gamma_",
        "citation": "Zhang et al.: A model. CMC, 2021",
        "preset": "demo",
        "preset_label": "rendered stand-in, 12 of 120 epochs",
        "source": "synthetic",
        "seeds": (0, 1),
        "digest": "f1",
        "notes": ("Points: means over seeds.",),
        "runs": {"drawn": ["p-drawn-d-s0-0"], "also in a table": [AUDITED]},
    }
    return fields | changes


AUDITED = "se_densenet-proposed-veri776-s0-bbbbbbbbb0"
RULES = {"feature": "after_neck", "distance": "cosine"}
AUDIT = {
    "digest": "a1",
    "run": AUDITED,
    "protocol": "veri776",
    "note": "rendered stand-in; synthetic data",
    "paper": {},
    "closest": None,
    "variants": [
        {"settings": RULES, "mAP": 0.6605, "R1": 0.8},
        {"settings": RULES | {"distance": "euclidean"}, "mAP": 0.6705, "R1": 0.75},
        {"settings": {"feature": "before_neck", "distance": "euclidean"}, "mAP": 0.1, "R1": 0.1},
    ],
    "left_out": [],
}


@pytest.fixture
def reports(plan, root):
    folder = root / "reports"
    other = {"paper": "dpa", "table": "table3", "title": "Table 3", "citation": "Li: DpA", "digest": "beef"}
    recipe = (*plan.recipe, "epochs: 12 (paper: 120)")
    for changes in ({}, {"table": "table2", "title": "Table 2", "recipe": recipe}, other):
        changed = plan.model_copy(update=changes)
        write_table(changed, folder / "tables" / changed.paper, root)
    write(folder / "figures/se_densenet/figure6.json", figure("figure6"))
    write(folder / f"audits/{AUDITED}/audit.json", AUDIT)
    write_claims(with_claims(root), folder / "claims", root)
    return folder


def with_claims(root):
    files = {
        name: [write_per_query(root, f"p-{name}-d-s{s}-0", [ap] * 3, [1, 2, 3]) for s in range(2)]
        for name, ap in (("a", 0.9), ("b", 0.5))
    }
    return claims_plan([claim((side("A", files["a"]), side("B", files["b"]), 1.5))])


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


PARTS = ("tables/se_densenet/table1", "tables/se_densenet/table2", "tables/dpa/table3")

WHOLE = (
    "tables/se_densenet/table1",
    "tables/se_densenet/table2",
    "figures/se_densenet/figure6",
    "claims/se_densenet",
    f"audits/{AUDITED}/audit",
)


def test_a_page_holds_its_tables_in_the_plans_order(reports):
    write_page(PagePlan(title="All tables", parts=PARTS, digest="d1"), reports / "all_tables", reports)
    text = (reports / "all_tables.md").read_text()
    heads = [line for line in text.splitlines() if line.startswith("#")]
    assert heads == [
        "# All tables",
        r"## se\_densenet",
        "### Table 1: Qualitative analysis",
        "### Table 2: Qualitative analysis",
        "## dpa",
        "### Table 3: Qualitative analysis",
    ]
    assert "2 papers, 3 tables, 4 runs in tables (those of figures or claims alone are not counted" in text
    assert "here). **synthetic data; preset demo (rendered" in text
    assert text.count("Zhang et al.: A model. CMC, 2021") == 1


def test_every_entry_of_the_contents_has_its_anchor(reports):
    write_page(PagePlan(title="All tables", parts=PARTS, digest="d1"), reports / "all_tables", reports)
    text = (reports / "all_tables.md").read_text()
    anchors = ["se_densenet", "se_densenet-table1", "se_densenet-table2", "dpa", "dpa-table3"]
    for anchor in anchors:
        assert text.count(f"](#{anchor})") == 1
        assert text.count(f'<a id="{anchor}"></a>') == 1


def test_a_page_that_lacks_a_run_or_a_part_says_so_and_records_no_digest(reports):
    plan = PagePlan(title="All tables", parts=PARTS, digest="d1")
    write_page(plan, reports / "all_tables", reports, {PARTS[1]: "failed; why (logs/table/a.log)"})
    for suffix in ("md", "tex"):
        text = (reports / f"all_tables.{suffix}").read_text()
        assert "Partial report, as of " in text
        assert "Of 4 runs: 1 run failed, 0 pending." in text  # a seed of each table has ended with an error
        assert "failed; why (logs/table/a.log)" in text
    value = json.loads((reports / "all_tables.json").read_text())
    assert value["digest"] == ""
    assert len(value["tables"]) == len(PARTS) - 1


def test_a_page_of_complete_parts_records_the_plans_digest(reports):
    complete = (f"audits/{AUDITED}/audit", "figures/se_densenet/figure6")
    write_page(PagePlan(title="A page", parts=complete, digest="d1"), reports / "page", reports)
    assert json.loads((reports / "page.json").read_text())["digest"] == "d1"
    assert "Partial" not in (reports / "page.md").read_text()


def test_csv_json_and_latex_hold_all_tables(reports):
    write_page(PagePlan(title="All tables", parts=PARTS, digest="d1"), reports / "all_tables", reports)
    rows = list(csv.DictReader(io.StringIO((reports / "all_tables.csv").read_text())))
    assert [row["table"] for row in rows] == ["table1"] * 6 + ["table2"] * 6 + ["table3"] * 6
    value = json.loads((reports / "all_tables.json").read_text())
    assert [(t["paper"], t["table"]) for t in value["tables"]] == [
        ("se_densenet", "table1"),
        ("se_densenet", "table2"),
        ("dpa", "table3"),
    ]
    text = (reports / "all_tables.tex").read_text()
    assert text.count(r"\begin{table}") == 3
    assert text.index("Table 2") < text.index("Li: DpA")


def test_a_papers_page_does_not_repeat_its_citation(reports):
    citation = "Zhang et al.: A model. CMC, 2021"
    page = PagePlan(title=citation, parts=PARTS[:2], digest="d2")
    write_page(page, reports / "papers/se_densenet", reports)
    assert (reports / "papers/se_densenet.md").read_text().count(citation) == 1


def test_a_papers_page_holds_everything_that_was_made_of_it(reports):
    write_page(PagePlan(title="A paper", parts=WHOLE, digest="d"), reports / "papers/se_densenet", reports)
    text = (reports / "papers/se_densenet.md").read_text()
    heads = [line for line in text.splitlines() if line.startswith("#")]
    assert heads == [
        "# A paper",
        r"## se\_densenet",
        "### Table 1: Qualitative analysis",
        "### Table 2: Qualitative analysis",
        r"### Figure 6: mAP against gamma\_",
        "### Claims",
        "### What the decimals say",
        "### Contradictions in the paper",
        "### Deviations from the paper",
        "### How far the rules of evaluation move the numbers",
    ]
    # Two methods of two seeds each in both tables; the figure's run, and two seeds of the claim's two sides
    assert "1 paper, 2 tables, 1 figure, 9 runs (4 in tables, 5 for figures or claims alone). **synth" in text
    assert "1 claim: 1 reproduced, 0 not reproduced, 0 inconclusive, 0 not run." in text
    for link in re.findall(r"\]\(#(.+?)\)", text):
        assert text.count(f'<a id="{link}"></a>') == 1
    value = json.loads((reports / "papers/se_densenet.json").read_text())
    assert {key: len(value[key]) for key in ("tables", "figures", "claims", "audits")} == {
        "tables": 2,
        "figures": 1,
        "claims": 1,
        "audits": 1,
    }


def test_links_lead_from_the_page_to_the_files(reports):
    write_page(PagePlan(title="A paper", parts=WHOLE, digest="d"), reports / "papers/se_densenet", reports)
    text = (reports / "papers/se_densenet.md").read_text()
    files = re.findall(r"\]\(([^#)]+)\)", text)
    assert files == [
        "../figures/se_densenet/figure6.png",
        f"../audits/{AUDITED}/audit.png",
        f"../audits/{AUDITED}/audit.json",
    ]
    write_page(PagePlan(title="All", parts=WHOLE[2:3], digest="d"), reports / "all", reports)
    assert "](figures/se_densenet/figure6.png)" in (reports / "all.md").read_text()


def test_a_figure_says_on_which_data_it_was_made(reports):
    write_page(PagePlan(title="All", parts=WHOLE[2:3], digest="d"), reports / "all", reports)
    text = (reports / "all.md").read_text()
    label, image = text.index("**Ours: synthetic data; preset demo"), text.index("![Figure 6")
    assert label < image < text.index("Points: means over seeds.")


def test_the_audit_shows_one_choice_at_a_time(reports):
    left_out = ["feature after_neck: no neck", "x"]
    write(reports / f"audits/{AUDITED}/audit.json", AUDIT | {"left_out": left_out})
    write_page(PagePlan(title="All", parts=WHOLE[4:], digest="d"), reports / "all", reports)
    text = (reports / "all.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert rows[2:] == [
        "| **as evaluated** |  | 66.1 |  | 80.0 |  |",
        "| distance | euclidean | 67.1 | +1.0 | 75.0 | -5.0 |",
    ]
    assert "**rendered stand-in; synthetic data; seed 0.**" in text
    assert "Left out: feature after_neck: no neck; x." in text.replace("\\_", "_")
    typeset = (reports / "all.tex").read_text()
    assert r"\textbf{as evaluated} &  & 66.1 &  & 80.0 &  \\" in typeset
    assert r"distance & euclidean & 67.1 & $+$1.0 & 75.0 & $-$5.0 \\" in typeset
    assert r"\textbf{rendered stand-in; synthetic data; seed 0.}" in typeset
    assert r"Left out: feature after\_neck: no neck; x." in typeset


def test_what_all_recipes_share_is_said_once(reports):
    write_page(PagePlan(title="All tables", parts=PARTS, digest="d1"), reports / "all_tables", reports)
    text = (reports / "all_tables.md").read_text()
    differs = "Differs from the paper's recipe, or is read into it, in input.height: 64 (paper: 256)."
    shared = f"**All tables:** {differs}"
    first, second = text.split("## dpa")
    assert first.count(shared) == 1
    assert first.count("input.height: 64") == 1
    assert "Here it differs also in epochs: 12 (paper: 120)." in first
    # a paper's only table says it itself
    assert "**All tables:**" not in second
    assert second.count("input.height: 64") == 1


def test_a_table_that_the_preset_leaves_out_has_no_part_in_what_all_recipes_share(reports, plan, root):
    left = CellPlan(status="not in this preset")
    rows = tuple(
        row.model_copy(update={"cells": (left,) * len(row.cells)}) if row.kind == "own" else row
        for row in plan.rows
    )
    write_table(
        plan.model_copy(update={"table": "table2", "rows": rows, "recipe": ()}),
        reports / "tables/se_densenet",
        root,
    )
    write_page(PagePlan(title="All", parts=PARTS[:2], digest="d"), reports / "all", reports)
    text = (reports / "all.md").read_text()
    differs = "Differs from the paper's recipe, or is read into it, in input.height: 64 (paper: 256)."
    assert f"**All tables:** {differs}" in text
    assert "Recipe: the paper's" not in text


def test_a_page_of_claims_alone_has_their_csv(reports):
    write_page(PagePlan(title="Claims", parts=WHOLE[3:4], digest="d"), reports / "all_claims", reports)
    [row] = csv.DictReader(io.StringIO((reports / "all_claims.csv").read_text()))
    assert (row["claim"], row["verdict"], row["difference"]) == ("gain", "reproduced", "40")


def test_what_is_true_of_a_part_of_a_table_alone_is_said_there_and_not_of_all(reports, plan, root):
    part = DeparturesPlan(rows=(2,), lines=("input.height: 75 (paper: 299)",))
    for name in ("table1", "table2"):
        changes = {"table": name, "recipe": (), "recipe_in": (part,)}
        write_table(plan.model_copy(update=changes), reports / "tables/se_densenet", root)
    write_page(PagePlan(title="All", parts=PARTS[:2], digest="d"), reports / "all", reports)
    text = (reports / "all.md").read_text()
    assert "**All tables:** Recipe: the paper's, but for what stands above each table." in text
    assert text.count("In row 2 also in input.height: 75 (paper: 299).") == 2
    assert (reports / "all.tex").read_text().count("In row 2 also in input.height: 75") == 2


def test_every_form_says_on_what_it_was_made_before_any_number(reports):
    write_page(PagePlan(title="A paper", parts=WHOLE, digest="d"), reports / "papers/se_densenet", reports)
    label = "synthetic data; preset demo (rendered stand-in, 12 of 120 epochs)."
    assert json.loads((reports / "papers/se_densenet.json").read_text())["made"] == label
    for form, first in (("md", "| --: "), ("tex", r"\toprule")):
        text = (reports / f"papers/se_densenet.{form}").read_text()
        assert text.index(label) < text.index(first)
    rows = list(csv.DictReader(io.StringIO((reports / "papers/se_densenet.csv").read_text())))
    made = {(row["source"], row["preset"], row["preset_label"]) for row in rows}
    assert made == {("synthetic", "demo", "rendered stand-in, 12 of 120 epochs")}


@needs_pdflatex
def test_the_latex_of_a_page_compiles_with_its_figures(reports):
    from matplotlib.figure import Figure

    Figure(figsize=(2, 20)).savefig(reports / "figures/se_densenet/figure6.pdf")
    Figure(figsize=(8, 4)).savefig(reports / f"audits/{AUDITED}/audit.pdf")
    page = PagePlan(title="A paper", parts=WHOLE, digest="d")
    write_page(page, reports / "papers/se_densenet", reports)
    text = (reports / "papers/se_densenet.tex").read_text()
    assert_balanced(text)
    assert "{../figures/se_densenet/figure6.pdf}" in text
    assert f"{{../audits/{AUDITED}/audit.pdf}}" in text
    assert_compiles(reports / "papers", "se_densenet")


def test_a_part_of_another_kind_is_one_sentence(reports):
    page = PagePlan(title="All", parts=("runs/p-a-d-s0-0000000000",), digest="d")
    with pytest.raises(UserError, match="collects tables, figures, claims and audits, nothing else"):
        write_page(page, reports / "all", reports)


def test_a_missing_table_is_one_sentence(reports):
    page = PagePlan(title="All", parts=("tables/se_densenet/table9",), digest="d")
    with pytest.raises(UserError, match=r"table9\.json cannot be read"):
        write_page(page, reports / "all_tables", reports)
    assert not (reports / "all_tables.md").exists()
