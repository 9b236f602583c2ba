"""`vreid release`: reports that are committed, to compare later ones with."""

from pathlib import Path
from typing import Annotated

import typer

from vreid.cli.options import Preset, the_plan


def release(
    out: Annotated[
        Path | None,
        typer.Argument(metavar="[OUT]", help="The folder; reports/reference/PRESET when left out."),
    ] = None,
    preset: Preset = None,
) -> None:
    """Copy the reports of a preset to a folder that git keeps, with a page on how they were made."""
    from vreid.reporting.release import release as write

    plan = the_plan(None, preset)
    target = out or Path("reports/reference") / plan.preset
    files = write(plan, target)
    size = sum(file.stat().st_size for file in files)
    typer.echo(f"{target}: {len(files)} files, {size / 1e6:.1f} MB. To be committed; then `vreid badge`.")
