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
    assert len(done) == len(trained) >= 7
    told = [entry["run"] for entry in tracked(finished) if entry["mlflow_run_id"] in done]
    assert sorted(told) == trained


def test_every_cell_can_be_walked_back_to_its_runs(finished: Project):
    ids = {entry["run"]: entry["mlflow_run_id"] for entry in tracked(finished)}
    statuses = mlflow_runs(finished)
    with (finished.folder / "reports/all_tables.csv").open() as file:
        lines = [line for line in csv.DictReader(file) if line["kind"] == "own"]
    cells = [
        (table.stem, str(row["row"]), cell)
        for table in sorted((finished.folder / "reports/tables/se_densenet").glob("*.json"))
        for row in json.loads(table.read_text())["rows"]
        if row["kind"] == "own"
        for cell in row["cells"]
    ]
    assert len(lines) == len(cells) == 4 * 2 + 2 + 6 + 3
    for line, (table, row, cell) in zip(lines, cells, strict=True):
        assert (line["table"], line["row"], line["status"]) == (table, row, "run")
        (run,), (evaluation,) = cell["runs"], cell["evaluations"]
        assert line["runs"] == run
        folder = finished.folder / "runs" / run
        config = json.loads((folder / "config.json").read_text())
        provenance = json.loads((folder / "run.json").read_text())
        assert config["seed"] == 0
        assert config["data"].startswith(f"{line['dataset']}-")
        assert len(config["code"]) == 16
        assert provenance["git_commit"]
        assert evaluation.startswith(f"runs/{run}/")
        found = json.loads((finished.folder / evaluation).read_text())["protocols"][line["protocol"]]
        rank = {"R1": 1, "R5": 5}
        value = found["mAP"] if line["metric"] == "mAP" else found["cmc"][rank[line["metric"]] - 1]
        assert float(line["value"]) == pytest.approx(100 * value, abs=1e-6)
        assert statuses[ids[run]] == "FINISHED"


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
    restored.edit(PAPER, "  baseline:\n", "  baseline:\n    optimizer.lr: 1.0e+30\n")
    done = restored.call(
        "snakemake", "--cores", "2", "--resources=gpu=2", "--", "reports/all_tables.md", check=False
    )
    assert done.returncode != 0
    assert "loss" in done.stdout + done.stderr
    after = mlflow_runs(restored)
    assert [status for run, status in after.items() if run not in before] == ["FAILED"]
    restored.call("git", "checkout", "--quiet", "--", PAPER)
    restored.call("snakemake", "--cores", "2")
    assert mlflow_runs(restored) == after
