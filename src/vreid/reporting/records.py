"""Reports as records: what their JSON holds, and what every other form is written from."""

import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from vreid.params.errors import UserError
from vreid.params.metrics import TRAINING_TIME
from vreid.params.plan import BaselinePlan, ColumnPlan, DeparturesPlan, ReportPlan
from vreid.reporting.cells import Cell, Mark, Number, Record, decimals_of, difference, marks
from vreid.reporting.missing import Absent, by_run

R = TypeVar("R", bound=Record)


class Row(Record):
    """A filled row, one cell per column; `row` is its running number in the table, from 1.

    A row that is `own` and has a source (`cited_from`) was trained here; the paper quotes its values.
    """

    row: int
    label: str
    text: tuple[str, ...]
    kind: Literal["own", "cited"]
    cited_from: str | None
    experiment: str | None
    cells: tuple[Cell, ...]


class Baseline(BaselinePlan):
    """Results without training on the same queries: `values[name][metric]` in percent.

    `queries` and `gallery` are means over the trials, so they need not be whole.
    """

    queries: float
    gallery: float
    values: dict[str, dict[str, Number]]


class Made(Record):
    """What every report says about how our numbers were made; every field but one is its plan's.

    `seeds` are those that the preset asks for. `digest` is the plan's, by which the report is known to be
    fresh; of a report that is not complete it is empty. `absent` are the planned runs that it lacks.
    """

    paper: str
    citation: str
    digest: str
    preset: str
    preset_label: str
    source: str
    seeds: tuple[int, ...]
    absent: tuple[Absent, ...] = ()


class Heading(Made):
    """What a table says about itself (`vreid.params.plan.TablePlan`).

    `recipe` lists what differs from the paper's recipe in all of our runs, `recipe_in` what only in some.
    """

    table: str
    title: str
    caption: str
    recipe: tuple[str, ...]
    recipe_in: tuple[DeparturesPlan, ...] = ()
    text_columns: tuple[str, ...]
    columns: tuple[ColumnPlan, ...]


class Figure(Made):
    """A drawn figure; <figure>.png and <figure>.pdf lie beside its JSON.

    `seeds` are those that it shows, none if no network is behind it; `runs` are those of each method, by its
    label; `notes` say how to read it.
    """

    figure: str
    title: str
    caption: str
    runs: dict[str, tuple[str, ...]] = {}
    notes: tuple[str, ...] = ()


class Table(Heading):
    """A filled table; `baselines_missing` are protocols without results of untrained methods, and why."""

    rows: tuple[Row, ...]
    baselines: tuple[Baseline, ...]
    baselines_missing: tuple[str, ...] = ()

    def column(self, index: int) -> tuple[Cell, ...]:
        """Return the cells of one column, from the first row to the last."""
        return tuple(row.cells[index] for row in self.rows)

    def decimals(self, index: int) -> int:
        """Return how many decimals the paper prints in one column."""
        return decimals_of([cell.paper for cell in self.column(index)])

    def is_cost(self, index: int) -> bool:
        """Return whether a column holds the paper's training times, beside which ours are multiples."""
        return self.columns[index].metric == TRAINING_TIME

    def is_printed(self, index: int) -> bool:
        """Return whether the paper prints any value of one column."""
        return any(cell.paper is not None for cell in self.column(index))

    def marks(self, index: int) -> tuple[list[Mark], list[Mark]]:
        """Return the marks of the paper's values and of ours, row by row, in one column; costs have none."""
        cells, decimals = self.column(index), self.decimals(index)
        if self.is_cost(index):
            return [""] * len(cells), [""] * len(cells)
        return (
            marks([cell.paper for cell in cells], decimals),
            marks([cell.mean for cell in cells], decimals),
        )

    def difference(self, index: int, cell: Cell) -> str | None:
        """Return ours minus the paper's in one column, with its sign; None if there is none."""
        return None if self.is_cost(index) else difference(cell, self.decimals(index))

    def departures(self) -> list[str]:
        """Return in what any of our runs departs from the paper's recipe, each line once."""
        some = (line for part in self.recipe_in for line in part.lines)
        return list(dict.fromkeys([*self.recipe, *some]))

    def reasons(self) -> list[str]:
        """Return every reason for a missing value or seed once, in reading order."""
        cells = (cell for row in self.rows for cell in row.cells)
        return list(dict.fromkeys(cell.reason for cell in cells if cell.reason))

    def left_out(self) -> bool:
        """Return whether the preset runs nothing of the table."""
        own = [cell for row in self.rows if row.kind == "own" for cell in row.cells]
        return all(cell.status == "not in this preset" for cell in own)

    def runs(self) -> list[str]:
        """Return the name of every run behind the table once, in reading order."""
        cells = (cell for row in self.rows for cell in row.cells)
        return list(dict.fromkeys(run for cell in cells for run in cell.runs))


def heading_of(kind: type[Made], plan: ReportPlan, absent: Iterable[Absent]) -> dict[str, Any]:
    """Return the fields of a `kind` of report that are its plan's, and what it lacks."""
    lacking = by_run(absent)
    planned = {name: getattr(plan, name) for name in kind.model_fields if name != "absent"}
    return planned | {"absent": lacking, "digest": "" if lacking else plan.digest}


def read_table(path: Path) -> Table:
    """Read a filled table from its JSON.

    Raises:
        UserError: If the file is missing or is not a filled table.
    """
    return read_record(path, Table)


def read_record(path: Path, kind: type[R]) -> R:
    """Read the JSON of a report.

    Raises:
        UserError: If the file is missing or holds something else.
    """
    try:
        return kind.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): run the pipeline to make it") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path}, {where}: {first['msg']}; delete it and run the pipeline again") from error


def as_json(table: Table) -> str:
    """Return everything in a table as JSON text: `read_table` makes the same table of it.

    Each cell also holds its mean, sd and number of seeds, for readers that are not this package.
    """
    value = table.model_dump(mode="json")
    for entry, row in zip(value["rows"], table.rows, strict=True):
        for shown, cell in zip(entry["cells"], row.cells, strict=True):
            shown |= {
                "mean": _float(cell.mean),
                "sd": _float(cell.sd),
                "n_seeds": len(cell.values),
            }
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
