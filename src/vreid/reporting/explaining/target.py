"""What `vreid explain` is asked about: a cell, a claim, a figure or a run, as the command line writes it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vreid.params.errors import UserError
from vreid.params.plan import ColumnPlan
from vreid.reporting.formats import wording
from vreid.reporting.plain import plain
from vreid.reporting.records import Row, Table

SYNTAX = """\
  reports/tables/PAPER/TABLE.csv:ROW:COLUMN        a cell (.json, .md and .tex name the same table)
  reports/all_tables.csv:PAPER/TABLE:ROW:COLUMN    the same cell on the page of all tables
  reports/claims/PAPER.json:CLAIM-ID               a claim and the verdict on it
  reports/figures/PAPER/FIGURE.png                 a figure
  RUN                                              a run, by its name or its folder in runs/"""

FILE = re.compile(r"(?P<file>[^:]+\.(?P<suffix>csv|json|md|tex|png|pdf))(?::(?P<rest>.*))?", re.DOTALL)
RUN = re.compile(r"\w+-\w+-\w+(-s\d+(-\w+)?)?")
RESULT = re.compile(rf"runs/(?P<run>{RUN.pattern})/[\w-]+/[\w.-]+")
OF_TABLES = ("csv", "json", "md", "tex")
OF_FIGURES = ("png", "pdf", "json")


@dataclass(frozen=True)
class CellTarget:
    """A cell: `file` is what was pointed at, below the folder `reports`; `collected` if it is a page."""

    file: Path
    reports: Path
    paper: str
    table: str
    row: str
    column: str
    collected: bool


@dataclass(frozen=True)
class ClaimTarget:
    """A claim of a paper."""

    file: Path
    reports: Path
    paper: str
    claim: str


@dataclass(frozen=True)
class FigureTarget:
    """A figure of a paper."""

    file: Path
    reports: Path
    paper: str
    figure: str


@dataclass(frozen=True)
class RunTarget:
    """A run, by a name that may lack its digest."""

    run: str


Target = CellTarget | ClaimTarget | FigureTarget | RunTarget


def parse(text: str) -> Target:
    """Return what `text` points at; nothing is opened.

    Raises:
        UserError: it is written in none of the ways of `SYNTAX`.
    """
    run = _run_in(text)
    if run is not None:
        return RunTarget(run)
    found = FILE.fullmatch(text)
    if found is None:
        raise _not_understood(text, "it is none of these")
    file, suffix, rest = Path(found["file"]), found["suffix"], found["rest"]
    kind = file.parts[-3] if len(file.parts) > 2 else ""
    if kind == "tables" and suffix in OF_TABLES:
        return CellTarget(
            file, file.parents[2], file.parts[-2], file.stem, *_row_and_column(text, rest), collected=False
        )
    if kind == "figures" and suffix in OF_FIGURES and rest is None:
        return FigureTarget(file, file.parents[2], file.parts[-2], file.stem)
    if file.parent.name == "claims" and suffix in OF_TABLES:
        if not rest:
            raise _not_understood(text, "a claim needs its id after a colon")
        return ClaimTarget(file, file.parents[1], file.stem, rest)
    if file.stem == "all_tables" and suffix in OF_TABLES:
        return _collected(text, file, rest)
    raise _not_understood(text, "it is none of these")


def run_of(file: str) -> str | None:
    """Return the run that a file with results belongs to, as a report names it; None if it names none."""
    found = RESULT.fullmatch(file)
    return None if found is None else found["run"]


def find_row(table: Table, wanted: str) -> Row:
    """Return a row by its running number from 1, by its label, or by a part of the label that no other has.

    Raises:
        UserError: no row, or more than one, goes by that; the sentence lists them.
    """
    if wanted.isdecimal():
        found = [row for row in table.rows if row.row == int(wanted)]
    else:
        names = {row.row: _whole(row) for row in table.rows}
        found = (
            [row for row in table.rows if wanted in (row.label, names[row.row])]
            or [row for row in table.rows if wanted in names[row.row]]
            or [row for row in table.rows if wanted.casefold() in names[row.row].casefold()]
        )
    if len(found) == 1:
        return found[0]
    listed = "\n".join(f"  {row.row}  {_whole(row)}" for row in found or table.rows)
    problem = "could be any of these rows" if found else "is no row; there are"
    raise UserError(plain(f"{table.paper}, {table.title}: {wanted!r} {problem}:\n{listed}"))


def find_column(table: Table, wanted: str) -> int:
    """Return the position of a column by its heading, or by metric or label with what tells it apart.

    Raises:
        UserError: no column, or more than one, goes by that; the sentence lists a name of each.
    """
    heads = wording.heads(table)
    names = [list(_names(head, column)) for head, column in zip(heads, table.columns, strict=True)]
    found = (
        [i for i, head in enumerate(heads) if head == wanted]
        or [i for i, some in enumerate(names) if wanted in some]
        or [i for i, some in enumerate(names) if wanted.casefold() in map(str.casefold, some)]
    )
    if len(found) == 1:
        return found[0]
    listed = "\n".join(f"  {_shortest(names, i)}" for i in found or range(len(names)))
    problem = "could be any of these columns" if found else "is no column; there are"
    raise UserError(plain(f"{table.paper}, {table.title}: {wanted!r} {problem}:\n{listed}"))


def _run_in(text: str) -> str | None:
    """Return the name of a run, be it written alone, as its folder, or as a file in it or about it."""
    parts = Path(text).parts
    name = parts[parts.index("runs") + 1].partition(".")[0] if "runs" in parts[:-1] else text
    return name if RUN.fullmatch(name) else None


def _collected(text: str, file: Path, rest: str | None) -> CellTarget:
    place, _, cell = (rest or "").partition(":")
    paper, _, table = place.partition("/")
    if not (paper and table):
        raise _not_understood(text, "on the page of all tables a cell needs its PAPER/TABLE first")
    return CellTarget(file, file.parent, paper, table, *_row_and_column(text, cell), collected=True)


def _row_and_column(text: str, rest: str | None) -> tuple[str, str]:
    row, _, column = (rest or "").rpartition(":")
    if not (row and column):
        raise _not_understood(text, "a cell needs its row and its column, each after a colon")
    return row, column


def _whole(row: Row) -> str:
    return ", ".join([row.label, *(text for text in row.text if text)])


def _names(head: str, column: ColumnPlan) -> Iterator[str]:
    """Yield every name that a column goes by."""
    tested = " ".join(str(value) for value in column.test.values())
    apart = [part for part in (column.variant, column.dataset, column.protocol, tested) if part]
    for name in dict.fromkeys((column.metric, column.label)):
        yield name
        yield from (f"{part}/{name}" for part in apart)
    yield head


def _shortest(names: Sequence[Sequence[str]], index: int) -> str:
    """Return a name that only one column has, the first that there is; all of them if there is none."""
    others = {name for i, some in enumerate(names) if i != index for name in some}
    return next((name for name in names[index] if name not in others), " or ".join(names[index]))


def _not_understood(text: str, why: str) -> UserError:
    return UserError(f"{text!r} cannot be explained, {why}:\n{SYNTAX}")
