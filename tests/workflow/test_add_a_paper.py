"""docs/add_a_paper.md, executed: each block is written to the file that it names, and the table is made."""

import csv
import re
import shlex
import shutil
from pathlib import Path

import pytest
from tests.workflow.project import ROOT, Project

pytestmark = [pytest.mark.pipeline, pytest.mark.xdist_group("pipeline")]

NAME = "triplet_embedding"
RUN = re.compile(r"\b[a-z_0-9]+-[a-z_0-9]+-[a-z_0-9]+-s\d+-[0-9a-f]{10}\b")
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, str, str]]:
    """Language, file and text of each block of the page."""
    return BLOCK.findall((ROOT / "docs/add_a_paper.md").read_text(encoding="utf-8"))


@pytest.fixture
def copy(finished: Project, tmp_path: Path) -> Project:
    """A copy of the finished pipeline: the paper that is added here is seen by no other test."""
    folder = tmp_path / "project"
    left_out = shutil.ignore_patterns(".snakemake", ".vreid", "mlflow.db*", "tries")
    shutil.copytree(finished.folder, folder, symlinks=True, ignore=left_out)
    return Project(folder, finished.environment)


def add(project: Project, language: str, file: str, text: str) -> None:
    """Do with a block what the page says."""
    path = project.folder / file
    if language == "diff":
        lines = text.splitlines()
        old = "\n".join(line[1:] for line in lines if line[0] != "+")
        project.edit(file, old, "\n".join(line[1:] for line in lines if line[0] != "-"))
    elif file.startswith("params/presets/"):
        # The copy's only preset is the tests' own, in which `papers:` stands as in every other.
        project.edit("params/presets/micro.yaml", "\npapers:\n", f"\npapers:\n{text}")
    else:
        assert not path.exists(), f"{file} is no file of the project: the example makes it"
        path.write_text(text, encoding="utf-8")


def test_the_worked_example_gives_a_new_table(copy: Project):
    before = {path.name for path in (copy.folder / "runs").iterdir()}
    plan, make = [
        shlex.split(line)
        for language, _, text in blocks()
        if language == "bash"
        for line in text.splitlines()
    ]
    planned = RUN.findall(copy.call(*plan).stdout)
    for language, file, text in blocks():
        if language != "bash":
            add(copy, language, file, text)
    # Those of the other paper are called as before, so their results are taken as they are.
    listed = RUN.findall(copy.call(*plan).stdout)
    assert planned
    assert [name for name in listed if not name.startswith(NAME)] == planned
    copy.call(*make)

    made = {path.name for path in (copy.folder / "runs").iterdir()} - before
    assert sorted(name.split("-")[:4] for name in made) == [
        [NAME, "batch_hard", "veri776", "s0"],
        [NAME, "batch_weighted", "veri776", "s0"],
    ]
    lines = list(csv.DictReader((copy.folder / f"reports/tables/{NAME}/table1.csv").open()))
    rows = {(line["label"], line["metric"]): line for line in lines}
    assert len(rows) == 3
    quoted = rows["Batch sample", "R1"]
    assert (quoted["paper_value"], quoted["status"], quoted["value"]) == ("90.23", "cited", "")
    for label in ("Batch hard", "Batch weighted"):
        assert rows[label, "R1"]["status"] == "run"
        assert 0 < float(rows[label, "R1"]["value"]) <= 100
    page = (copy.folder / f"reports/tables/{NAME}/table1.md").read_text()
    assert "Kumar et al.: Vehicle Re-Identification: an Efficient Baseline Using Triplet Embedding" in page
    assert "model.backbone.width: 0.5 (paper: 1.0)" in page
    assert (copy.folder / f"reports/figures/{NAME}/figure1.png").stat().st_size > 5000


def test_the_example_is_what_the_houses_checks_accept(tmp_path: Path, finished: Project):
    """Its Python is formatted and annotated as the rest is."""
    for language, file, text in blocks():
        if language == "python":
            target = tmp_path / Path(file).name
            target.write_text(text)
            config = ("--config", str(ROOT / "pyproject.toml"))
            finished.call("ruff", "check", *config, "--ignore", "I001", str(target))
            finished.call("ruff", "format", "--check", *config, str(target))
