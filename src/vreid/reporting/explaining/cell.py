"""Walks a cell of a table back, as its own report or the page of all tables holds it."""

from collections.abc import Iterator
from pathlib import Path

from vreid.params.errors import UserError
from vreid.params.metrics import TRAINING_TIME
from vreid.params.plan import Plan
from vreid.params.read import suggest
from vreid.reporting.cells import Record
from vreid.reporting.explaining.agreement import Asked, Place
from vreid.reporting.explaining.records import Check, ExplainedCell, Explanation
from vreid.reporting.explaining.report import Planner, freshness, made, planned
from vreid.reporting.explaining.run import explain_run
from vreid.reporting.explaining.scores import cell_again
from vreid.reporting.explaining.target import CellTarget, find_column, find_row, run_of
from vreid.reporting.explaining.written import as_written
from vreid.reporting.formats import wording
from vreid.reporting.records import Row, Table, read_record


def explain_cell(text: str, target: CellTarget, planner: Planner, root: Path) -> Explanation:
    """Walk a cell back; `text` is how it was asked for.

    Raises:
        UserError: the report cannot be read, or has no such row or column.
    """
    table = _table(target, root)
    row, index = find_row(table, target.row), find_column(table, target.column)
    plan, checks = planned(table.preset, planner)
    key = f"{table.paper}/{table.table}"
    if plan is not None:
        checks += [freshness(table.digest, plan, f"tables/{key}"), *_as_printed(table, row, index, plan)]
    checks += as_written(target, table, row, index, root)
    cell, column = row.cells[index], table.columns[index]
    if row.kind == "own":
        checks.append(cell_again(table, row, index, root))
    metric = None if column.metric == TRAINING_TIME else column.metric
    place = Place(plan, root / target.reports, root)
    by_run = {run_of(file): file for file in cell.evaluations}
    return Explanation(
        target=text,
        kind="cell",
        made=made(target.file, table),
        cell=_explained(table, row, index),
        checks=tuple(checks),
        runs=tuple(
            explain_run(
                run,
                place,
                [Asked(by_run[run], column.protocol, metric)] if run in by_run else (),
                table.paper,
            )
            for run in cell.runs
        ),
    )


class _Page(Record):
    """What is read of the page of all tables."""

    tables: tuple[Table, ...]


def _table(target: CellTarget, root: Path) -> Table:
    """Return the table that a cell stands in, as its own JSON or the page's holds it."""
    if not target.collected:
        return read_record((root / target.file).with_suffix(".json"), Table)
    path = (root / target.file).with_suffix(".json")
    tables = {f"{table.paper}/{table.table}": table for table in read_record(path, _Page).tables}
    key = f"{target.paper}/{target.table}"
    if key not in tables:
        raise UserError(f"{path} has no table {key}{suggest(key, list(tables))}.")
    return tables[key]


def _explained(table: Table, row: Row, index: int) -> ExplainedCell:
    cell, column = row.cells[index], table.columns[index]
    return ExplainedCell(
        paper=table.paper,
        table=table.table,
        row=row.row,
        label=row.label,
        text=row.text,
        column=wording.heads(table)[index],
        metric=column.metric,
        dataset=column.dataset,
        protocol=column.protocol,
        experiment=row.experiment,
        cited_from=row.cited_from,
        cell=cell,
        mean=cell.mean,
        sd=cell.sd,
        difference=table.difference(index, cell),
    )


def _as_printed(table: Table, row: Row, index: int, plan: Plan) -> Iterator[Check]:
    """Check the paper's value and the runs of a cell against params/."""
    now = plan.tables.get(f"{table.paper}/{table.table}")
    if now is None or len(now.rows) < row.row or len(now.columns) <= index:
        return
    theirs, cell = now.rows[row.row - 1], row.cells[index]
    paper, file = theirs.paper[index], f"params/papers/{table.paper}.yaml"
    shown = None if cell.paper is None else float(cell.paper)
    if theirs.label != row.label:
        yield Check(says=f"{file} has {theirs.label!r} in row {row.row}", holds=False)
    elif paper == shown:
        yield Check(says=f"the paper's value is that of {file}", holds=True)
    else:
        yield Check(says=f"the report has {shown} as the paper's value, {file} has {paper}", holds=False)
    if theirs.cells[index].runs != cell.runs:
        bound = ", ".join(theirs.cells[index].runs) or "none"
        yield Check(says=f"params/ binds other runs to this cell now: {bound}", holds=False)
