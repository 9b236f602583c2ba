"""Puts the sub-commands together and turns a `UserError` into a sentence and an exit status."""

import sys

import typer

import vreid
from vreid.cli import (
    baselines,
    bundle,
    data,
    keep,
    plan,
    pretrain,
    pretrain_enhancement,
    reports,
    runs,
    site,
    tracking,
    trying,
)
from vreid.cli.badge import badge
from vreid.cli.compare import diff
from vreid.cli.crate import crate
from vreid.cli.evaluate import audit, evaluate
from vreid.cli.explain import explain
from vreid.cli.grim import grim
from vreid.cli.keep import restore
from vreid.cli.release import release
from vreid.params.atomic import unwritable
from vreid.params.errors import UserError
from vreid.training.interruption import end_with_pipeline

app = typer.Typer(
    name="vreid",
    help="Regenerates the tables of vehicle Re-ID papers. Each rule of the workflow is a command here.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.add_typer(data.app, name="data")
app.add_typer(runs.app, name="run")
app.add_typer(bundle.app, name="bundle")
app.add_typer(keep.app, name="keep")
app.add_typer(tracking.track, name="track")
app.add_typer(reports.report, name="report")
app.command()(plan.plan)
app.command()(plan.gc)
app.command("try")(trying.try_table)
app.command()(evaluate)
app.command()(audit)
app.command()(baselines.baselines)
app.command()(pretrain.pretrain)
app.command("pretrain-enhancement")(pretrain_enhancement.pretrain_enhancement)
app.command()(reports.table)
app.command()(reports.figure)
app.command()(reports.claims)
app.command()(badge)
app.command()(release)
app.command()(reports.page)
app.command()(explain)
app.command()(grim)
app.command()(restore)
app.command()(diff)
app.command()(crate)
app.command()(site.site)
app.command()(tracking.ui)


@app.callback(invoke_without_command=True)
def _version(
    version: bool = typer.Option(False, "--version", help="Print the version and stop."),
) -> None:
    if version:
        typer.echo(f"vreid {vreid.__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line; a mistake of the user's is one sentence on stderr and exit status 1."""
    end_with_pipeline()
    try:
        app()
    except UserError as error:
        typer.echo(f"vreid: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        refused = unwritable(error)
        if refused is None:
            raise
        typer.echo(f"vreid: {refused}", err=True)
        sys.exit(1)
