"""The long way: a pipeline is killed at many moments, in every way, and compared with one left alone."""

import shutil
from pathlib import Path

import pytest
from tests.faults.pipeline import Record, draw, run_struck
from tests.faults.results import differences
from tests.workflow.project import Project, copy_project

TARGET = "reports/all_tables.md"


@pytest.mark.faults
def test_killed_at_many_moments_in_every_way(request: pytest.FixtureRequest, tmp_path: Path):
    kills, seed = request.config.getoption("--kills"), request.config.getoption("--seed")
    preset = request.config.getoption("--preset")
    whole = _fresh(tmp_path / "whole", preset)
    alone = Record()
    print(f"\nThe pipeline of the preset {preset}, uninterrupted:")
    run_struck(whole, [TARGET], [], alone)
    print(f"Now with {kills} kills at moments that the seed {seed} draws:")
    record, rounds = Record(), 0
    while record.struck < kills:
        rounds += 1
        project = _fresh(tmp_path / f"killed{rounds}", preset)
        run_struck(project, [TARGET], draw(seed + rounds - 1, kills - record.struck, alone.seconds), record)
        different = differences(whole.folder, project.folder)
        assert not different, "\n".join(["Not the same bytes:", *different])
        shutil.rmtree(project.folder)
    print(
        f"{record.struck} kills, {record.starts} starts, {rounds} pipelines, {record.seconds:.0f} s: data, "
        "runs and tables have the same bytes as uninterrupted."
    )


def _fresh(folder: Path, preset: str) -> Project:
    project = copy_project(folder, whole=preset != "micro")
    if preset != "micro":
        (folder / "params" / "workflow.yaml").write_text(f"preset: {preset}\n")
    return project
