"""Edits, and exactly what runs again of all five papers: the real graph, with everything seemingly made."""

import json
import re
from collections import Counter

import pytest
from tests.workflow.pretended import pretend_finished
from tests.workflow.project import Project, copy_project

pytestmark = [pytest.mark.pipeline, pytest.mark.xdist_group("datasets")]

REPORTS = {"table", "figure", "claims", "page", "index"}
"""Rules that make reports from what is stored."""
IMAGE = "image_train/0001_c001_00016450_0.jpg"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = copy_project(tmp_path_factory.mktemp("edits"), whole=True)
    pretend_finished(project)
    return project


@pytest.fixture
def edited(whole: Project):
    """The copy; after the test what it edited under version control is as before."""
    yield whole
    whole.call("git", "checkout", "--quiet", "--", ".")


class Again:
    """What a dry run would run again."""

    def __init__(self, project: Project) -> None:
        self.jobs = project.planned_jobs()
        self.rules = Counter(rule for rule, _ in self.jobs)

    def of(self, rule: str) -> set[str]:
        """The wildcards of a rule's jobs."""
        return {wildcards for name, wildcards in self.jobs if name == rule}

    def trained(self) -> set[str]:
        """Paper, experiment, dataset and seed of the trained runs."""
        return {wildcards.removeprefix("run=").rpartition("-")[0] for wildcards in self.of("train")}

    def tables(self) -> set[str]:
        return {re.sub(r"paper=(\w+), table=", r"\1/", wildcards) for wildcards in self.of("table")}

    def pages(self) -> set[str]:
        return {wildcards.removeprefix("page=") for wildcards in self.of("page")}


def planned_runs(project: Project) -> dict[str, dict]:
    """Configuration of each planned run, by its name without the digest."""
    plans = (project.folder / ".vreid/plans").glob("*.json")
    plan = min(plans, key=lambda path: path.stat().st_mtime)  # the first is that before any edit
    runs = json.loads(plan.read_text())["runs"]
    assert len(runs) > 140
    return {name.rpartition("-")[0]: run for name, run in runs.items()}


def change_code(project: Project, module: str) -> None:
    with (project.folder / "src/vreid" / module).open("a") as file:
        file.write("\n_CHANGED = True\n")


def test_nothing(edited: Project):
    assert Again(edited).jobs == []


def test_a_hyper_parameter_of_one_experiment(edited: Project):
    edited.edit(
        "params/papers/dpa.yaml",
        "  cpa: {model.attention: {conv4: cpa}}\n",
        "  cpa: {model.attention: {conv4: cpa}, model.gem_p: 2.5}\n",
    )
    again = Again(edited)
    assert again.trained() == {f"dpa-cpa-veri_uav-s{seed}" for seed in range(3)}
    assert again.tables() == {"dpa/table3"}
    assert again.of("claims") == {"paper=dpa"}
    assert again.pages() == {"all_tables", "claims", "papers/dpa"}
    assert again.rules["extract"] == again.rules["evaluate"] == 3
    assert set(again.rules).isdisjoint({"render", "verify", "split", "pack", "baselines", "audit"})


def test_a_caption(edited: Project):
    edited.edit(
        "params/papers/hamnet.yaml", 'caption: "Comparing to state', 'caption: "Compared with the state'
    )
    again = Again(edited)
    assert again.tables() == {"hamnet/table4"}
    assert again.pages() == {"all_tables", "papers/hamnet"}
    assert set(again.rules) == REPORTS - {"figure", "claims"}


def test_a_cited_value(edited: Project):
    edited.edit("params/papers/alsa.yaml", "paper: [84.39, null, 75.11,", "paper: [84.40, null, 75.11,")
    again = Again(edited)
    assert again.tables() == {"alsa/table9"}
    # What the decimals say of the rates quoted in a table stands with the paper's claims.
    assert again.pages() == {"all_tables", "claims", "papers/alsa"}
    assert set(again.rules) == REPORTS - {"figure"}


