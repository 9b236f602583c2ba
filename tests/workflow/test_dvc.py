"""`dvc repro` asks Snakemake for what changed, and for nothing else."""

import json

import pytest
from tests.workflow.project import Project

pytestmark = [pytest.mark.pipeline, pytest.mark.xdist_group("pipeline")]

PAPER = "params/papers/se_densenet.yaml"


def runs(project: Project) -> set[str]:
    return {path.parent.name for path in project.folder.glob("runs/*/model.safetensors")}


def test_repro_is_the_same_pipeline_and_as_incremental(restored: Project):
    before = runs(restored)
    restored.call("dvc", "repro")
    assert runs(restored) == before
    assert "up to date" in restored.call("dvc", "status").stdout

    restored.edit(PAPER, "proposed: {}", "proposed: {losses.focal.gamma: 4.0}")
    restored.call("dvc", "repro")
    (new,) = runs(restored) - before
    assert new.startswith("se_densenet-proposed-")
    table = json.loads((restored.folder / "reports/tables/se_densenet/table1.json").read_text())
    assert new in json.dumps(table)

    restored.call("git", "checkout", "--quiet", "--", PAPER)
    restored.call("dvc", "repro")
    assert runs(restored) == before | {new}
    table = json.loads((restored.folder / "reports/tables/se_densenet/table1.json").read_text())
    assert new not in json.dumps(table)
