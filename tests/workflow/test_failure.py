"""A failed run, unreadable data, a killed pipeline: pages are true and complete about what is there."""

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.workflow.project import Project

pytestmark = [pytest.mark.pipeline, pytest.mark.xdist_group("pipeline")]

PAGE = "reports/papers/se_densenet"
TARGETS = (f"{PAGE}.md", "reports/all_tables.md", "reports/index.html")
DIVERGES = ("  baseline:\n", "  baseline:\n    optimizer.lr: 1.0e+30\n")


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """A copy of the finished pipeline, without what Snakemake remembers."""
    unwanted = shutil.ignore_patterns(".snakemake", ".vreid", "logs")
    shutil.copytree(finished.folder, tmp_path / "copy", symlinks=True, ignore=unwanted)
    return Project(tmp_path / "copy")


def cells(project: Project, page: str = PAGE) -> dict[tuple[str, str, int], dict]:
    """Every cell of ours on a page, by table, row and column."""
    found = json.loads((project.folder / f"{page}.json").read_text())
    return {
        (table["table"], row["label"], column): cell
        for table in found["tables"]
        for row in table["rows"]
        if row["kind"] == "own"
        for column, cell in enumerate(row["cells"])
    }


def header(project: Project, page: str = PAGE) -> str:
    """What stands between a Markdown page's title and its contents."""
    return (project.folder / f"{page}.md").read_text().partition("\n- [")[0]


def test_a_failed_run_is_a_cell_and_its_paper_is_made(finished: Project, project: Project):
    project.edit("params/papers/se_densenet.yaml", *DIVERGES)
    done = project.call("snakemake", "--cores", "2", "--resources=gpu=2", "--", *TARGETS, check=False)
    assert done.returncode == 1
    before, after = cells(finished), cells(project)
    failed = {place for place, cell in after.items() if cell["status"] == "failed"}
    assert failed
    assert before.keys() == after.keys()
    for place, cell in after.items():
        if place in failed:
            assert "baseline" in cell["runs"][0]
            assert cell["values"] == []
            assert "not a finite number" in cell["reason"]
            log = cell["reason"].rpartition("(")[2].rstrip(")")
            assert log.startswith("logs/train/se_densenet-baseline-")
            assert "not a finite number" in (project.folder / log).read_text()
        else:
            assert cell == before[place]
    for page in (PAGE, "reports/all_tables"):
        assert "Partial report, as of " in header(project, page)
        assert "1 run failed, 0 pending" in header(project, page)
    assert "1 run failed, 0 pending" in (project.folder / "reports/index.html").read_text()
    claims = json.loads((project.folder / "reports/claims/se_densenet.json").read_text())["claims"]
    compared = [
        side["runs"]
        for claim in claims
        for pair in claim["comparisons"]
        for side in (pair["better"], pair["worse"])
    ]
    assert any("-baseline-" in run for runs in compared for run in runs)
    for claim in claims:
        sides = [side for pair in claim["comparisons"] for side in (pair["better"], pair["worse"])]
        if any("-baseline-" in run for side in sides for run in side["runs"]):
            assert "failed" in json.dumps(claim["comparisons"])

    again = project.planned_jobs(*TARGETS)
    tried = [wildcards for rule, wildcards in again if rule == "train"]
    assert len(tried) == 1
    assert "baseline" in tried[0]
    assert {"table", "claims", "page", "index"} < {rule for rule, _ in again}

    project.call("git", "checkout", "--quiet", "--", "params")  # a later success
    project.call("snakemake", "--cores", "2", "--resources=gpu=2", "--", *TARGETS)
    assert cells(project) == before
    assert "Partial" not in header(project)
    assert "artial report" not in (project.folder / "reports/index.html").read_text()
    assert project.planned_jobs(*TARGETS) == []


def test_data_that_cannot_be_read_take_their_own_cells_alone(finished: Project, project: Project):
    (raw,) = (project.folder / "data/raw/synthetic").glob("vehicleid-*")
    shutil.rmtree(raw)
    raw.mkdir()
    for made in ("index", "splits", "baselines"):
        for file in (project.folder / "data" / made).rglob("vehicleid-*"):
            file.unlink()
    for folder in (project.folder / "data/packed").rglob("vehicleid-*"):
        shutil.rmtree(folder)
    for run in (project.folder / "runs").glob("*-vehicleid-*"):
        shutil.rmtree(run)
    shutil.rmtree(project.folder / "reports")  # what is complete stays complete without its data
    done = project.call("snakemake", "--cores", "2", "--resources=gpu=2", "--", *TARGETS, check=False)
    assert done.returncode == 1
    before, after = cells(finished), cells(project)
    failed = {place for place, cell in after.items() if cell["status"] == "failed"}
    assert failed == {
        place for place, cell in before.items() if any("-vehicleid-" in r for r in cell["runs"])
    }
    assert failed
    for place, cell in after.items():
        assert (
            ("logs/verify/synthetic/vehicleid-" in cell["reason"])
            if place in failed
            else cell == before[place]
        )
    assert "1 run failed, 0 pending" in header(project)


def test_a_killed_pipeline_leaves_the_old_page_marked_and_what_is_there_can_be_seen(
    finished: Project, project: Project
):
    (run,) = (project.folder / "runs").glob("se_densenet-baseline-*")
    shutil.rmtree(run)
    for report in ("tables/se_densenet/table1.json", "papers/se_densenet.json", "all_tables.json"):
        file = project.folder / "reports" / report
        file.write_text(json.dumps(json.loads(file.read_text()) | {"digest": "of other parameters"}))
    pipeline = subprocess.Popen(
        ["snakemake", "--cores", "2", "--resources=gpu=2", "--", *TARGETS],
        cwd=project.folder,
        env=project.variables(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 300
    while not list(run.glob("events.jsonl")) and time.monotonic() < end:
        assert pipeline.poll() is None
        time.sleep(0.05)
    pipeline.send_signal(signal.SIGKILL)
    pipeline.wait()

    assert "Out of date" in header(project)
    assert json.loads((project.folder / f"{PAGE}.json").read_text())["digest"] == ""
    project.call("vreid", "report", "now")
    now = "reports/now/papers/se_densenet"
    before, after = cells(finished), cells(project, now)
    assert before.keys() == after.keys()
    pending = {place for place, cell in after.items() if cell["status"] == "pending"}
    assert pending == {place for place, cell in before.items() if run.name in cell["runs"]}
    assert pending
    assert all(cell == before[place] for place, cell in after.items() if place not in pending)
    assert "Partial report, as of " in header(project, now)
    assert "0 runs failed, 1 pending" in header(project, now)
    assert (project.folder / "reports/now/index.html").is_file()

    project.call("snakemake", "--cores", "2", "--resources=gpu=2", "--", *TARGETS)
    assert "Out of date" not in header(project)
    assert cells(project) == before
