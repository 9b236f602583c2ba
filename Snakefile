from snakemake.utils import min_version

min_version("9.18")


configfile: "params/workflow.yaml"


report: "workflow/report/workflow.rst"


# For the lint alone: the rules use the environment that runs Snakemake.
container: "docker://python:3.11"


include: "workflow/rules/common.smk"
include: "workflow/rules/datasets.smk"
include: "workflow/rules/runs.smk"
include: "workflow/rules/reports.smk"


rule all:
    default_target: True
    input:
        expand("reports/{page}.md", page=PLAN.pages),
        "reports/index.html",


onstart:
    mark_out_of_date(reports_to_make(), Path("reports"))


onsuccess:
    if untracked_runs():
        shell(
            "vreid track sync --plan {PLAN_FILE} --lenient > logs/track/after.log 2>&1"
        )


onerror:
    shell(
        "vreid track sync --plan {PLAN_FILE} --lenient > logs/track/failed.log 2>&1"
    )
    unmade = reports_to_make_after_failure()
    if unmade:
        logger.warning(
            "Not all that was asked for could be made; the reports are made of what is there and say so."
        )
        shell(
            "vreid report unmade --plan {PLAN_FILE} {unmade} > logs/track/unmade.log 2>&1"
            " || echo 'They could not be made: logs/track/unmade.log says why.' >&2"
        )
