"""`vreid track sync`, `track serve` and `ui`: the runs in MLflow."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from vreid.cli.options import PlanFile, Preset, the_plan

if TYPE_CHECKING:
    from vreid.reporting.tracking.server import Served

track = typer.Typer(help="Carry the runs over to MLflow.", no_args_is_help=True)

Port = Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")]


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
    from vreid.reporting.tracking.report import write_tracking

    file = Path("reports/tracking.json")
    typer.echo(write_tracking(the_plan(plan, preset), Path("runs"), file, lenient=lenient))


@track.command()
def serve(
    port: Port = 5000,
    host: Annotated[
        str, typer.Option(help="The address to listen on; by default only this machine is heard.")
    ] = "127.0.0.1",
    store: Annotated[
        str,
        typer.Option(
            envvar="MLFLOW_BACKEND_STORE_URI",
            show_envvar=True,
            help="The database: sqlite:///FILE or postgresql://…; a password belongs into the variable.",
        ),
    ] = "sqlite:///mlflow.db",
) -> None:
    """Start MLflow's server, which checkouts sync into that have MLFLOW_TRACKING_URI set to its address."""
    from vreid.reporting.tracking.place import write_ahead
    from vreid.reporting.tracking.server import tracking_server

    write_ahead(store)
    _become(tracking_server(store, host, port))


def ui(port: Port = 5000) -> None:
    """Show the runs that this folder has tracked in MLflow's own pages, on this machine only."""
    from vreid.reporting.tracking.server import tracking_pages

    _become(tracking_pages(port))


def _become(server: "Served") -> NoReturn:
    """Say what there is to say, and let the server take the place of this process: signals reach it."""
    for sentence in server.sentences:
        typer.echo(sentence, err=True)
    os.execve(server.command[0], server.command, server.environment)  # noqa: S606
