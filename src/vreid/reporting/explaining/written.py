"""Whether a cell says the same in every file that a reader may have it from."""

import csv
import io
from pathlib import Path

from vreid.params.errors import UserError
from vreid.reporting.explaining.records import Check
from vreid.reporting.explaining.target import CellTarget
from vreid.reporting.formats import tidy
from vreid.reporting.records import Row, Table, read_record

COMPARED = ("label", "metric", "dataset", "protocol", "paper_value", "value", "sd", "n_seeds", "runs")


def as_written(target: CellTarget, table: Table, row: Row, index: int, root: Path) -> list[Check]:
    """Check a cell of `table` against the CSV that was pointed at, and a page's against the table's own."""
    checks = []
    if target.file.suffix == ".csv":
        checks.append(_in_csv(target, table, row, index, root))
    if target.collected:
        checks.append(_in_its_own(target, table, row, index, root))
    return checks


def _in_csv(target: CellTarget, table: Table, row: Row, index: int, root: Path) -> Check:
    path = root / target.file
    alone = tidy.text([table.model_copy(update={"rows": (row,)})])
    wanted = list(csv.DictReader(io.StringIO(alone)))[index]
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            lines = [
                line
                for line in csv.DictReader(stream)
                if (line.get("paper"), line.get("table"), line.get("row"))
                == (table.paper, table.table, str(row.row))
            ]
    except (OSError, ValueError, csv.Error) as error:
        return Check(says=f"{target.file.as_posix()} cannot be read ({error})", holds=False)
    if len(lines) <= index:
        says = f"{target.file.as_posix()} has no line for this cell, but its JSON has"
        return Check(says=says, holds=False)
    other = [key for key in COMPARED if lines[index].get(key) != wanted[key]]
    if not other:
        return Check(says=f"{target.file.as_posix()} and the JSON beside it say the same", holds=True)
    said = "; ".join(f"{key} {lines[index].get(key)!r}, not {wanted[key]!r}" for key in other)
    return Check(says=f"{target.file.as_posix()} says otherwise than the JSON beside it: {said}", holds=False)


def _in_its_own(target: CellTarget, table: Table, row: Row, index: int, root: Path) -> Check:
    file = target.reports / "tables" / table.paper / f"{table.table}.json"
    if not (root / file).is_file():
        return Check(says=f"{file.as_posix()}, from which the page was made, is not here", holds=None)
    try:
        own = read_record(root / file, Table)
    except UserError as error:
        return Check(says=str(error), holds=False)
    if own.digest != table.digest:
        says = f"stale: the page was made from another {file.as_posix()}; run the pipeline to make it again"
        return Check(says=says, holds=False)
    theirs = [one.cells[index] for one in own.rows if one.row == row.row and len(one.cells) > index]
    if theirs == [row.cells[index]]:
        return Check(says=f"{file.as_posix()} says the same", holds=True)
    return Check(says=f"{file.as_posix()} says otherwise than the page", holds=False)
