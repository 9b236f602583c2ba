"""`vreid site`: the page of everything, to be opened in a browser."""

from pathlib import Path

from vreid.cli.options import PlanFile, Preset, the_plan


def site(plan: PlanFile = None, preset: Preset = None) -> None:
    """Write reports/index.html, one file with every report in it, and reports/index.json."""
    from vreid.reporting.site.build import write_site

    planned = the_plan(plan, preset)
    evaluations = {run.name: run.evaluation for run in planned.present_runs()}
    write_site(planned.site, evaluations, Path("reports/index"))
