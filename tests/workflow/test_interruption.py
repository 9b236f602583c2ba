"""A killed pipeline goes on by the same command, two do not work in one folder, and damage is mended."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from tests.faults.pipeline import Kill, Record, run_struck
from tests.faults.results import differences
from tests.workflow.project import Project

from snakemake_logger_plugin_vreid.alone import held

pytestmark = [pytest.mark.pipeline, pytest.mark.xdist_group("pipeline")]

TARGET = "reports/all_tables.md"
AGAIN = ("baseline-veri776", "proposed-vehicleid")
"""The runs that are trained again; the rest of the pipeline stands, so that it takes seconds."""


def test_killed_in_its_midst_a_pipeline_goes_on_and_ends_with_the_same_bytes(
    finished: Project, tmp_path: Path
):
    project = _copied(finished, tmp_path / "killed")
    for kind in AGAIN:
        (run,) = (project.folder / "runs").glob(f"se_densenet-{kind}-*")
        shutil.rmtree(run)  # trained, tested and told again
    reports = project.folder / "reports"
    for report in (*reports.glob("tables/*/*"), *reports.glob("claims/*"), *reports.glob("*.md")):
        report.unlink()
    kills = [
        Kill(0.5, signal.SIGKILL, "snakemake"),  # in training
        Kill(2.0, signal.SIGKILL, "everything"),
        Kill(3.5, signal.SIGTERM, "everything"),
    ]
    record = Record()
    run_struck(project, [TARGET, "reports/claims.md"], kills, record)
    assert record.struck == len(kills)
    assert not differences(finished.folder, project.folder)


def test_two_pipelines_do_not_work_in_one_folder(finished: Project):
    lock = finished.folder / ".vreid" / "pipeline.lock"
    with held(lock):
        second = finished.call("snakemake", "--cores", "2", check=False)
        looked_at = finished.call("snakemake", "--dry-run", check=False)
    assert second.returncode == 1
    assert f"Another pipeline is at work in this folder (process {os.getpid()}, since" in second.stderr
    assert "Traceback" not in second.stderr
    assert "File " not in second.stderr
    assert looked_at.returncode == 0


def test_what_a_killed_one_left_is_mended_by_the_next_start(finished: Project):
    notes = finished.folder / ".snakemake" / "locks"
    notes.mkdir(exist_ok=True)
    (notes / "0.output.lock").write_text(f"{TARGET}\n")
    plans = sorted((finished.folder / ".vreid" / "plans").glob("*.json"))
    whole = [plan.read_bytes() for plan in plans]
    for plan in plans:
        plan.write_bytes(b"\xff" + plan.read_bytes()[:1000])
    done = finished.call("snakemake", "--cores", "2", "--", TARGET)
    assert "was killed; its locks are removed" in done.stderr
    assert not list(notes.glob("*.lock"))
    assert sum(plan.read_bytes() == before for plan, before in zip(plans, whole, strict=True)) == 1
    for plan, before in zip(plans, whole, strict=True):
        plan.write_bytes(before)


def _copied(project: Project, folder: Path) -> Project:
    """Copy a pipeline without what Snakemake remembers and without sockets."""
    unwanted = shutil.ignore_patterns(".snakemake", ".vreid", "logs")
    shutil.copytree(project.folder, folder, symlinks=True, ignore=unwanted)
    return Project(folder)
