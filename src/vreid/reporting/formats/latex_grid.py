"""The grids of a table in LaTeX: which metrics stand side by side, and what stands in each line."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

from vreid.reporting.cells import Cell, Mark, printed
from vreid.reporting.formats import wording
from vreid.reporting.formats.latex_text import escape, line, signed, stacked
from vreid.reporting.records import Row, Table

ACROSS = 640.0
"""Points that a grid may measure: on A4 it is then set at three quarters of \footnotesize or more."""

LETTER, APART = 4.25, 6.0
"""Points: of a letter of \footnotesize on average, and between two columns."""

HEAD = 6
"""Lines that a grid's head and its rules take."""

STYLES = {"best": r"\textbf{%s}", "second": r"\underline{%s}", "": "%s"}


@dataclass(frozen=True)
class Grid:
    """Some of a table's metrics: how the tabular begins, and a line for each row."""

    opening: str
    rows: tuple[str, ...]

    def tabular(self, start: int, stop: int) -> str:
        """Return the rows from `start` to before `stop` as a tabular."""
        return "\n".join([self.opening, *self.rows[start:stop], r"\bottomrule", r"\end{tabular}"])


def grids(table: Table) -> list[Grid]:
    """Return the table's metrics as grids that are not wider than a page, in the order of its columns.

    Metrics of one variant, dataset, protocol and test stay together where there is room.
    """
    left = _left(table)
    columns = [_metric(table, index) for index in range(len(table.columns))]
    return [_grid(left, block) for block in _blocks(table, left, columns)]


@dataclass(frozen=True)
class _Part:
    """Columns under one head. Widths are in points, of which `cells` has one list for each row."""

    head: str
    subheads: tuple[str, ...]
    sides: str
    cells: list[list[str]]
    width: float


def _grid(left: list[_Part], metrics: Sequence[_Part]) -> Grid:
    parts = [*left, *metrics]
    heads, rules, position = [""] * len(left), "", len(left) + 1
    for part in metrics:
        span = len(part.sides)
        heads.append(rf"\multicolumn{{{span}}}{{c}}{{{part.head}}}")
        rules += rf"\cmidrule(lr){{{position}-{position + span - 1}}}"
        position += span
    opening = [
        rf"\begin{{tabular}}{{{''.join(part.sides for part in parts)}}}",
        r"\toprule",
        line(heads),
        rules,
        line(list(chain.from_iterable(part.subheads for part in parts))),
        r"\midrule",
    ]
    rows = zip(*(part.cells for part in parts), strict=True)
    return Grid("\n".join(opening), tuple(line(list(chain.from_iterable(row))) for row in rows))


def _blocks(table: Table, left: Sequence[_Part], metrics: Sequence[_Part]) -> Iterator[list[_Part]]:
    """Yield the metrics that stand side by side: whole groups as long as they fit, else as many as do."""
    room = ACROSS - sum(part.width for part in left)
    indices = range(len(metrics))
    groups = [list(group) for _, group in groupby(indices, key=lambda i: wording.group(table.columns[i]))]
    block: list[_Part] = []
    for group in groups:
        fits = sum(part.width for part in [*block, *(metrics[i] for i in group)]) <= room
        if block and not fits:
            yield block
            block = []
        for index in group:
            if block and sum(part.width for part in [*block, metrics[index]]) > room:
                yield block
                block = []
            block.append(metrics[index])
    yield block


def _left(table: Table) -> list[_Part]:
    """Return the rows' numbers, labels and texts."""
    numbers = [[str(row.row)] for row in table.rows]
    texts = list(zip(*((wording.label(row), *row.text) for row in table.rows), strict=True))
    parts = [_Part("", (r"\#",), "r", numbers, 2 * LETTER + APART)]
    for head, column in zip(["Method", *table.text_columns], texts, strict=True):
        longest = max(map(len, column))
        wrapped = max(len(part) for part in textwrap.wrap(head, max(8, longest), break_long_words=False))
        filled = zip(table.rows, column, strict=True)
        cells = [[_quoted(row, escape(text) or wording.MISSING)] for row, text in filled]
        width = max(longest, wrapped) * LETTER + APART
        parts.append(_Part("", (stacked(head, max(8, longest), "l"),), "l", cells, width))
    return parts


def _metric(table: Table, index: int) -> _Part:
    """Return the paper's value, ours and the difference; of what the paper does not print, ours alone."""
    decimals, (theirs, ours) = table.decimals(index), table.marks(index)
    head, own = wording.heads(table)[index], stacked(wording.ours(table), 12, "r")
    lines = list(zip(table.rows, table.column(index), theirs, ours, strict=True))
    mine = [_ours(table, index, cell, mark) for _, cell, _, mark in lines]
    shown = [wording.mean_and_sd(cell, decimals, cost=table.is_cost(index)) for _, cell, _, _ in lines]
    own_width = max(11, *(len(" ± ".join(filter(None, pair or ()))) for pair in shown)) * LETTER + APART
    if not table.is_printed(index):
        return _Part(stacked(head, 12, "c"), (own,), "r", [[cell] for cell in mine], own_width)
    papers = [_paper(cell, decimals, mark, row) for row, cell, mark, _ in lines]
    if table.is_cost(index):
        cells = [list(pair) for pair in zip(papers, mine, strict=True)]
        return _Part(stacked(head, 18, "c"), ("paper", own), "rr", cells, own_width + 5 * LETTER + APART)
    gaps = [signed(table.difference(index, cell) or wording.MISSING) for _, cell, _, _ in lines]
    cells = [list(triple) for triple in zip(papers, mine, gaps, strict=True)]
    width = own_width + 11 * LETTER + 2 * APART
    return _Part(stacked(head, 24, "c"), ("paper", own, "diff."), "rrr", cells, width)


def _paper(cell: Cell, decimals: int, mark: Mark, row: Row) -> str:
    if cell.paper is None:
        return wording.MISSING
    value = STYLES[mark] % printed(cell.paper, decimals)
    return rf"\vreidcited{{{value}}}" if row.cited_from is not None else value


def _ours(table: Table, index: int, cell: Cell, mark: Mark) -> str:
    note = rf"\textsuperscript{{{wording.note_letters(table)[cell.reason]}}}" if cell.reason else ""
    shown = wording.mean_and_sd(cell, table.decimals(index), cost=table.is_cost(index))
    if shown is None:
        return wording.nothing(cell) + note
    mean, sd = shown
    return STYLES[mark] % escape(mean) + (rf" $\pm$ {sd}" if sd else "") + note


def _quoted(row: Row, text: str) -> str:
    return rf"\vreidcited{{{text}}}" if row.kind == "cited" else text
