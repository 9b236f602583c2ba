"""Resolves params/ into the plan, once, while the Snakefile is read; the functions below look things up in it."""

import gc
import os
import sys
import time
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from snakemake_logger_plugin_vreid.alone import executed_alone, unwritable
from vreid.params import requests
from vreid.params.errors import UserError
from vreid.params.fingerprint import digest_of
from vreid.params.plan import Plan
from vreid.params.preset import workflow_settings
from vreid.params.resolve import load
from vreid.reporting.captions import captions, escaped, ours
from vreid.reporting.out_of_date import mark_out_of_date
from vreid.reporting.tracking.report import untold

# Rules call `vreid`: the one that belongs to the Python that runs Snakemake, activated or not.
# They end with it (vreid.training.interruption).
BIN = str(Path(sys.executable).parent)
PIPELINE = os.getpid()
shell.prefix("export PATH={BIN:q}:$PATH VREID_PIPELINE={PIPELINE}; ")

try:
    Path("logs/track").mkdir(parents=True, exist_ok=True)
except OSError as error:
    raise unwritable(error) from None

# Two pipelines would undo each other's work, and a killed one must not keep the next from starting.
workflow.execute = executed_alone(workflow.execute, Path(".vreid/pipeline.lock"))

# A job on a cluster's node reads this file anew: it gets the plan by which it was submitted, whatever happened
# to params/ while it waited.
try:
    SETTINGS = workflow_settings(config)
    submitted = None if workflow.is_main_process else os.environ.get("VREID_PLAN")
    if submitted is not None:
        PLAN = Plan.read(Path(submitted))
    else:
        PLAN = load(Path("params"), SETTINGS.preset)
except UserError as error:
    raise WorkflowError(str(error)) from None
# All this is kept to the end: nobody has to look for garbage in it again while the jobs are planned.
gc.freeze()
PLAN_FILE = PLAN.write(Path(".vreid/plans"))
if digest_of(PLAN_FILE.read_text(errors="replace").strip("\n"), 16) != PLAN_FILE.stem:
    PLAN_FILE.unlink()  # it was there and is damaged
    PLAN.write(PLAN_FILE.parent)
os.environ.update(VREID_PLAN=str(PLAN_FILE))

# Markers newer than the reports on disk that are not what the plan asks for. Snakemake takes neither a missing
# input nor a changed list of inputs for a reason to run a job whose outputs are there; a newer input it
# does, if its content is not the one that it remembers. They are written before it looks at any folder,
# and only by the process that decides which jobs run.
STALE = dict(
    (stale, Path(".vreid/stale") / f"{stale}.txt")
    for stale in PLAN.stale_reports(Path("reports"))
)
for marker in STALE.values() if workflow.is_main_process else ():
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


def unless_made(needed, made):
    """Return the input `needed`, but not if it is missing while all the files `made` from it are there.

    A clone that was given its runs has no images. Snakemake would take an input that another job makes for a
    reason to make again whatever was made from it, `ancient` or not.
    """
    missing = not Path(needed).exists()
    return [] if missing and all(Path(file).exists() for file in made) else needed


def run_pack(wildcards):
    run = planned_run(wildcards)
    files = ("config.json", "model.safetensors", "history.parquet", "run.json")
    return unless_made(run.pack, [f"runs/{run.name}/{file}" for file in files])


def tested_images(wildcards):
    return wildcards.images.removeprefix("-") or "original"


def tested_pack(wildcards):
    test = planned_run(wildcards).on_images(tested_images(wildcards))
    features = ("before_neck", "after_neck")
    kinds = [f"{name}{kind}" for name in features for kind in ("", "_mirrored")]
    made = [f"{test.features}/{name}.npy" for name in (*kinds, "rows")]
    return unless_made(test.pack, made)


def tested_features(wildcards):
    test = planned_run(wildcards).tested(f"eval-{wildcards.digest}")
    return f"{test.features}/rows.npy"


def tested_index(wildcards):
    return unless_evaluated(run_index(wildcards), wildcards)


def tested_splits(wildcards):
    return unless_evaluated(run_splits(wildcards), wildcards)


