"""A table as GitHub-flavoured Markdown."""

import re
from collections.abc import Sequence
from itertools import chain, groupby

from vreid.reporting.cells import Cell, Mark, printed
from vreid.reporting.formats import recipe_wording, untrained_wording, wording
from vreid.reporting.records import Row, Table

WIDEST = 6
"""Metrics that stand side by side at most, where they fall into groups."""

APART = 2
"""Metrics side by side of which each has three columns; of more, each has one: paper → ours (difference)."""

BLOCK = 4
"""Metrics of a block, where columns are cut into blocks, unless a group of columns has more by itself."""

STYLES = {"best": "**{}**", "second": "<u>{}</u>", "": "{}"}


def page(table: Table) -> str:
    """Return the table as a page of its own, its citation at the end."""
    recipe = recipe_wording.of_table(table)
    return f"{section(table, level=1, recipe=recipe)}\n\n{escape(table.citation)}\n"


def section(table: Table, level: int, recipe: Sequence[str]) -> str:
    """Return title (a heading of `level`), provenance, table and notes, without a final newline.

    `recipe` are the sentences that stand here on how our recipe differs from the paper's.
    """
    title = f"{'#' * level} {escape(table.title)}: {escape(table.caption)}"
    said, *parts = [*map(escape, recipe)] or [""]
    provenance = "  \n".join([f"**{escape(wording.provenance(table))}** {said}".strip(), *parts])
    return "\n\n".join([title, provenance, *_grids(table), _notes(table)])


def grid(heads: Sequence[str], rules: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already."""
    return "\n".join(f"| {' | '.join(line)} |" for line in [heads, rules, *rows])


def escape(text: str) -> str:
    """Return plain text that Markdown shows as it is, also within a table's cell."""
    return re.sub(r"([\\`*_|<\[])", r"\\\1", " ".join(text.split()))


def _grids(table: Table) -> list[str]:
    names = [escape(head) for head in wording.heads(table)]
    return [_grid(table, names, block) for block in _blocks(table)]


def _blocks(table: Table) -> list[list[int]]:
    """Return the columns that stand side by side, block by block.

    More than `WIDEST` are cut where the variant, dataset, protocol or test changes, so that no block has more
    than `BLOCK` columns, unless a group has more by itself.
    """
    indices = range(len(table.columns))
    if len(indices) <= WIDEST:
        return [list(indices)]
    found: list[list[int]] = []
    for _, group in groupby(indices, key=lambda index: wording.group(table.columns[index])):
        members = list(group)
        if found and len(found[-1]) + len(members) <= BLOCK:
            found[-1] += members
        else:
            found.append(members)
    return found


def _grid(table: Table, names: list[str], block: list[int]) -> str:
    together = len(block) > APART
    parts = [_metric(table, index, names[index], together=together) for index in block]
    heads = ["#", "Method", *(escape(name) for name in table.text_columns)]
    rules = ["--:", ":--", *(":--" for _ in table.text_columns)]
    for part_heads, _ in parts:
        heads += part_heads
        rules += ["--:"] * len(part_heads)
    rows = [
        [*_left(row), *chain.from_iterable(cells[number] for _, cells in parts)]
        for number, row in enumerate(table.rows)
    ]
    return grid(heads, rules, rows)


def _metric(table: Table, index: int, name: str, *, together: bool) -> tuple[list[str], list[list[str]]]:
    """Return the heads of a metric's columns, and for each row its cells, `together` in one column."""
    ours, cells = wording.ours(table), _column(table, index)
    if not table.is_printed(index):
        return [f"{name}: {ours} (not in the paper)"], [[mine] for _, mine, _ in cells]
    if together:
        return [f"{name}<br>paper → {ours} (difference)"], [[_together(*cell)] for cell in cells]
    heads = [f"{name}: {side}" for side in ("paper", ours, "difference")]
    return heads, [[theirs, mine, gap or wording.MISSING] for theirs, mine, gap in cells]


def _together(theirs: str, mine: str, gap: str | None) -> str:
    if mine == wording.MISSING:  # quoted: there is nothing to go to
        return theirs
    return f"{theirs} → {mine}" + (f" ({gap})" if gap else "")


def _left(row: Row) -> list[str]:
    style = "*{}*" if row.kind == "cited" else "{}"
    texts = [escape(text) or wording.MISSING for text in (wording.label(row), *row.text)]
    return [str(row.row), *(style.format(text) for text in texts)]


def _column(table: Table, index: int) -> list[tuple[str, str, str | None]]:
    """Return the paper's value, ours and the difference in each row of one column."""
    lines = zip(table.rows, table.column(index), *table.marks(index), strict=True)
    return [
        (
            _paper(cell, table.decimals(index), theirs, row),
            _ours(table, index, cell, ours),
            table.difference(index, cell),
        )
        for row, cell, theirs, ours in lines
    ]


def _paper(cell: Cell, decimals: int, mark: Mark, row: Row) -> str:
    if cell.paper is None:
        return wording.MISSING
    value = STYLES[mark].format(printed(cell.paper, decimals))
    return f"*{value}*" if row.cited_from is not None else value


def _ours(table: Table, index: int, cell: Cell, mark: Mark) -> str:
    note = f"<sup>{wording.note_letters(table)[cell.reason]}</sup>" if cell.reason else ""
    shown = wording.mean_and_sd(cell, table.decimals(index), cost=table.is_cost(index))
    if shown is None:
        return wording.nothing(cell) + note
    mean, sd = shown
    return STYLES[mark].format(mean) + (f" ± {sd}" if sd else "") + note


def _notes(table: Table) -> str:
    letters = wording.note_letters(table).items()
    reasons = [f"<sup>{letter}</sup> {escape(reason)}" for reason, letter in letters]
    lines = [*untrained_wording.of_table(table), wording.key(table)]
    return "  \n".join([*reasons, *(escape(line) for line in lines)])
