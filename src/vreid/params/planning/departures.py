"""Tells of which rows and columns of a table each departure from the paper's recipe is true."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from vreid.params.plan import DeparturesPlan

Cell = tuple[int, int]
"""A row and a column, both counted from 1."""

Place = tuple[tuple[int, ...], tuple[int, ...]]
"""Rows and columns; none named are all."""


def gathered(lines: Mapping[Cell, Sequence[str]]) -> tuple[tuple[str, ...], tuple[DeparturesPlan, ...]]:
    """Return the lines of all cells, and those of some: what is true of the same cells together.

    `lines` are the departures of each cell that is run. Both keep their order.
    """
    cells: dict[str, set[Cell]] = {}
    for cell, said in lines.items():
        for line in said:
            cells.setdefault(line, set()).add(cell)
    groups: dict[Place, list[str]] = {}
    for line, found in cells.items():
        for place in _places(found, lines.keys()):
            groups.setdefault(place, []).append(line)
    shared = groups.pop(((), ()), [])
    return tuple(shared), tuple(
        DeparturesPlan(rows=rows, columns=columns, lines=tuple(said))
        for (rows, columns), said in groups.items()
    )


def _places(cells: Collection[Cell], every: Collection[Cell]) -> Iterator[Place]:
    """Yield rows and columns that together hold `cells` and no other one of `every`."""
    rows, columns = _sides(cells)
    for place in (((), ()), (rows, ()), ((), columns), (rows, columns)):
        if {cell for cell in every if _holds(place, cell)} == set(cells):
            yield place
            return
    alike: dict[tuple[int, ...], list[int]] = {}  # neither: rows that have it in the same columns
    for row in rows:
        alike.setdefault(tuple(c for r, c in sorted(cells) if r == row), []).append(row)
    yield from ((tuple(of), columns) for columns, of in alike.items())


def _sides(cells: Collection[Cell]) -> Place:
    return tuple(sorted({row for row, _ in cells})), tuple(sorted({column for _, column in cells}))


def _holds(place: Place, cell: Cell) -> bool:
    return all(not named or one in named for named, one in zip(place, cell, strict=True))
