"""`dvc repro` asks Snakemake for what changed and for nothing else; a clone gets all that it versions."""

import json
import os
import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from tests.workflow.project import ROOT, Project

pytestmark = [pytest.mark.pipeline, pytest.mark.xdist_group("pipeline")]

PAPER = "params/papers/se_densenet.yaml"
STAGE = "paper@se_densenet"
RATE = f"{PAPER}:+experiments.baseline={{optimizer.lr:0.01}}"
"""Merged into one experiment; its key has a dot, so it cannot be addressed by a path."""
AFTER_A_PULL = {"page", "index", "track"}
"""MLflow's record is of this machine: what it calls the runs is asked anew, and shown on the pages."""
LISTEN = """\
import sys

def tell(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo") and not isinstance(arguments[-1], str):
        with open({file!r}, "a") as out:
            print(event, arguments, file=out)

sys.addaudithook(tell)
"""
"""Imported by every Python that finds it on its path; sockets with a path for a name stay on this machine."""
IS_ENABLED = """\
from dvc.analytics import is_enabled
from dvc.repo import Repo
from dvc.updater import Updater
print(is_enabled(), Updater(Repo().tmp_dir).is_enabled())
"""


def runs(project: Project) -> set[str]:
    return {path.parent.name for path in project.folder.glob("runs/*/model.safetensors")}


def planned(project: Project) -> set[str]:
    return set(json.loads(project.call("vreid", "plan", "--json").stdout)["runs"])


def behind_table_1(project: Project) -> str:
    table = json.loads((project.folder / "reports/tables/se_densenet/table1.json").read_text())
    return json.dumps(table["rows"])


@pytest.fixture(scope="module")
def reproduced(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the finished pipeline in which everything is versioned."""
    folder = tmp_path_factory.mktemp("dvc") / "project"
    shutil.copytree(
        finished.folder, folder, symlinks=True, ignore=shutil.ignore_patterns(".snakemake", "tries", "server")
    )
    project = Project(folder, finished.environment)
    for key, value in (("name", "test"), ("email", "test@example.org")):
        project.call("git", "config", f"user.{key}", value)
    project.call("git", "add", "--all")
    project.call("git", "commit", "--quiet", "--allow-empty", "--message", "as found")
    before = runs(project)
    project.call("dvc", "repro")
    assert runs(project) == before
    project.call("git", "add", "dvc.lock")
    project.call("git", "commit", "--quiet", "--message", "results")
    return project


def test_nothing_is_left_to_do_after_repro(reproduced: Project):
    assert "up to date" in reproduced.call("dvc", "status").stdout
    kept = {path.stem for path in reproduced.folder.glob("dist/runs/se_densenet/*.tar")}
    assert kept == planned(reproduced)
    manifest = json.loads((reproduced.folder / "reports/manifests/veri776.json").read_text())
    assert manifest["measured"]["train identities"] == 6
    assert all((reproduced.folder / file).is_file() for file in manifest["files"])


def test_an_experiment_trains_what_it_changes_is_compared_and_taken_back(reproduced: Project, tmp_path: Path):
    before, table = runs(reproduced), behind_table_1(reproduced)
    said = reproduced.call("dvc", "exp", "run", "--name", "faster", "--set-param", RATE, STAGE).stdout
    assert "all_tables" not in said
    (new,) = runs(reproduced) - before
    assert new.startswith("se_densenet-baseline-")
    assert new in behind_table_1(reproduced)

    changed = json.loads(reproduced.call("dvc", "params", "diff", "--json").stdout)
    assert changed == {PAPER: {"experiments.baseline.optimizer.lr": {"old": None, "new": 0.01}}}
    metrics = json.loads(reproduced.call("dvc", "metrics", "diff", "--json").stdout)
    differences = metrics["reports/metrics/se_densenet.json"]
    tables = {key.split(".")[2] for key in differences if key.startswith("tables.")}
    assert tables == {"1 Baseline"}
    assert any(key.startswith("claims.proposed-over-baseline.") for key in differences)
    assert "faster" in reproduced.call("dvc", "exp", "show", "--csv").stdout
    reproduced.call("dvc", "plots", "diff", "--out", str(tmp_path / "plots"))
    assert "2 Optimized DenseNet121" in (tmp_path / "plots/index.html").read_text()

    reproduced.call("git", "checkout", "--quiet", "--", "params", "dvc.lock")
    reproduced.call("dvc", "checkout")
    assert behind_table_1(reproduced) == table
    assert "up to date" in reproduced.call("dvc", "status").stdout
    assert new not in str(list(reproduced.folder.glob("dist/runs/*/*")))


def test_a_clone_that_pulls_has_all_and_trains_only_what_is_edited(reproduced: Project, tmp_path: Path):
    reproduced.call("dvc", "remote", "add", "--local", "--force", "--default", "shelf", str(tmp_path / "a"))
    reproduced.call("dvc", "push")
    clone = Project(tmp_path / "clone", reproduced.environment)
    reproduced.call("git", "clone", "--quiet", str(reproduced.folder), str(clone.folder))
    clone.call("dvc", "remote", "add", "--local", "--default", "shelf", str(tmp_path / "a"))
    clone.call("dvc", "pull")
    assert f"{len(planned(clone))} brought home" in clone.call("vreid", "restore").stdout
    assert runs(clone) == planned(clone)
    assert {rule for rule, _ in clone.planned_jobs()} <= AFTER_A_PULL
    assert "Data and pipelines are up to date" in clone.call("dvc", "repro").stdout

    # Without any images: those are rendered for the run that is new, and no other is made of them again.
    clone.edit(PAPER, "  baseline:\n", "  baseline:\n    optimizer.lr: 0.0004\n")
    jobs = clone.planned_jobs()
    assert "render" in dict(jobs)
    for rule in ("train", "extract", "evaluate"):
        (wildcards,) = [wildcards for name, wildcards in jobs if name == rule]
        assert "run=se_densenet-baseline-" in wildcards


def test_nobody_is_called(reproduced: Project, tmp_path: Path):
    told = tmp_path / "told"
    (tmp_path / "sitecustomize.py").write_text(LISTEN.format(file=str(told)))
    path = f"{tmp_path}{os.pathsep}{reproduced.folder / 'src'}"
    extra = {"PYTHONPATH": path, "DVC_NO_ANALYTICS": "", "CI": "", "DVC_TEST": ""}
    assert reproduced.call("python", "-c", IS_ENABLED, **extra).stdout.split() == ["False", "False"]
    reproduced.call("dvc", "status", **extra)
    assert not told.exists()
    reproduced.call("python", "-c", "import socket; socket.getaddrinfo('127.0.0.1', 1)", **extra)
    assert "socket.getaddrinfo" in told.read_text()


def test_the_configuration_names_no_place_and_calls_nobody():
    text = (ROOT / ".dvc/config").read_text()
    assert "remote" not in text
    assert {"analytics = false", "check_update = false"} <= {line.strip() for line in text.splitlines()}


def test_every_dataset_has_a_stage():
    stages = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
    assert stages["dataset"]["foreach"] == sorted(path.stem for path in ROOT.glob("params/datasets/*.yaml"))
