"""How long answers are printed: folded to a terminal's width, or plain and whole into a file or a pipe."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

UNFOLDED = 10_000
"""Columns where nothing folds lines."""


def on_console(show: "Callable[[Console], None]") -> None:
    """Let `show` print to standard output; outside of a terminal without colours, folds and padding."""
    from rich.console import Console

    console = Console(highlight=False, emoji=False, markup=False)
    if console.is_terminal:
        show(console)
        return
    kept = io.StringIO()
    show(Console(file=kept, width=UNFOLDED, highlight=False, emoji=False, markup=False))
    typer.echo("\n".join(line.rstrip() for line in kept.getvalue().splitlines()))
