"""What DVC compares: our numbers by table, row and column, the claims' differences, and a CSV to plot."""

import csv
import json

import pytest

from vreid.params.errors import UserError
from vreid.params.plan import PagePlan
from vreid.reporting.claims import write_claims
from vreid.reporting.collect import write_page
from vreid.reporting.metrics import write_metrics
from vreid.reporting.tables import write_table

from .conftest import claim, claims_plan, column, own_row, side, table_plan, write_evaluation, write_per_query

PARTS = ("tables/se_densenet/table1", "tables/se_densenet/table2", "claims/se_densenet")


@pytest.fixture
def reports(plan, root):
    """A page of two tables, the second with two columns of one label, and a claim of two comparisons."""
    folder = root / "reports"
    write_table(plan, folder / "tables/se_densenet", root)
    results = {"queries": 8, "valid_queries": 8, "gallery": 24, "trials": 1, "mAP": 0.5, "cmc": [0.25]}
    file = write_evaluation(root, "se_densenet-x-veri776-s0-0", {"veri776": results})
    row = own_row(1, "Ours", (None, 25.1), ("se_densenet-x-veri776-s0-0",), (file,))
    other = table_plan([row], [column("mAP", "same"), column("R1", "same")], table="table2", title="Table 2")
    write_table(other, folder / "tables/se_densenet", root)
    better, worse, absent = (
        side(name, [write_per_query(root, f"p-{name}-d-s{s}-0", [ap] * 3, [1, 2, 3]) for s in range(2)])
        for name, ap in (("a", 0.9), ("b", 0.5), ("c", 0.4))
    )
    gone = side("d", [], status="not in this preset")
    pairs = [(better, worse, 1.5), (better, absent, None), (better, worse, 2.0), (better, gone, 1.0)]
    write_claims(claims_plan([claim(*pairs)]), folder / "claims", root)
    page = PagePlan(title="A page", parts=PARTS, digest="d1")
    write_page(page, folder / "papers/se_densenet", folder)
    return folder


def test_means_over_seeds_stand_by_table_row_and_column(reports):
    write_metrics("se_densenet", reports)
    found = json.loads((reports / "metrics/se_densenet.json").read_text())
    assert found["made"] == "synthetic data, preset demo"
    assert found["tables"] == {
        "table1": {
            "1 Baseline": {"mAP": (60.25 + 61.25) / 2, "Rank-1": (70 + 75) / 2},
            "2 Proposed": {"mAP": 66.05, "Rank-1": 80.0},
        },
        "table2": {"1 Ours": {"same": 50.0, "same (2)": 25.0}},
    }


def test_claims_have_their_differences_in_points_and_their_verdict(reports):
    write_metrics("se_densenet", reports)
    (found,) = json.loads((reports / "metrics/se_densenet.json").read_text())["claims"].values()
    assert found.pop("verdict")
    assert found == pytest.approx({"a over b": 40, "a over c": 50, "a over b (2)": 40})


def test_what_is_plotted_are_the_values_beside_which_the_paper_prints_one(reports):
    write_metrics("se_densenet", reports)
    with (reports / "metrics/se_densenet.csv").open(newline="") as file:
        lines = [tuple(line.values()) for line in csv.DictReader(file)]
    assert {line[6:] for line in lines} == {("synthetic", "demo")}
    assert [line[:6] for line in lines] == [
        ("table1", "1 Baseline", "mAP", "68.5", "60.75", "-7.75"),
        ("table1", "1 Baseline", "Rank-1", "92.5", "72.5", "-20"),
        ("table1", "2 Proposed", "mAP", "75.5", "66.05", "-9.45"),
        ("table1", "2 Proposed", "Rank-1", "94.8", "80", "-14.8"),
        ("table2", "1 Ours", "same (2)", "25.1", "25", "-0.1"),
    ]


def test_a_missing_page_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match=r"papers/dpa\.json cannot be read .*: run the pipeline"):
        write_metrics("dpa", tmp_path)
