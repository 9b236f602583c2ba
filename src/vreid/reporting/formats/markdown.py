"""A table as GitHub-flavoured Markdown."""

import re
from itertools import chain

from vreid.reporting.cells import Cell, Mark, difference, printed
from vreid.reporting.formats import wording
from vreid.reporting.records import Row, Table

STYLES = {"best": "**{}**", "second": "<u>{}</u>", "": "{}"}


def page(table: Table) -> str:
    """Return the table as a page of its own, its citation at the end."""
    return f"{section(table, level=1)}\n\n{escape(table.citation)}\n"


def section(table: Table, level: int) -> str:
    """Return title (a heading of `level`), provenance, table and notes, without a final newline."""
    title = f"{'#' * level} {escape(table.title)}: {escape(table.caption)}"
    provenance = f"**{escape(wording.provenance(table))}** {escape(wording.recipe(table))}"
    return "\n\n".join([title, provenance, _grid(table), _notes(table)])


def escape(text: str) -> str:
    """Return plain text that Markdown shows as it is, also within a table's cell."""
    return re.sub(r"([\\`*_|<\[])", r"\\\1", " ".join(text.split()))


def _grid(table: Table) -> str:
    sides = ("paper", wording.ours(table), "difference")
    heads = [f"{escape(head)}: {side}" for head in wording.heads(table) for side in sides]
    left = ["#", "Method", *(escape(name) for name in table.text_columns)]
    rule = ["--:", ":--", *(":--" for _ in table.text_columns), *("--:" for _ in heads)]
    columns = [_column(table, index) for index in range(len(table.columns))]
    rows = [
        [*_left(row), *chain.from_iterable(column[number] for column in columns)]
        for number, row in enumerate(table.rows)
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in [[*left, *heads], rule, *rows])


def _left(row: Row) -> list[str]:
    label = f"{row.label} {row.cited_from}" if row.cited_from else row.label
    style = "*{}*" if row.kind == "cited" else "{}"
    texts = [escape(text) or wording.MISSING for text in (label, *row.text)]
    return [str(row.row), *(style.format(text) for text in texts)]


def _column(table: Table, index: int) -> list[list[str]]:
    decimals = table.decimals(index)
    letters = wording.note_letters(table)
    lines = zip(table.rows, table.column(index), *table.marks(index), strict=True)
    return [
        [
            _paper(cell, decimals, theirs, row),
            _ours(cell, decimals, ours, letters),
            difference(cell, decimals) or wording.MISSING,
        ]
        for row, cell, theirs, ours in lines
    ]


def _paper(cell: Cell, decimals: int, mark: Mark, row: Row) -> str:
    if cell.paper is None:
        return wording.MISSING
    value = STYLES[mark].format(printed(cell.paper, decimals))
    return f"*{value}*" if row.kind == "cited" else value


def _ours(cell: Cell, decimals: int, mark: Mark, letters: dict[str, str]) -> str:
    note = f"<sup>{letters[cell.reason]}</sup>" if cell.reason else ""
    shown = wording.mean_and_sd(cell, decimals)
    if shown is None:
        return wording.MISSING + note
    mean, sd = shown
    return STYLES[mark].format(mean) + (f" ± {sd}" if sd else "") + note


def _notes(table: Table) -> str:
    letters = wording.note_letters(table).items()
    reasons = [f"<sup>{letter}</sup> {escape(reason)}" for reason, letter in letters]
    lines = [*wording.baselines(table), wording.key(table)]
    return "  \n".join([*reasons, *(escape(line) for line in lines)])
