"""The targets that prepare datasets, on the real workflow: what they ask for; one goes all the way."""

from pathlib import Path

import pytest
from tests.workflow.project import Project, copy_project

pytestmark = [pytest.mark.pipeline, pytest.mark.xdist_group("datasets")]

EIGHT = ["cars196", "rgbn300", "rgbnt100", "uav_veid", "vehicleid", "veri776", "veri_uav", "vru"]
MINE = """\
title: My vehicles
citation: unpublished
terms: mine
acquire: {kind: by_hand}
adapter: own_table
table: table.csv
protocols:
  - {name: custom, form: given, junk: same_camera}
"""
TABLE = """\
path,pid,camid,split
1.jpg,1,1,train
2.jpg,1,2,train
3.jpg,2,1,query
4.jpg,2,2,gallery
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy_project(tmp_path_factory.mktemp("datasets"))


def named(jobs: list[tuple[str, str]], rule: str) -> list[str]:
    """The datasets that a rule's jobs are for."""
    versions = [w.split("version=")[1].split(",")[0] for name, w in jobs if name == rule]
    return sorted(version.rsplit("-", 1)[0] for version in versions)


def test_one_target_prepares_all_eight_and_own_data_that_is_there(project: Project):
    description = project.folder / "params/datasets/mine.yaml"
    description.write_text(MINE)
    root = project.folder / "data/raw/real/mine"
    root.mkdir(parents=True)
    (root / "table.csv").write_text(TABLE)
    jobs = project.planned_jobs("datasets")
    description.unlink()
    assert named(jobs, "render") == EIGHT
    for rule in ("verify", "split", "pack"):
        assert named(jobs, rule) == sorted([*EIGHT, "mine"])
    assert {name for name, _ in jobs} == {"render", "verify", "split", "pack", "datasets"}
    assert all("size=32x32" in wildcards for name, wildcards in jobs if name == "pack")


def test_one_alone_is_prepared_when_the_configuration_names_it(project: Project):
    said = project.call("snakemake", "--dry-run", "--config", "dataset=vru", "--", "datasets").stdout
    prepared = {line.split("version=")[1].split("-")[0] for line in said.split("\n") if "version=" in line}
    assert prepared == {"vru"}


def test_darkened_sets_are_made_when_asked(project: Project):
    jobs = project.planned_jobs("darkened")
    assert named(jobs, "darken") == named(jobs, "pack_darkened") == ["cars196", "vehicleid", "veri776"]
    assert named(jobs, "pack") == []


def test_one_dataset_goes_all_the_way_and_once(project: Project):
    plan = project.call("vreid", "plan", "--json").stdout
    version = next(part for part in plan.split('"') if part.startswith("veri776-") and len(part) == 16)
    listed = next(
        part for part in plan.split('"') if part.startswith(f"data/splits/synthetic/{version}-dark")
    )
    variant = Path(listed).stem.removeprefix(version)
    targets = [f"reports/datasets/{version}.png", f"data/packed/synthetic/{version}-32x32{variant}"]
    project.call("snakemake", "--cores", "2", *targets)
    assert (
        (project.folder / f"reports/datasets/{version}.md").read_text().startswith("# VeRi-776 (synthetic)")
    )
    assert (project.folder / targets[1] / "images.npy").exists()
    assert (project.folder / listed).exists()
    assert project.planned_jobs(targets[1]) == []
    kept = {path.name for path in (project.folder / "data/index/synthetic").iterdir()}
    assert kept == {f"{version}.parquet", f"{version}.json", f"{version}.md"}
    assert project.call("vreid", "gc").stdout == ""
