"""`vreid bundle …`: pack runs for another machine, and bring them home."""

import re
from pathlib import Path
from typing import Annotated

import typer

from vreid.cli.options import PlanFile, Preset, the_plan
from vreid.params.errors import UserError

app = typer.Typer(
    help="Pack runs for a machine that has PyTorch alone; bring them home.", no_args_is_help=True
)

Names = list[str] | None


@app.command()
def make(
    out: Annotated[Path, typer.Argument(help="A new folder, or an archive ending in .tar.")],
    papers: Annotated[Names, typer.Option(help="All runs of these papers.")] = None,
    runs: Annotated[Names, typer.Option(help="These runs, or PAPER/EXPERIMENT.")] = None,
    tables: Annotated[Names, typer.Option(help="All runs of these tables, PAPER/TABLE.")] = None,
    with_data: Annotated[
        bool, typer.Option("--with-data", help="Pack the packed images too; else they are rendered there.")
    ] = False,
    with_wheels: Annotated[
        Path | None, typer.Option(help="Carry the wheels of this folder; pip fetches into it what it lacks.")
    ] = None,
    python: Annotated[
        Names, typer.Option(help="Pythons to carry wheels for, as 3.12; else this one.")
    ] = None,
    plan: PlanFile = None,
    preset: Preset = None,
) -> None:
    """Pack what runs need to be made elsewhere; all of the preset's if none are named.

    Options may be given several times, or their values separated by commas.
    """
    from vreid.bundle.make import Wanted, make_bundle

    wanted = Wanted(papers=_each(papers), tables=_each(tables), runs=_each(runs))
    made = make_bundle(
        the_plan(plan, preset),
        wanted,
        out,
        with_data=with_data,
        wheels=with_wheels,
        pythons=[_version(one) for one in _each(python)],
    )
    typer.echo(f"{out}: {len(made.bundle.runs)} runs of the preset {made.bundle.preset}, {made.files} files")
    for remark in made.remarks:
        typer.echo(f"note: {remark}")
    typer.echo("There, in the unpacked folder: python -m vreid.bundle run .")


@app.command("import")
def bring_home(
    source: Annotated[Path, typer.Argument(help="The folder with results.json, or an archive of it.")],
    plan: PlanFile = None,
) -> None:
    """Take over the runs that a bundle has made elsewhere, each if it fits what params/ asks for here."""
    from vreid.bundle.bring import bring

    brought = bring(source, lambda preset: the_plan(plan, preset), Path())
    for line in brought.in_lines():
        typer.echo(line)
    if brought.refused:
        raise typer.Exit(1)


@app.command()
def status(
    folder: Annotated[Path, typer.Argument(help="The folder with results.json.")],
) -> None:
    """Say how far a bundle is."""
    from vreid.bundle.results import Results

    typer.echo(Results.read(folder).in_words())


def _each(values: Names) -> list[str]:
    return [part for value in values or [] for part in value.split(",") if part]


def _version(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"3\.(1[1-3])", text)
    if found is None:
        raise UserError(f"--python {text}: a bundle runs with Python 3.11, 3.12 or 3.13.")
    return 3, int(found[1])
