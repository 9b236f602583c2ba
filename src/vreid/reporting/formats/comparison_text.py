"""A comparison of two states for a terminal or a plain file."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from vreid.reporting.comparing.records import ClaimChange, Comparison, Move
from vreid.reporting.formats import comparison_wording as words
from vreid.reporting.plain import plain

RIGHT = ("#", "before", "after", "move")
"""Columns of the moves that are numbers."""

STYLES = {True: "dim", False: "bold", None: ""}
"""Of a move that is within the spread, beyond it, or of which that is unknown."""


def show(found: Comparison, console: Console) -> None:
    """Print a comparison; what was made differently stands first, then the verdicts, then the cells."""
    _heading(console, words.title(found))
    console.print(
        Text(words.NOT_ALIKE if found.unlike else words.ALIKE, "bold yellow" if found.unlike else "")
    )
    _list(console, [words.unlike(one) for one in found.unlike])
    console.print(Text(words.summary(found) if found.changed else f"{words.NOTHING} {words.summary(found)}"))
    _claims(console, "Verdicts that changed", found.verdicts())
    _moves(console, "Cells that moved", found.results())
    _moves(console, words.TIMES, found.times())
    if found.moves:
        console.print(Text(words.key(), "dim"))
    rest = [claim for claim in found.claims if not claim.verdict_changed]
    _claims(console, "Differences that moved under the same verdict", rest)
    for heading, came in (("Came", True), ("Went", False)):
        some = [f"{one.what}: {one.where}" for one in found.comings if one.came is came]
        if some:
            _heading(console, f"\n{heading}")
            _list(console, some)
    if found.edits:
        _heading(console, "\nReads otherwise")
        _list(console, [words.edit(one) for one in found.edits])


def _moves(console: Console, heading: str, moves: Sequence[Move]) -> None:
    if not moves:
        return
    _heading(console, f"\n{heading}")
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for head in words.MOVE_HEADS:
        grid.add_column(head, justify="right" if head in RIGHT else "left", overflow="fold")
    for move in moves:
        style = STYLES[move.within]
        grid.add_row(*(Text(plain(entry), style) for entry in words.move(move)))
    console.print(grid)


def _claims(console: Console, heading: str, claims: Sequence[ClaimChange]) -> None:
    if not claims:
        return
    _heading(console, f"\n{heading}")
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for head in words.CLAIM_HEADS:
        grid.add_column(head, overflow="fold")
    for claim in claims:
        grid.add_row(*(Text(plain(entry)) for entry in words.claim(claim)))
    console.print(grid)


def _heading(console: Console, text: str) -> None:
    console.print(Text(plain(text), "bold"))


def _list(console: Console, lines: Sequence[str]) -> None:
    for line in lines:
        console.print(Text(f"  {plain(line)}"))
