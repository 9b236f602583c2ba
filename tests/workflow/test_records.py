"""Runs are tracked, failed ones too, and every number of a table can be walked back to them."""

import csv
import json
import sqlite3

import pytest
from tests.workflow.project import Project

pytestmark = [pytest.mark.pipeline, pytest.mark.xdist_group("pipeline")]

PAPER = "params/papers/se_densenet.yaml"


def mlflow_runs(project: Project) -> dict[str, str]:
    """Status by run id, read from MLflow's database without MLflow."""
    with sqlite3.connect(project.folder / "mlflow.db") as database:
        return dict(database.execute("SELECT run_uuid, status FROM runs WHERE lifecycle_stage = 'active'"))


def tracked(project: Project) -> list[dict[str, str]]:
    return json.loads((project.folder / "reports/tracking.json").read_text())["runs"]


def test_mlflow_lists_as_many_runs_as_were_trained(finished: Project):
    trained = sorted(path.parent.name for path in finished.folder.glob("runs/*/model.safetensors"))
    done = [run for run, status in mlflow_runs(finished).items() if status == "FINISHED"]
    assert len(done) == len(trained) >= 4
    assert sorted(entry["run"] for entry in tracked(finished)) == trained


def test_every_cell_can_be_walked_back_to_its_runs(finished: Project):
    ids = {entry["run"]: entry["mlflow_run_id"] for entry in tracked(finished)}
    with (finished.folder / "reports/all_tables.csv").open() as file:
        cells = [cell for cell in csv.DictReader(file) if cell["kind"] == "own"]
    assert len(cells) == 2 * (4 + 1)
    for cell in cells:
        assert cell["status"] == "run"
        (run,) = cell["runs"].split()
        folder = finished.folder / "runs" / run
        config = json.loads((folder / "config.json").read_text())
        provenance = json.loads((folder / "run.json").read_text())
        assert config["seed"] == 0
        assert config["data"].startswith("veri776-")
        assert len(config["code"]) == 16
        assert provenance["git_commit"]
        (evaluation,) = folder.glob("eval-*/evaluation.json")
        found = json.loads(evaluation.read_text())["protocols"]["veri776"]
        value = found["mAP"] if cell["metric"] == "mAP" else found["cmc"][0]
        assert float(cell["value"]) == pytest.approx(100 * value, abs=1e-6)
        assert mlflow_runs(finished)[ids[run]] == "FINISHED"


def test_the_csv_has_the_columns_that_were_promised(finished: Project):
    with (finished.folder / "reports/tables/se_densenet/table2.csv").open() as file:
        rows = list(csv.reader(file))
    promised = (
        "paper,table,row,label,kind,dataset,metric,paper_value,value,sd,n_seeds,source,preset,status,runs"
    )
    assert rows[0][:15] == promised.split(",")
    assert len(rows) == 1 + 12 * 2
    assert rows[1][:8] == ["se_densenet", "table2", "1", "LOMO", "cited", "veri776", "mAP", "9.8"]


def test_a_failed_run_is_told_and_blocks_nothing_else(restored: Project):
    before = mlflow_runs(restored)
    restored.edit(PAPER, "proposed: {}", "proposed: {optimizer.lr: 1.0e+30}")
    done = restored.call(
        "snakemake", "--cores", "2", "--resources=gpu=2", "--", "reports/all_tables.md", check=False
    )
    assert done.returncode != 0
    assert "loss" in done.stdout + done.stderr
    after = mlflow_runs(restored)
    assert [status for run, status in after.items() if run not in before] == ["FAILED"]
    restored.call("git", "checkout", "--quiet", "--", PAPER)
    restored.call("snakemake", "--cores", "2", "--", "reports/all_tables.md")
    assert mlflow_runs(restored) == after
