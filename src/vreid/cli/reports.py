"""`vreid table`, `figure`, `claims`, `page` and `report`: what a reader opens."""

from pathlib import Path
from typing import Annotated

import typer

from vreid.cli.options import PlanFile, Preset, the_plan

PaperName = Annotated[str, typer.Argument(metavar="PAPER", help="A paper, as se_densenet.")]


report = typer.Typer(help="Report what is there, whatever failed or is still to come.", no_args_is_help=True)


@report.command()
def now(plan: PlanFile = None, preset: Preset = None) -> None:
    """Write what is there now of all reports into reports/now/, beside those of the pipeline."""
    from vreid.reporting.partial import write_now

    folder = write_now(the_plan(plan, preset), Path("reports"))
    typer.echo(f"What is there now: {folder}/index.html, {folder}/all_tables.md, {folder}/papers/*.md")


@report.command()
def unmade(
    names: Annotated[
        list[str], typer.Argument(metavar="REPORT...", help="As tables/sanet/table3 or papers/sanet.")
    ],
    plan: PlanFile = None,
    preset: Preset = None,
) -> None:
    """Write reports that the pipeline could not make of what is there; it calls this after a failure."""
    from vreid.reporting.partial import write_unmade

    for line in write_unmade(the_plan(plan, preset), names, Path("reports")):
        typer.echo(f"not made: {line}", err=True)


def table(
    paper: PaperName,
    name: Annotated[str, typer.Argument(metavar="TABLE", help="One of its tables, as table1.")],
    plan: PlanFile = None,
    preset: Preset = None,
) -> None:
    """Write reports/tables/PAPER/TABLE as Markdown, LaTeX, CSV and JSON."""
    from vreid.reporting.tables import write_table

    write_table(the_plan(plan, preset).table(paper, name), Path("reports/tables") / paper)


def figure(
    paper: PaperName,
    name: Annotated[str, typer.Argument(metavar="FIGURE", help="One of its figures, as figure6.")],
    plan: PlanFile = None,
    preset: Preset = None,
) -> None:
    """Draw reports/figures/PAPER/FIGURE as PNG and PDF, and write what it shows as JSON."""
    from vreid.reporting.figures.draw import draw_figure

    draw_figure(the_plan(plan, preset).figure(paper, name), Path("reports/figures") / paper, Path())


def claims(paper: PaperName, plan: PlanFile = None, preset: Preset = None) -> None:
    """Write reports/claims/PAPER and reports/deviations/PAPER: does it hold, and what was read into it."""
    from vreid.reporting.claims import write_claims
    from vreid.reporting.deviations import write_deviations

    planned = the_plan(plan, preset).claims_of(paper)
    write_deviations(planned, Path("reports/deviations"))
    write_claims(planned, Path("reports/claims"))


def page(
    name: Annotated[
        str, typer.Argument(metavar="PAGE", help="all_tables, claims, or papers/ and a paper's name.")
    ],
    plan: PlanFile = None,
    preset: Preset = None,
) -> None:
    """Write reports/PAGE, many tables in one, as Markdown, LaTeX, CSV and JSON."""
    from vreid.reporting.collect import write_page

    write_page(the_plan(plan, preset).page(name), Path("reports") / name)
