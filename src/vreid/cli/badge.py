"""`vreid badge`: the README's one line of verdicts."""

from pathlib import Path
from typing import Annotated

import typer


def badge(
    reports: Annotated[Path, typer.Option("--from", help="The folder of reports to take them from.")] = Path(
        "reports"
    ),
    readme: Annotated[Path, typer.Option(help="The file to write them into.")] = Path("README.md"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if the file says something else.")
    ] = False,
) -> None:
    """Write the verdicts of the last report, in one line, between two markers of the README."""
    from vreid.reporting.badge import check_badge, write_badge

    typer.echo(check_badge(reports, readme) if check else write_badge(reports, readme))
