"""`vreid diff`: what moved between two states of the reports."""

import json
from typing import Annotated

import typer

STATE = "A folder of reports, or REV or REV:FOLDER of this git repository."


def diff(
    before: Annotated[str, typer.Argument(metavar="REPORT_A", help=STATE)],
    after: Annotated[str, typer.Argument(metavar="REPORT_B", help=STATE)],
    threshold: Annotated[
        float, typer.Option(min=0.0, help="Leave out moves of ours up to so many points.")
    ] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, as for a comment on a change.")
    ] = False,
    exit_code: Annotated[
        bool,
        typer.Option(
            "--exit-code", help="Exit status 0: no change, 1: changes, 2: the states cannot be compared."
        ),
    ] = False,
) -> None:
    """Compare two states of the reports: cells that moved, verdicts that changed, what came and what went.

    A state is a folder such as `reports` or `reports/reference/demo`, or a revision in which such a folder is
    committed: `HEAD~1`, `v1.0:reports/reference/demo`. Where a revision holds one such folder, it need not be
    named. Read are `tables/*/*.json` and `claims/*.json`, or `all_tables.json` and `claims.json` where only
    these are there. Nothing is checked out or written.

    A move within 2 sd is marked: it is no larger than twice the larger standard deviation over the seeds of
    the two states. Of one seed none is known. Training times are measured anew with each training: they are
    listed apart and count as no change. Without --exit-code changes are no failure.
    """
    from vreid.params.errors import UserError
    from vreid.reporting.comparing.compare import compare
    from vreid.reporting.comparing.states import read_state

    if as_json and as_markdown:
        raise typer.BadParameter("--json and --markdown are two forms: choose one")
    try:
        found = compare(read_state(before), read_state(after), threshold)
    except UserError as error:
        if not exit_code:
            raise
        typer.echo(f"vreid: {error}", err=True)
        raise typer.Exit(2) from None
    if as_json:
        value = {"changed": found.changed, **found.model_dump(mode="json")}
        typer.echo(json.dumps(value, indent=1, ensure_ascii=False))
    elif as_markdown:
        from vreid.reporting.formats.comparison_markdown import page

        typer.echo(page(found), nl=False)
    else:
        from vreid.cli.console import on_console
        from vreid.reporting.formats.comparison_text import show

        on_console(lambda console: show(found, console))
    if exit_code and found.changed:
        raise typer.Exit(1)
