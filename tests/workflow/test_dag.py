"""What runs again after which edit, on the real workflow; freshness is decided by content."""

import json
import re
import shutil

import numpy as np
import pytest
from tests.workflow.project import Project

pytestmark = [pytest.mark.pipeline, pytest.mark.xdist_group("pipeline")]

RUNS = [
    "baseline-veri776",
    "gamma_0-veri776",
    "optimized-veri776",
    "optimized_re-veri776",
    "proposed-vehicleid",
    "proposed-veri776",
    "proposed_darkened-veri776",
]
PROPOSED = RUNS[4:]
PAPER = "params/papers/se_densenet.yaml"
EVERY_PAGE = ["all_tables", "claims", "papers/se_densenet"]
WORSE = ("proposed: {}", "proposed: {losses.focal.gamma: 3.0}")


def of(jobs: list[tuple[str, str]], rule: str) -> list[str]:
    """What a rule's jobs are for: the last of their wildcards."""
    return sorted(wildcards.split("=")[-1] for name, wildcards in jobs if name == rule)


def rules(jobs: list[tuple[str, str]]) -> set[str]:
    return {rule for rule, _ in jobs}


def trained(jobs: list[tuple[str, str]]) -> list[str]:
    """Experiment and dataset of the train jobs."""
    return [re.fullmatch(r"se_densenet-(\w+-\w+)-s0-[0-9a-f]{10}", run)[1] for run in of(jobs, "train")]


def change_code(project: Project, module: str) -> None:
    with (project.folder / "src/vreid" / module).open("a") as file:
        file.write("\n_CHANGED = True\n")


def test_every_experiment_was_trained_and_stands_in_the_tables(finished: Project):
    runs = sorted(path.name for path in (finished.folder / "runs").iterdir())
    assert ["-".join(run.split("-")[1:3]) for run in runs] == RUNS
    page = (finished.folder / "reports/all_tables.md").read_text()
    assert "synthetic" in page
    assert all(label in page for label in ("Optimized DenseNet121 + RE + focal loss", "PAMTRI", "PVEN"))
    assert all(f"Table {number}" in page for number in (1, 2, 3, 4))


def test_every_report_is_there(finished: Project):
    reports = finished.folder / "reports"
    for kind, suffixes in (
        *((page, "md tex csv json") for page in EVERY_PAGE),
        *((f"tables/se_densenet/table{number}", "md tex csv json") for number in (1, 2, 3, 4)),
        *((f"figures/se_densenet/figure{number}", "png pdf json") for number in (5, 6, 7)),
        ("claims/se_densenet", "md tex csv json"),
        ("deviations/se_densenet", "md tex json"),
    ):
        for suffix in suffixes.split():
            assert (reports / f"{kind}.{suffix}").stat().st_size > 0
    assert [path.parent.name.rsplit("-", 1)[0] for path in reports.glob("audits/*/audit.json")] == [
        "se_densenet-proposed-veri776-s0"
    ]
    page = (reports / "papers/se_densenet.md").read_text()
    for words in ("Table 1", "figures/se_densenet/figure6.png", "Of the values of gamma"):
        assert words in page


def test_a_second_call_has_nothing_to_do_whatever_the_time_stamps(finished: Project):
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
        restored.edit(PAPER, *WORSE)
        assert trained(restored.planned_jobs()) == PROPOSED
    finally:
        shutil.rmtree(records)
        (restored.folder / "records").rename(records)


def test_the_main_experiment_trains_again_wherever_it_is_shown(restored: Project):
    restored.edit(PAPER, *WORSE)
    jobs = restored.planned_jobs()
    assert trained(jobs) == PROPOSED
    assert len(of(jobs, "extract")) == len(of(jobs, "evaluate")) == 4  # one of the three runs in two ways
    assert of(jobs, "table") == ["table1", "table2", "table3", "table4"]
    assert of(jobs, "figure") == ["figure5", "figure6", "figure7"]
    assert of(jobs, "page") == EVERY_PAGE
    assert rules(jobs) == {
        "train",
        "extract",
        "evaluate",
        "table",
        "figure",
        "claims",
        "audit",
        "track",
        "page",
        "index",
    }


def test_an_experiment_of_one_table_leaves_the_others_alone(restored: Project):
    restored.edit(PAPER, "  baseline:\n", "  baseline:\n    optimizer.lr: 0.0004\n")
    jobs = restored.planned_jobs()
    assert trained(jobs) == ["baseline-veri776"]
    assert of(jobs, "table") == ["table1"]
    assert of(jobs, "figure") == ["figure7"]
    assert of(jobs, "claims") == ["se_densenet"]
    assert of(jobs, "audit") == []


def test_an_experiment_of_a_figure_makes_no_table(restored: Project):
    restored.edit(PAPER, "gamma_0: {losses.focal.gamma: 0.0}", "gamma_0: {losses.focal.gamma: 0.125}")
    jobs = restored.planned_jobs()
    assert trained(jobs) == ["gamma_0-veri776"]
    assert of(jobs, "table") == []
    assert of(jobs, "figure") == ["figure6"]
    assert of(jobs, "claims") == ["se_densenet"]


def test_an_experiment_that_a_preset_takes_in_is_trained_alone(restored: Project):
    restored.edit("params/presets/micro.yaml", "[gamma_05, gamma_1,", "[gamma_1,")
    jobs = restored.planned_jobs()
    assert trained(jobs) == ["gamma_05-veri776"]
    assert of(jobs, "table") == []
    assert of(jobs, "figure") == ["figure6"]


