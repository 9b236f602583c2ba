"""Many tables on one page."""

import csv
import io
import json

import pytest

from vreid.params.errors import UserError
from vreid.params.plan import PagePlan
from vreid.reporting.collect import write_page
from vreid.reporting.tables import write_table


@pytest.fixture
def reports(plan, root):
    folder = root / "reports"
    other = {"paper": "dpa", "table": "table3", "title": "Table 3", "citation": "Li: DpA", "digest": "beef"}
    for changes in ({}, {"table": "table2", "title": "Table 2"}, other):
        changed = plan.model_copy(update=changes)
        write_table(changed, folder / "tables" / changed.paper, root)
    return folder


PARTS = ("tables/se_densenet/table1", "tables/se_densenet/table2", "tables/dpa/table3")


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
    assert "2 papers, 3 tables, 4 runs. **synthetic data; preset demo (demo: rendered stand-in" in text
    assert text.count("Zhang et al.: A model. CMC, 2021") == 1


def test_every_entry_of_the_contents_has_its_anchor(reports):
    write_page(PagePlan(title="All tables", parts=PARTS, digest="d1"), reports / "all_tables", reports)
    text = (reports / "all_tables.md").read_text()
    anchors = ["se_densenet", "se_densenet-table1", "se_densenet-table2", "dpa", "dpa-table3"]
    for anchor in anchors:
        assert text.count(f"](#{anchor})") == 1
        assert text.count(f'<a id="{anchor}"></a>') == 1


def test_csv_json_and_latex_hold_all_tables(reports):
    write_page(PagePlan(title="All tables", parts=PARTS, digest="d1"), reports / "all_tables", reports)
    rows = list(csv.DictReader(io.StringIO((reports / "all_tables.csv").read_text())))
    assert [row["table"] for row in rows] == ["table1"] * 6 + ["table2"] * 6 + ["table3"] * 6
    value = json.loads((reports / "all_tables.json").read_text())
    assert value["digest"] == "d1"
    assert [(t["paper"], t["digest"]) for t in value["tables"]] == [
        ("se_densenet", "feed"),
        ("se_densenet", "feed"),
        ("dpa", "beef"),
    ]
    text = (reports / "all_tables.tex").read_text()
    assert text.count(r"\begin{tabular}") == 3
    assert text.index("Table 2") < text.index("Li: DpA")


def test_a_papers_page_does_not_repeat_its_citation(reports):
    citation = "Zhang et al.: A model. CMC, 2021"
    page = PagePlan(title=citation, parts=PARTS[:2], digest="d2")
    write_page(page, reports / "papers/se_densenet", reports)
    assert (reports / "papers/se_densenet.md").read_text().count(citation) == 1


def test_a_missing_table_is_one_sentence(reports):
    page = PagePlan(title="All", parts=("tables/se_densenet/table9",), digest="d")
    with pytest.raises(UserError, match=r"table9\.json cannot be read"):
        write_page(page, reports / "all_tables", reports)
    assert not (reports / "all_tables.md").exists()
