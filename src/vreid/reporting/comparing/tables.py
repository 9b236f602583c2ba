"""Compares one table in two states, its rows and columns paired."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from vreid.reporting.cells import Cell
from vreid.reporting.comparing.pairing import pairs
from vreid.reporting.comparing.records import SPREAD, Coming, Edit, Move, Value
from vreid.reporting.formats import wording
from vreid.reporting.records import Row, Table


class TableChange:
    """One table in both states, its rows and columns paired."""

    def __init__(self, before: Table, after: Table) -> None:
        self.before, self.after = before, after
        self.key = f"{before.paper}/{before.table}"
        self.rows = pairs(before.rows, after.rows, _row_name, _row_content)
        self.columns = pairs(
            list(enumerate(before.columns)),
            list(enumerate(after.columns)),
            lambda one: one[1].model_dump_json(),
            lambda one: one[1].model_dump_json(exclude={"label"}),
        )
        self.heads = (wording.heads(before), wording.heads(after))

    def count(self) -> int:
        """Return how many cells of ours both states have."""
        return sum(1 for _ in self._cells())

    def moves(self) -> Iterator[Move]:
        """Yield the cells of ours that moved, those that moved most first."""
        found = []
        for row, index, before, after in self._cells():
            if (before.values, before.status) != (after.values, after.status):
                found.append(self._move(row, index, before, after))
        yield from sorted(found, key=_size, reverse=True)

    def edits(self) -> Iterator[Edit]:
        """Yield what reads otherwise and is not ours."""
        for what in ("title", "caption", "citation"):
            yield from edit(self.key, what, getattr(self.before, what), getattr(self.after, what))
        for (_, column), (_, now) in self.columns.both:
            yield from edit(self.key, "column's label", column.label, now.label)
        for a, b in self.rows.both:
            where = f"{self.key}, row {b.row}"
            yield from edit(where, "label", _row_name(a), _row_name(b))
            yield from edit(where, "quoted from", a.cited_from or "--", b.cited_from or "--")
            for (i, _), (j, _) in self.columns.both:
                values = a.cells[i].paper, b.cells[j].paper
                yield from edit(f"{where}, {self.heads[1][j]}", "paper's value", *map(text, values))

    def comings(self) -> Iterator[Coming]:
        """Yield rows and columns that are in one state only."""
        for rows, came in ((self.rows.first, False), (self.rows.second, True)):
            for row in rows:
                yield Coming(what="row", where=f"{self.key}, row {row.row}: {_row_name(row)}", came=came)
        for columns, heads, came in (
            (self.columns.first, self.heads[0], False),
            (self.columns.second, self.heads[1], True),
        ):
            for index, _ in columns:
                yield Coming(what="column", where=f"{self.key}, {heads[index]}", came=came)

    def _cells(self) -> Iterator[tuple[Row, int, Cell, Cell]]:
        for a, b in self.rows.both:
            if "own" in (a.kind, b.kind):
                for (i, _), (j, _) in self.columns.both:
                    yield b, j, a.cells[i], b.cells[j]

    def _move(self, row: Row, index: int, before: Cell, after: Cell) -> Move:
        move = None if before.mean is None or after.mean is None else after.mean - before.mean
        spreads = [cell.sd for cell in (before, after) if cell.sd is not None]
        return Move(
            table=self.key,
            row=row.row,
            label=row.label,
            column=self.heads[1][index],
            before=_value(before),
            after=_value(after),
            move=move,
            within=abs(move) <= SPREAD * max(spreads) if move is not None and spreads else None,
            cost=self.after.is_cost(index),
        )


def _row_name(row: Row) -> str:
    return ", ".join([row.label, *(text for text in row.text if text)])


def _row_content(row: Row) -> str | None:
    """Return what a row with another label is known by: its experiment, or the values that it quotes."""
    if row.experiment is not None:
        return f"runs {row.experiment}"
    values = [cell.paper for cell in row.cells]
    return None if all(value is None for value in values) else f"quotes {values}"


def _size(move: Move) -> Decimal:
    """Return how far a cell moved; what came or went stands before everything else."""
    return Decimal("Infinity") if move.move is None else abs(move.move)


def _value(cell: Cell) -> Value:
    return Value(mean=cell.mean, sd=cell.sd, seeds=len(cell.values), status=cell.status, reason=cell.reason)


def edit(where: str, what: str, before: str, after: str) -> Iterator[Edit]:
    """Yield what reads otherwise, if it does."""
    if before != after:
        yield Edit(where=where, what=what, before=before, after=after)


def text(value: Any) -> str:
    """Return a value of a report as a reader expects it."""
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return "--" if value is None else str(value)