def test_docstrings_and_comments_run_nothing(restored: Project):
    for module in (
        "models/se_densenet.py",
        "training/engine.py",
        "losses/focal.py",
        "evaluation/run.py",
        "reporting/tables.py",
        "reporting/claims.py",
        "reporting/collect.py",
        "reporting/figures/draw.py",
        "reporting/figures/sweep.py",
    ):
        path = restored.folder / "src/vreid" / module
        first, rest = path.read_text().split('"""', 2)[1:]
        path.write_text(f'"""Other words. {first}"""\n# and a comment{rest}')
    assert restored.planned_jobs() == []


def test_a_model_file_trains_all_its_runs_again(restored: Project):
    change_code(restored, "models/se_densenet.py")
    assert trained(restored.planned_jobs()) == RUNS


def test_a_loss_trains_the_runs_that_use_it(restored: Project):
    change_code(restored, "losses/focal.py")
    assert trained(restored.planned_jobs()) == ["gamma_0-veri776", *PROPOSED]


def test_evaluation_code_evaluates_runs_and_baselines_again_and_trains_nothing(restored: Project):
    change_code(restored, "evaluation/run.py")
    jobs = restored.planned_jobs()
    assert len(of(jobs, "evaluate")) == len(RUNS) + 1
    reports = {"table", "figure", "claims", "audit", "track", "page", "index"}
    assert rules(jobs) == {"baselines", "evaluate"} | reports


def test_how_verdicts_are_reached_makes_the_claims(restored: Project):
    change_code(restored, "reporting/verdicts.py")
    jobs = restored.planned_jobs()
    assert ("claims", "paper=se_densenet") in jobs
    assert rules(jobs) <= {"claims", "page", "index"}


def test_captions_and_cited_values_make_their_tables_and_pages(restored: Project):
    restored.edit(PAPER, "caption: Qualitative analysis on", "caption: Another look at")
    restored.edit(PAPER, "paper: [9.8, 23.9]", "paper: [9.7, 23.9]")
    assert restored.planned_jobs() == [
        ("index", ""),
        ("page", "page=all_tables"),
        ("page", "page=papers/se_densenet"),
        ("table", "paper=se_densenet, table=table1"),
        ("table", "paper=se_densenet, table=table2"),
    ]


def test_a_caption_and_the_code_of_one_kind_draw_their_figures_and_make_their_page(restored: Project):
    change_code(restored, "reporting/figures/sweep.py")
    restored.edit(PAPER, "caption: First ten gallery images", "caption: The ten nearest gallery images")
    assert restored.planned_jobs() == [
        ("figure", "paper=se_densenet, figure=figure6"),
        ("figure", "paper=se_densenet, figure=figure7"),
        ("index", ""),
        ("page", "page=papers/se_densenet"),
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("says: Focal loss in place of", "says: Focal loss instead of"),
        ("because: the default of the SE paper", "because: the value of the SE paper"),
    ],
)
def test_what_is_said_of_the_paper_makes_the_claims_and_their_pages(restored: Project, old: str, new: str):
    restored.edit(PAPER, old, new)
    assert restored.planned_jobs() == [
        ("claims", "paper=se_densenet"),
        ("index", ""),
        ("page", "page=claims"),
        ("page", "page=papers/se_densenet"),
    ]


def test_one_more_seed_trains_that_seed_alone(restored: Project):
    restored.edit("params/presets/micro.yaml", "seeds: [0]", "seeds: [0, 1]")
    jobs = restored.planned_jobs()
    runs = of(jobs, "train")
    assert len(runs) == len(RUNS)
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


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("presets=demo", "`presets` is no key here (did you mean `preset`?)."),
        ("preset=nosuch", "No preset is called `nosuch`: params/presets/ has `micro`."),
    ],
)
def test_a_misspelt_setting_stops_before_anything_runs(finished: Project, setting: str, sentence: str):
    done = finished.call("snakemake", "-n", "--config", setting, check=False)
    assert done.returncode != 0
    assert sentence in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_darkened_images_are_tested_beside_the_original_ones(finished: Project):
    table = json.loads((finished.folder / "reports/tables/se_densenet/table4.json").read_text())
    (row,) = table["rows"]
    (as_it_is,), (dark,), (all_dark,) = (cell["evaluations"] for cell in row["cells"])
    assert as_it_is != dark
    assert as_it_is.split("/")[1] == dark.split("/")[1] != all_dark.split("/")[1]
    for file in (as_it_is, dark, all_dark):
        assert (finished.folder / file).exists()
    run = finished.folder / "runs" / dark.split("/")[1]
    rows, same_rows = (np.load(run / kind / "rows.npy") for kind in ("features", "features-darkened"))
    assert np.array_equal(rows, same_rows)
    features, darkened = (
        np.load(run / kind / "after_neck.npy") for kind in ("features", "features-darkened")
    )
    # A tenth of the 12 queries and of the 24 gallery images; the others are the same pictures.
    assert np.count_nonzero((features != darkened).any(axis=1)) == 1 + 2
    alone = finished.folder / "runs" / all_dark.split("/")[1]
    assert (alone / "features-darkened").is_dir()
    assert not (alone / "features").exists()


def test_another_test_of_a_column_evaluates_and_nothing_else(restored: Project):
    restored.edit(
        PAPER,
        "label: tested dark, test: {images: darkened}",
        "label: Euclidean, test: {distance: euclidean}",
    )
    jobs = restored.planned_jobs()
    assert len(of(jobs, "evaluate")) == 1
    assert of(jobs, "table") == ["table4"]
    assert of(jobs, "page") == ["all_tables", "papers/se_densenet"]
    assert rules(jobs) >= {"evaluate", "table", "track", "page"}
    assert rules(jobs).isdisjoint({"train", "extract", "figure", "claims"})
