"""`vreid badge`: the README's lines of verdicts."""

from pathlib import Path
from typing import Annotated

import typer


def badge(
    reports: Annotated[
        list[Path] | None,
        typer.Option("--from", help="A folder of reports to take them from; several give a line each."),
    ] = None,
    readme: Annotated[Path, typer.Option(help="The file to write them into.")] = Path("README.md"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if the file says something else.")
    ] = False,
) -> None:
    """Write the verdicts of the reports, those of `reports/` or others, between two markers of the README."""
    from vreid.reporting.badge import check_badge, write_badge

    folders = reports or [Path("reports")]
    typer.echo(check_badge(folders, readme) if check else write_badge(folders, readme))
