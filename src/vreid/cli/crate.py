"""`vreid crate`: the reports with their provenance in one file, to be handed on or deposited."""

from pathlib import Path
from typing import Annotated

import typer

from vreid.cli.options import Preset, the_plan


def crate(
    out: Annotated[
        Path | None,
        typer.Argument(
            metavar="[OUT]", help="The ZIP file to write; dist/vreid-PRESET.crate.zip when left out."
        ),
    ] = None,
    preset: Preset = None,
    with_weights: Annotated[
        bool, typer.Option("--with-weights", help="Also pack the trained weights of every run.")
    ] = False,
) -> None:
    """Pack the reports, their parameters and the records of their runs as a Workflow Run RO-Crate."""
    from vreid.reporting.crate.pack import write_crate

    plan = the_plan(None, preset)
    target = out or Path("dist") / f"vreid-{plan.preset}.crate.zip"
    packed = write_crate(plan, target, weights=with_weights)
    for sentence in packed.left_out:
        typer.echo(sentence)
    typer.echo(f"{target}: {packed.files} files of {packed.runs} runs, {packed.size / 1e6:.1f} MB")
