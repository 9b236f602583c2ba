"""What runs again after which edit, on the real workflow; freshness is decided by content."""

import json
import re

import pytest
from tests.workflow.project import Project

pytestmark = [pytest.mark.pipeline, pytest.mark.xdist_group("pipeline")]

EXPERIMENTS = ("baseline", "optimized", "optimized_re", "proposed")
PAPER = "params/papers/se_densenet.yaml"
BOTH_TABLES = ["paper=se_densenet, table=table1", "paper=se_densenet, table=table2"]


def of(jobs: list[tuple[str, str]], rule: str) -> list[str]:
    return [wildcards for name, wildcards in jobs if name == rule]


def trained(jobs: list[tuple[str, str]]) -> list[str]:
    """Experiments of the train jobs."""
    return [re.fullmatch(r"run=se_densenet-(\w+)-veri776-s0-[0-9a-f]{10}", w)[1] for w in of(jobs, "train")]


def test_all_four_experiments_were_trained_and_stand_in_the_tables(finished: Project):
    runs = sorted(path.name for path in (finished.folder / "runs").iterdir())
    assert [run.split("-")[1] for run in runs] == list(EXPERIMENTS)
    table = json.loads((finished.folder / "reports/tables/se_densenet/table1.json").read_text())
    assert table["digest"]
    page = (finished.folder / "reports/all_tables.md").read_text()
    assert "synthetic" in page
    assert all(label in page for label in ("Optimized DenseNet121 + RE + focal loss", "PAMTRI", "PVEN"))


def test_a_second_call_has_nothing_to_do(finished: Project):
    assert finished.planned_jobs() == []


def test_time_stamps_decide_nothing(finished: Project):
    for path in sorted((finished.folder / "data").rglob("*"))[::7]:
        path.touch()
    for path in (finished.folder / "params").rglob("*.yaml"):
        path.touch()
    assert finished.planned_jobs() == []


def test_without_snakemakes_own_records_nothing_is_forgotten(restored: Project):
    records = restored.folder / ".snakemake"
    records.rename(restored.folder / "records")
    try:
        assert restored.planned_jobs() == []
        restored.edit(PAPER, "proposed: {}", "proposed: {losses.focal.gamma: 3.0}")
        assert trained(restored.planned_jobs()) == ["proposed"]
    finally:
        records_made = restored.folder / ".snakemake"
        restored.call("rm", "-rf", str(records_made))
        (restored.folder / "records").rename(records)


def test_gamma_of_one_experiment_trains_it_again_and_makes_the_tables_that_show_it(
    restored: Project,
):
    restored.edit(PAPER, "proposed: {}", "proposed: {losses.focal.gamma: 3.0}")
    jobs = restored.planned_jobs()
    assert trained(jobs) == ["proposed"]
    assert len(of(jobs, "extract")) == len(of(jobs, "evaluate")) == 1
    assert of(jobs, "table") == BOTH_TABLES
    assert {rule for rule, _ in jobs} == {
        "train",
        "extract",
        "evaluate",
        "table",
        "track",
        "page",
    }


def test_an_experiment_of_one_table_leaves_the_other_table_alone(restored: Project):
    restored.edit(PAPER, "  optimized_re:\n", "  optimized_re:\n    optimizer.lr: 0.0004\n")
    jobs = restored.planned_jobs()
    assert trained(jobs) == ["optimized_re"]
    assert of(jobs, "table") == BOTH_TABLES[:1]


def test_going_back_trains_nothing(restored: Project):
    restored.edit(PAPER, "proposed: {}", "proposed: {losses.focal.gamma: 3.0}")
    restored.edit(PAPER, "losses.focal.gamma: 3.0", "")
    assert restored.planned_jobs() == []


@pytest.mark.parametrize(
    "module",
    [
        "models/se_densenet.py",
        "training/engine.py",
        "losses/focal.py",
        "evaluation/run.py",
        "reporting/tables.py",
    ],
)
def test_a_docstring_and_a_comment_run_nothing(restored: Project, module: str):
    path = restored.folder / "src" / "vreid" / module
    first, rest = path.read_text().split('"""', 2)[1:]
    path.write_text(f'"""Other words. {first}"""\n# and a comment{rest}')
    assert restored.planned_jobs() == []


def test_a_model_file_trains_all_its_runs_again(restored: Project):
    with (restored.folder / "src/vreid/models/se_densenet.py").open("a") as file:
        file.write("\n_CHANGED = True\n")
    assert sorted(trained(restored.planned_jobs())) == list(EXPERIMENTS)


def test_a_loss_trains_the_runs_that_use_it(restored: Project):
    with (restored.folder / "src/vreid/losses/focal.py").open("a") as file:
        file.write("\n_CHANGED = True\n")
    assert trained(restored.planned_jobs()) == ["proposed"]


def test_evaluation_code_evaluates_runs_and_baselines_again_and_trains_nothing(restored: Project):
    with (restored.folder / "src/vreid/evaluation/run.py").open("a") as file:
        file.write("\n_CHANGED = True\n")
    jobs = restored.planned_jobs()
    assert len(of(jobs, "evaluate")) == len(EXPERIMENTS)
    assert {rule for rule, _ in jobs} == {"baselines", "evaluate", "table", "track", "page"}


def test_a_caption_makes_one_table_and_the_page(restored: Project):
    restored.edit(PAPER, "caption: Qualitative analysis on VeRi-776", "caption: Another caption")
    assert restored.planned_jobs() == [("page", "page=all_tables"), ("table", BOTH_TABLES[0])]


def test_a_cited_value_makes_one_table_and_the_page(restored: Project):
    restored.edit(PAPER, "paper: [9.8, 23.9]", "paper: [9.7, 23.9]")
    assert restored.planned_jobs() == [("page", "page=all_tables"), ("table", BOTH_TABLES[1])]


def test_one_more_seed_trains_that_seed_alone(restored: Project):
    restored.edit("params/presets/micro.yaml", "seeds: [0]", "seeds: [0, 1]")
    jobs = restored.planned_jobs()
    runs = of(jobs, "train")
    assert len(runs) == len(EXPERIMENTS)
    assert all("-s1-" in run for run in runs)
    assert of(jobs, "render") == []


def test_a_misspelt_parameter_stops_before_anything_runs(restored: Project):
    restored.edit(PAPER, "proposed: {}", "proposed: {losses.focal.gama: 3.0}")
    done = restored.call("snakemake", "-n", check=False)
    assert done.returncode != 0
    printed = done.stdout + done.stderr
    assert "`gamma`" in printed
    assert "se_densenet.yaml" in printed
    assert "Traceback" not in printed