def test_docstrings(edited: Project):
    modules = (
        "models/layers/dual_pooling.py",
        "losses/triplet.py",
        "training/engine.py",
        "evaluation/run.py",
        "synthetic/render.py",
        "datasets/pack.py",
        "reporting/tables.py",
        "reporting/figures/draw.py",
    )
    for module in modules:
        path = edited.folder / "src/vreid" / module
        first, rest = path.read_text().split('"""', 2)[1:]
        path.write_text(f'"""Other words. {first}"""\n# and a comment{rest}')
    assert Again(edited).jobs == []


def test_a_model_file(edited: Project):
    change_code(edited, "models/sanet.py")
    again = Again(edited)
    assert again.trained() == {run for run in planned_runs(edited) if run.startswith("sanet-")}
    assert {table.partition("/")[0] for table in again.tables()} == {"sanet"}
    assert again.of("claims") == {"paper=sanet"}


def test_a_loss_that_several_papers_use(edited: Project):
    change_code(edited, "losses/triplet.py")
    again = Again(edited)
    users = {
        name
        for name, run in planned_runs(edited).items()
        if any(loss["name"] == "triplet" for loss in run["config"]["losses"])
    }
    assert again.trained() == users
    assert len({name.partition("-")[0] for name in users}) > 2
    assert len(users) < len(planned_runs(edited))


def test_evaluation_code(edited: Project):
    change_code(edited, "evaluation/run.py")
    again = Again(edited)
    assert again.rules["evaluate"] == sum(len(run["tests"]) for run in planned_runs(edited).values())
    assert set(again.rules).isdisjoint({"render", "verify", "split", "pack", "train", "extract"})


def test_the_recipe_of_one_rendered_dataset(edited: Project):
    edited.edit("params/presets/demo.yaml", "  vru:\n    train_ids: 60", "  vru:\n    train_ids: 61")
    again = Again(edited)
    assert [wildcards.split("-")[0] for wildcards in again.of("render")] == ["version=vru"]
    assert again.trained() == {run for run in planned_runs(edited) if "-vru-" in run}
    assert again.pages() == {"all_tables", "claims", "papers/dpa"}


def test_one_seed_more(edited: Project):
    before = set(planned_runs(edited))
    edited.edit("params/presets/demo.yaml", "\nseeds: [0]\n", "\nseeds: [0, 1]\n")
    again = Again(edited)
    # Some runs have had three seeds before.
    assert again.trained() == {f"{run[:-1]}1" for run in before if run.endswith("-s0")} - before
    assert set(again.rules).isdisjoint({"render", "verify", "split", "pack"})


def test_code_that_makes_tables(edited: Project):
    change_code(edited, "reporting/tables.py")
    again = Again(edited)
    assert again.rules["table"] == 22
    assert set(again.rules) == REPORTS - {"figure", "claims"}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two datasets are in place, with a few files each; everything that they allow seems made."""
    project = copy_project(tmp_path_factory.mktemp("real"), whole=True)
    (project.folder / "params/workflow.yaml").write_text("preset: paper\n")
    for name in (f"veri776/{IMAGE}", "vru/Pic/000001.jpg", "vru/train.txt"):
        file = project.folder / "data/raw/real" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("before")
    pretend_finished(project)
    return project


@pytest.mark.parametrize(
    ("file", "after", "dataset"),
    [
        (f"veri776/{IMAGE}", "another", "veri776"),
        ("vru/train.txt", "edited", "vru"),
        ("vru/train.txt", "before", ""),
    ],
)
def test_one_file_of_one_real_dataset(real: Project, file: str, after: str, dataset: str):
    changed = real.folder / "data/raw/real" / file
    changed.write_text(after)
    again = Again(real)
    changed.write_text("before")
    if not dataset:
        assert again.jobs == []
        return
    assert [wildcards.split("version=")[1].split("-")[0] for wildcards in again.of("verify")] == [dataset]
    assert {run.split("-")[2] for run in again.trained()} == {dataset}
    assert {"split", "pack", "extract", "evaluate", "table", "claims"} < set(again.rules)
