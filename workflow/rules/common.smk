"""Resolves params/ into the plan, once, while the Snakefile is read; the functions below look things up in it."""

import json
import sys
import time
from pathlib import Path

from snakemake.exceptions import WorkflowError

from vreid.params.errors import UserError
from vreid.params.resolve import load

# Rules call `vreid`: the one that belongs to the Python that runs Snakemake, activated or not.
shell.prefix(f'export PATH="{Path(sys.executable).parent}:$PATH"; ')
Path("logs/track").mkdir(parents=True, exist_ok=True)

try:
    PLAN = load(Path("params"), config.get("preset"))
except UserError as error:
    raise WorkflowError(str(error)) from None
PLAN_FILE = PLAN.write(Path(".vreid/plans"))

# Markers newer than the reports on disk that are not what the plan asks for. Snakemake takes neither a missing
# input nor a changed list of inputs for a reason to run a job whose outputs are there; a newer input it
# does, if its content is not the one that it remembers. They are written before it looks at any folder.
STALE = dict(
    (stale, Path(".vreid/stale") / f"{stale}.txt")
    for stale in PLAN.stale_reports(Path("reports"))
)
for marker in STALE.values():
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text(str(time.time_ns()))


wildcard_constraints:
    source="real|synthetic",
    version=r"[a-z0-9_]+-[0-9a-f]{8}",
    digest="[0-9a-f]{8}",
    size="[0-9]+x[0-9]+",
    paper="[a-z_]+",
    table="table[0-9]+[a-z]?",
    figure="figure[0-9]+[a-z]?",
    images="|-darkened",
    run="[a-z][a-z0-9_]*-[a-z0-9_]+-[a-z0-9_]+-s[0-9]+-[0-9a-f]{10}",


def raw_folder(wildcards):
    return PLAN.dataset(wildcards.version).raw


def planned_run(wildcards):
    return PLAN.run(wildcards.run)


def run_pack(wildcards):
    return planned_run(wildcards).pack


def tested_images(wildcards):
    return wildcards.images.removeprefix("-") or "original"


def tested_pack(wildcards):
    return planned_run(wildcards).on_images(tested_images(wildcards)).pack


def tested_features(wildcards):
    test = planned_run(wildcards).tested(f"eval-{wildcards.digest}")
    return f"{test.features}/rows.npy"


def run_features(wildcards):
    return f"{planned_run(wildcards).tests[0].features}/rows.npy"


def run_index(wildcards):
    return PLAN.dataset(planned_run(wildcards).config.dataset).index


def run_splits(wildcards):
    return PLAN.dataset(planned_run(wildcards).config.dataset).splits


def run_evaluation(wildcards):
    return f"{planned_run(wildcards).evaluation}/evaluation.json"


def run_baselines(wildcards):
    return planned_run(wildcards).baselines


def table_evaluations(wildcards):
    return PLAN.table(wildcards.paper, wildcards.table).evaluations()


def table_baselines(wildcards):
    table = PLAN.table(wildcards.paper, wildcards.table)
    return [baseline.file for baseline in table.baselines]


def table_if_stale(wildcards):
    return if_stale(f"tables/{wildcards.paper}/{wildcards.table}")


def figure_inputs(wildcards):
    return PLAN.figure(wildcards.paper, wildcards.figure).inputs()


def figure_if_stale(wildcards):
    return if_stale(f"figures/{wildcards.paper}/{wildcards.figure}")


def claims_inputs(wildcards):
    return PLAN.claims_of(wildcards.paper).inputs()


def claims_if_stale(wildcards):
    return if_stale(f"claims/{wildcards.paper}")


def page_parts(wildcards):
    return [f"reports/{report}.json" for report in PLAN.page(wildcards.page).parts]


def page_tracking(wildcards):
    """What is told of all runs is made with the page of all; one paper's page waits for no other's runs."""
    return ["reports/tracking.json"] if wildcards.page == "all_tables" else []


def untracked_runs():
    """Tell whether runs were trained that MLflow was not told of, as when one paper alone was asked for."""
    try:
        told = json.loads(Path("reports/tracking.json").read_text())["runs"]
    except (OSError, ValueError, KeyError):
        told = []
    runs = {folder.parent.name for folder in Path("runs").glob("*/run.json")}
    return bool(runs - {run["run"] for run in told})


def page_if_stale(wildcards):
    return if_stale(wildcards.page)


def if_stale(report):
    return [str(STALE[report])] if report in STALE else []


def dataset_splits(wildcards):
    return PLAN.dataset(wildcards.version).splits


def all_evaluations(wildcards):
    return [test.results for run in PLAN.present_runs() for test in run.tests]


def tracking_if_stale(wildcards):
    return if_stale("tracking")


def run_report_if_stale(wildcards):
    return if_stale(f"runs/{wildcards.run}")


def decoding_threads(wildcards):
    """All cores, but for a rendered set no more than have a thousand images each to decode."""
    images = PLAN.dataset(wildcards.version).rendered_images()
    useful = workflow.cores if images is None else max(1, images // 1024)
    return min(workflow.cores, useful)


def dataset_index(wildcards):
    return PLAN.dataset(wildcards.version).index


def present_datasets():
    return [dataset for dataset in PLAN.datasets.values() if dataset.present]


def prepared_datasets(wildcards):
    return [
        file
        for dataset in present_datasets()
        for file in (dataset.index, dataset.splits, *dataset.packs)
    ]


def darkened_datasets(wildcards):
    return [
        file
        for dataset in present_datasets()
        if dataset.darkened
        for file in (dataset.darkened, *dataset.darkened_packs())
    ]


def dataset_sheets(wildcards):
    return [f"reports/datasets/{dataset.version}.png" for dataset in present_datasets()]


def audit_if_stale(wildcards):
    return if_stale(f"audits/{wildcards.run}/audit")
