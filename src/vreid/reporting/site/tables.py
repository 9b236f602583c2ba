"""A table as the page shows it: every cell as text, with its mark and what it is sorted by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from vreid.reporting.cells import Cell, Mark, printed
from vreid.reporting.formats import untrained_wording, wording
from vreid.reporting.records import Row, Table
from vreid.reporting.site.notes import Note, notes

Side = Literal["paper", "ours", "difference"]

NOT_PRINTED = "the paper prints no value here"
NOT_RUN_HERE = "quoted by the paper, not run here"
NOTHING_TO_COMPARE = "there are not both values"


@dataclass(frozen=True)
class Shown:
    """One value: its text, its mark, its spread over seeds; `sort` orders the column, empty comes last.

    `note` is why a value or a seed is missing; `hint` says so in a word where no note is needed.
    """

    text: str
    mark: Mark = ""
    spread: str | None = None
    sort: str = ""
    note: Note | None = None
    hint: str = ""
    quoted: bool = False
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShownRow:
    """One row: `cells` holds (side, value) for each column of the page; `runs` is every run behind it."""

    number: int
    label: str
    cited: bool
    texts: tuple[str, ...]
    cells: tuple[tuple[Side, Shown], ...]
    runs: tuple[str, ...]


WIDE, WIDEST = 9, 24
"""Columns of numbers above which a table is printed in smaller type, so that it fits on paper."""


@dataclass(frozen=True)
class ShownTable:
    """One table; `id` is its place in the page, `heads` are its metrics, each with the sides that it has."""

    id: str
    title: str
    heading: str
    provenance: str
    recipe: tuple[str, ...]
    ours: str
    text_columns: tuple[str, ...]
    heads: tuple[tuple[str, tuple[Side, ...]], ...]
    rows: tuple[ShownRow, ...]
    notes: tuple[Note, ...]
    baselines: tuple[str, ...]
    key: str
    file: str

    @property
    def width(self) -> Literal["", "wide", "widest"]:
        """How wide it is, by the number of its columns."""
        columns = sum(len(sides) for _, sides in self.heads)
        return "widest" if columns > WIDEST else "wide" if columns > WIDE else ""


def shown_table(table: Table, recipe: Sequence[str]) -> ShownTable:
    """Return a table as it is shown; `recipe` are sentences on how our recipe differs from the paper's."""
    place = f"{table.paper}-{table.table}"
    reasons = notes(place, table.reasons())
    return ShownTable(
        id=place,
        title=table.title,
        heading=f"{table.title}: {table.caption}",
        provenance=wording.provenance(table),
        recipe=tuple(recipe),
        ours=wording.ours(table),
        text_columns=tuple(table.text_columns),
        heads=tuple((head, _sides(table, index)) for index, head in enumerate(wording.heads(table))),
        rows=tuple(_rows(table, reasons)),
        notes=tuple(reasons.values()),
        baselines=tuple(untrained_wording.of_table(table)),
        key=wording.key(table),
        file=f"reports/tables/{table.paper}/{table.table}",
    )


def _rows(table: Table, reasons: dict[str, Note]) -> Iterator[ShownRow]:
    columns = [_column(table, index, reasons) for index in range(len(table.columns))]
    for number, row in enumerate(table.rows):
        yield ShownRow(
            number=row.row,
            label=wording.label(row),
            cited=row.kind == "cited",
            texts=tuple(text or wording.MISSING for text in row.text),
            cells=tuple(cell for column in columns for cell in column[number]),
            runs=tuple(dict.fromkeys(run for cell in row.cells for run in cell.runs)),
        )


def _sides(table: Table, index: int) -> tuple[Side, ...]:
    """Return which columns a metric has: one that the paper does not print has ours alone."""
    return ("paper", "ours", "difference") if table.is_printed(index) else ("ours",)


def _column(table: Table, index: int, reasons: dict[str, Note]) -> list[list[tuple[Side, Shown]]]:
    """Return the values of one metric, row by row."""
    sides = _sides(table, index)
    lines = zip(table.rows, table.column(index), *table.marks(index), strict=True)
    found: list[list[tuple[Side, Shown]]] = []
    for row, cell, theirs, mine in lines:
        shown: dict[Side, Shown] = {
            "paper": _paper(row, cell, table.decimals(index), theirs),
            "ours": _ours(table, index, cell, mine, reasons),
            "difference": _difference(table, index, cell),
        }
        found.append([(side, shown[side]) for side in sides])
    return found


def _paper(row: Row, cell: Cell, decimals: int, mark: Mark) -> Shown:
    if cell.paper is None:
        return Shown(wording.MISSING, hint=NOT_PRINTED)
    return Shown(printed(cell.paper, decimals), mark, sort=str(cell.paper), quoted=row.cited_from is not None)


def _ours(table: Table, index: int, cell: Cell, mark: Mark, reasons: dict[str, Note]) -> Shown:
    note = reasons[cell.reason] if cell.reason else None
    values = wording.mean_and_sd(cell, table.decimals(index), cost=table.is_cost(index))
    if values is None:
        return Shown(wording.nothing(cell), note=note, hint="" if note else NOT_RUN_HERE, runs=cell.runs)
    mean, spread = values
    return Shown(mean, mark, spread, sort=str(cell.mean), note=note, runs=cell.runs)


def _difference(table: Table, index: int, cell: Cell) -> Shown:
    gap = table.difference(index, cell)
    return Shown(wording.MISSING, hint=NOTHING_TO_COMPARE) if gap is None else Shown(gap, sort=gap)
