"""`vreid table`, `figure`, `claims`, `page`, `track sync` and `ui`: what a reader opens."""

import subprocess
from pathlib import Path
from typing import Annotated

import typer

from vreid.cli.options import PlanFile, Preset, the_plan

track = typer.Typer(help="Carry the runs over to MLflow.", no_args_is_help=True)


PaperName = Annotated[
    str, typer.Argument(metavar="PAPER", help="A paper, as se_densenet.", show_default=False)
]


def table(
    paper: PaperName,
    name: Annotated[
        str,
        typer.Argument(metavar="TABLE", help="One of its tables, as table1.", show_default=False),
    ],
    plan: PlanFile = None,
    preset: Preset = None,
) -> None:
    """Write reports/tables/PAPER/TABLE as Markdown, LaTeX, CSV and JSON."""
    from vreid.reporting.tables import write_table

    write_table(the_plan(plan, preset).table(paper, name), Path("reports/tables") / paper)


def figure(
    paper: PaperName,
    name: Annotated[
        str,
        typer.Argument(metavar="FIGURE", help="One of its figures, as figure6.", show_default=False),
    ],
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
        str,
        typer.Argument(
            metavar="PAGE", help="all_tables, claims, or papers/ and a paper's name.", show_default=False
        ),
    ],
    plan: PlanFile = None,
    preset: Preset = None,
) -> None:
    """Write reports/PAGE, many tables in one, as Markdown, LaTeX, CSV and JSON."""
    from vreid.reporting.collect import write_page

    write_page(the_plan(plan, preset).page(name), Path("reports") / name)


@track.command()
def sync(
    plan: PlanFile = None,
    preset: Preset = None,
    lenient: Annotated[
        bool, typer.Option("--lenient", help="If MLflow does not answer, say so and succeed all the same.")
    ] = False,
) -> None:
    """Tell MLflow about every run that it does not know whole; writes reports/tracking.json.

    MLflow is where MLFLOW_TRACKING_URI says, else the file mlflow.db here. Failed runs are told too.
    """
    from vreid.reporting.tracking import write_tracking

    file = Path("reports/tracking.json")
    typer.echo(write_tracking(the_plan(plan, preset), Path("runs"), file, lenient=lenient))


def ui(
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 5000,
) -> None:
    """Show the tracked runs in MLflow's own pages, on this machine only."""
    from vreid.reporting.tracking import pages_command

    command, environment = pages_command(port)
    raise typer.Exit(subprocess.call(command, env=environment))
