"""Fills a table's plan from the evaluations it names; writes Markdown, LaTeX, CSV and JSON."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from vreid.params.atomic import write_text
from vreid.params.plan import BaselinePlan, CellPlan, ColumnPlan, RowPlan, TablePlan
from vreid.reporting.cells import Cell, fraction, percent, read_protocol
from vreid.reporting.events import read_events
from vreid.reporting.formats import latex, markdown, tidy
from vreid.reporting.formats.wording import BASELINES
from vreid.reporting.records import Baseline, Heading, Row, Table, as_json


def write_table(plan: TablePlan, folder: Path, root: Path = Path()) -> Table:
    """Fill a table, write `folder`/<table>.md, .tex, .csv and .json, and return it.

    Raises:
        UserError: As `build_table`.
    """
    table = build_table(plan, root)
    write_text(folder / f"{table.table}.md", markdown.page(table))
    write_text(folder / f"{table.table}.tex", latex.document(table))
    write_text(folder / f"{table.table}.csv", tidy.text([table]))
    write_text(folder / f"{table.table}.json", as_json(table))
    return table


def build_table(plan: TablePlan, root: Path = Path()) -> Table:
    """Fill a table from the files that its plan names, relative to `root`.

    A planned evaluation that is not there leaves its seed out; the cell's reason says so and quotes
    the error with which its run ended. A row is shown even if nothing of it was run.

    Raises:
        UserError: If a file is there but unreadable, or lacks a column's protocol or metric.
    """
    heading = {name: getattr(plan, name) for name in Heading.model_fields}
    return Table(
        **heading,
        rows=tuple(_row(plan, row, root) for row in plan.rows),
        baselines=tuple(_baseline(plan, baseline, root) for baseline in plan.baselines),
    )


def _row(plan: TablePlan, row: RowPlan, root: Path) -> Row:
    planned = zip(plan.columns, row.paper, row.cells, strict=True)
    return Row(
        row=row.row,
        label=row.label,
        text=row.text,
        kind=row.kind,
        cited_from=row.cited_from,
        experiment=row.experiment,
        cells=tuple(_cell(column, paper, cell, root) for column, paper, cell in planned),
    )


def _cell(column: ColumnPlan, paper: float | None, cell: CellPlan, root: Path) -> Cell:
    theirs = None if paper is None else Decimal(repr(paper))
    if cell.status != "run":
        reason = None if cell.status == "cited" else cell.status
        return Cell(paper=theirs, status=cell.status, runs=cell.runs, reason=reason)
    present = [name for name in cell.evaluations if (root / name).is_file()]
    values = tuple(_value(root / name, column) for name in present)
    absent = [name for name in cell.evaluations if name not in present]
    return Cell(
        paper=theirs,
        values=values,
        status="run" if values else "failed",
        runs=cell.runs,
        evaluations=tuple(present),
        reason=_why_absent(absent, len(cell.evaluations), root) if absent else None,
    )


def _value(path: Path, column: ColumnPlan) -> Decimal:
    return percent(read_protocol(path, column.protocol), column.metric, path)


def _why_absent(absent: list[str], planned: int, root: Path) -> str:
    """Say how many seeds are missing, and how the runs of the missing evaluations ended."""
    count = "failed" if len(absent) == planned else f"{len(absent)} of {planned} seeds failed"
    return "; ".join([count, *(_ending(Path(name).parent.parent, root) for name in absent)])


def _ending(run: Path, root: Path) -> str:
    log = run / "events.jsonl"
    ends = [event for event in read_events(root / log) if event["type"] == "end"]
    error = str(ends[-1].get("error") or "").strip() if ends else ""
    last = error.splitlines()[-1] if error else "no evaluation was left"
    return f"{last} ({log.as_posix()})"


def _baseline(plan: TablePlan, planned: BaselinePlan, root: Path) -> Baseline:
    path = root / planned.file
    results = read_protocol(path, planned.protocol)
    place = (planned.dataset, planned.protocol)
    metrics = [c.metric for c in plan.columns if (c.dataset, c.protocol) == place]
    return Baseline(
        dataset=planned.dataset,
        protocol=planned.protocol,
        file=planned.file,
        queries=results["queries"],
        gallery=results["gallery"],
        values={n: _known(results[n], metrics, path) for n in BASELINES if results.get(n)},
    )


def _known(results: Mapping[str, Any], metrics: list[str], path: Path) -> dict[str, Decimal]:
    """Return the metrics that a baseline has; chance is known for few."""
    return {m: percent(results, m, path) for m in metrics if fraction(results, m) is not None}