def unless_evaluated(needed, wildcards):
    folder = f"runs/{wildcards.run}/eval-{wildcards.digest}"
    files = ("evaluation.json", "per_query.parquet")
    return unless_made(needed, [f"{folder}/{file}" for file in files])


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
    """Tell whether MLflow was told less than the runs say, as when one paper alone was asked for."""
    return bool(untold(PLAN, Path("runs"), Path("reports/tracking.json")))


def page_if_stale(wildcards):
    return if_stale(wildcards.page)


def index_if_stale(wildcards):
    return if_stale("index")


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
    """All cores, but for a rendered set no more than have a thousand images each to render or decode."""
    images = PLAN.dataset(wildcards.version).rendered_images()
    cores = all_cores(wildcards)
    return cores if images is None else min(cores, max(1, images // 1024))


def all_cores(wildcards):
    """`snakemake --report` runs nothing and is given none; `workflow.cores` would refuse it."""
    return workflow.resource_settings.cores or 1


def training_request(wildcards, threads):
    run = planned_run(wildcards)
    return requests.training(run, PLAN.dataset(run.config.dataset))


def extraction_request(wildcards, threads):
    run = planned_run(wildcards)
    return requests.extraction(run, PLAN.dataset(run.config.dataset))


def evaluation_request(wildcards, threads):
    return requests.evaluation(PLAN.dataset(planned_run(wildcards).config.dataset))


def rendering_request(wildcards, threads):
    return requests.rendering(PLAN.dataset(wildcards.version), threads)


def decoding_request(wildcards, threads):
    return requests.decoding(PLAN.dataset(wildcards.version), threads)


def baselines_request(wildcards, threads):
    return requests.evaluation(PLAN.dataset(wildcards.version))


def minutes(request):
    """For `resources: runtime=`; each attempt asks for as much again."""

    def runtime(wildcards, threads, attempt):
        return request(wildcards, threads).again(attempt).runtime

    return runtime


def memory(request):
    """For `resources: mem_mb=`; each attempt asks for as much again."""

    def mem_mb(wildcards, threads, attempt):
        return request(wildcards, threads).again(attempt).mem_mb

    return mem_mb


def dataset_index(wildcards):
    return PLAN.dataset(wildcards.version).index


def present_datasets():
    return [dataset for dataset in PLAN.datasets.values() if dataset.present]


def prepared_datasets(wildcards):
    """All of them, or with `--config dataset=NAME` that one."""
    return [
        file
        for dataset in present_datasets()
        if SETTINGS.dataset in (None, dataset.name)
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


def labelled(report, form=None):
    """Labels of a file in `snakemake --report`; `report` is its name with wildcards, `form` one of two forms.

    No other label may have just two values, or the page makes a switch of it.
    """

    def labels(wildcards):
        caption = CAPTIONS[report.format(**wildcards)]
        return {
            "name": caption.name,
            "preset": f"{PLAN.preset} ({caption.source})",
        } | ({"as": form} if form else {})

    return labels


def page_category(wildcards):
    return (
        wildcards.page.removeprefix("papers/")
        if "/" in wildcards.page
        else "all papers"
    )


def run_category(wildcards):
    return planned_run(wildcards).paper


# Rules whose reports are made of what is there where a job failed that they wait for.
REPORTING = {"table", "figure", "claims", "audit", "page", "index"}


def reports_to_make():
    """Reports that this call is still to make, as paths below reports/ without a suffix."""
    jobs = (job for job in workflow.dag.needrun_jobs() if job.rule.name in REPORTING)
    return sorted(
        job.output.json.removeprefix("reports/").removesuffix(".json") for job in jobs
    )


def reports_to_make_after_failure():
    """The same where a job failed; none where the pipeline was asked to stop, for it will go on."""
    scheduler = workflow.scheduler
    stopped = getattr(scheduler, "_user_kill", None) is not None
    return reports_to_make() if scheduler.failed and not stopped else []


# What the captions in workflow/report/ are filled with.
CAPTIONS = captions(PLAN)
config["captions"] = {name: caption.escaped() for name, caption in CAPTIONS.items()}
config["ours"] = escaped(ours(PLAN))
