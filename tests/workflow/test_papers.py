"""The project as it stands, with all its papers and the preset of the bare command; nothing is executed."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML
from tests.workflow.project import ROOT, Project, copy_project

pytestmark = [pytest.mark.pipeline, pytest.mark.xdist_group("datasets")]

PAPERS = ["alsa", "dpa", "hamnet", "sanet", "se_densenet"]


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    project: Project = copy_project(tmp_path_factory.mktemp("whole"), whole=True)
    return project.planned_jobs()


def made(jobs: list[tuple[str, str]], rule: str) -> list[str]:
    return sorted(wildcards for name, wildcards in jobs if name == rule)


def test_the_bare_command_makes_the_pages_of_every_paper(jobs: list[tuple[str, str]]):
    pages = ["all_tables", "claims", *(f"papers/{paper}" for paper in PAPERS)]
    assert made(jobs, "page") == [f"page={page}" for page in pages]
    assert made(jobs, "claims") == [f"paper={paper}" for paper in PAPERS]
    assert len(made(jobs, "audit")) == len(PAPERS)


@pytest.mark.parametrize("kind", ["table", "figure"])
def test_it_makes_what_the_files_of_the_papers_list(jobs: list[tuple[str, str]], kind: str):
    files = {paper: YAML(typ="safe").load(ROOT / f"params/papers/{paper}.yaml") for paper in PAPERS}
    listed = [
        f"paper={paper}, {kind}={name}" for paper, file in files.items() for name in file.get(f"{kind}s", {})
    ]
    assert made(jobs, kind) == sorted(listed)


def test_each_paper_is_trained_on_its_datasets(jobs: list[tuple[str, str]]):
    trained = {tuple(run.removeprefix("run=").split("-")[::2][:2]) for run in made(jobs, "train")}
    assert {
        ("alsa", "veri776"),
        ("dpa", "veri_uav"),
        ("hamnet", "rgbn300"),
        ("hamnet", "rgbnt100"),
        ("sanet", "uav_veid"),
        ("se_densenet", "veri776"),
        ("se_densenet", "vehicleid"),
    } <= trained


def test_dvc_has_a_stage_for_every_paper():
    stages = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
    papers = sorted(path.stem for path in Path(ROOT / "params/papers").glob("*.yaml"))
    assert stages["paper"]["foreach"] == papers == PAPERS
    assert {f"reports/papers/{paper}.json" for paper in papers} <= set(stages["all_tables"]["deps"])
