"""`dvc repro` asks Snakemake for what changed, and for nothing else."""

import json

import pytest
from tests.workflow.project import Project

pytestmark = [pytest.mark.pipeline, pytest.mark.xdist_group("pipeline")]

PAPER = "params/papers/se_densenet.yaml"
STAGE = "paper@se_densenet"


def runs(project: Project) -> set[str]:
    return {path.parent.name for path in project.folder.glob("runs/*/model.safetensors")}


def behind_table_1(project: Project) -> str:
    table = json.loads((project.folder / "reports/tables/se_densenet/table1.json").read_text())
    return json.dumps(table["rows"])


def test_repro_is_the_same_pipeline_and_as_incremental(restored: Project):
    before = runs(restored)
    restored.call("dvc", "repro")
    assert runs(restored) == before
    assert "up to date" in restored.call("dvc", "status").stdout

    restored.edit(PAPER, "  baseline:\n", "  baseline:\n    optimizer.lr: 0.0004\n")
    assert "all_tables" not in restored.call("dvc", "repro", STAGE).stdout
    (new,) = runs(restored) - before
    assert new.startswith("se_densenet-baseline-")
    assert new in behind_table_1(restored)

    restored.call("git", "checkout", "--quiet", "--", PAPER)
    restored.call("dvc", "repro", STAGE)
    assert runs(restored) == before | {new}
    assert new not in behind_table_1(restored)
