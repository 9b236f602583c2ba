"""The page of everything, made by the real workflow."""

import json

import pytest
from tests.reporting.site.tree import parse
from tests.workflow.project import Project
from tests.workflow.test_dag import RUNS

pytestmark = [pytest.mark.pipeline, pytest.mark.xdist_group("pipeline")]

STYLE = "src/vreid/reporting/site/styles/colours.css"


def test_the_page_holds_every_report_and_every_run(finished: Project):
    reports = finished.folder / "reports"
    page = parse((reports / "index.html").read_text(encoding="utf-8"))
    tables = [f"se_densenet-table{number}" for number in (1, 2, 3, 4)]
    assert [one.attributes["id"] for one in page.all("section") if one.all("table", class_="results")] == [
        "se_densenet",
        *tables,
    ]
    assert len(page.all("figure")) == 3
    known = json.loads(page.one("script", type="application/json").text())["runs"]
    assert set(known) <= {path.name for path in (finished.folder / "runs").iterdir()}
    assert sorted("-".join(name.split("-")[1:3]) for name in known) == RUNS
    tracked = json.loads((reports / "tracking.json").read_text(encoding="utf-8"))["runs"]
    ids = {run["run"]: run["mlflow_run_id"] for run in tracked}
    for name, run in known.items():
        told = dict(dict(run["facts"])["Identity"])
        assert told["MLflow run"].startswith(ids[name])
        assert [step for step, _ in run["loss"]] == [1, 2]
    assert "synthetic data" in page.one("p", class_="label").text()


def test_a_style_makes_the_page_and_nothing_else(restored: Project):
    style = restored.folder / STYLE
    style.write_text(style.read_text(encoding="utf-8") + "/* another */\n", encoding="utf-8")
    assert restored.planned_jobs() == [("index", "")]
