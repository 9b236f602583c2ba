"""What the pipeline leaves behind agrees with itself: `vreid explain` and `vreid diff` on its reports."""

import json
from pathlib import Path

import pytest
from tests.workflow.project import Project

pytestmark = [pytest.mark.pipeline, pytest.mark.xdist_group("pipeline")]


@pytest.mark.parametrize(
    ("target", "runs"),
    [
        ("reports/all_tables.csv:se_densenet/table4:Ours:all dark", 1),  # trained and tested on other images
        ("reports/claims/se_densenet.json:proposed-over-baseline", 2),
        ("reports/figures/se_densenet/figure5.png", 1),
    ],
)
def test_a_number_is_walked_back_and_everything_agrees(finished: Project, target, runs):
    found = json.loads(finished.call("vreid", "explain", target, "--json").stdout)
    checks = found["checks"] + [check for run in found["runs"] for check in run["checks"]]
    assert [check for check in checks if check["holds"] is not True] == []
    tracked = json.loads((finished.folder / "reports/tracking.json").read_text())["runs"]
    ids = {run["run"]: run["mlflow_run_id"] for run in tracked}
    assert len(found["runs"]) == runs
    for run in found["runs"]:
        assert run["tracked"]["run_id"] == ids[run["run"]]
        assert all(file["sha256"] for file in run["files"])
        assert Path(finished.folder / run["data"]["splits"]).is_file()
        assert run["recipe"]


def test_reports_are_like_themselves_as_pages(finished: Project, tmp_path):
    for page in ("all_tables.json", "claims.json"):
        (tmp_path / page).write_bytes((finished.folder / "reports" / page).read_bytes())
    finished.call("vreid", "diff", "--exit-code", "reports", str(tmp_path))
