"""Fills a table's plan from the evaluations it names; writes Markdown, LaTeX, CSV and JSON."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from vreid.params.atomic import write_text
from vreid.params.metrics import TRAINING_TIME
from vreid.params.plan import BaselinePlan, CellPlan, ColumnPlan, RowPlan, TablePlan
from vreid.reporting.cells import PRECISION, Cell, fraction, percent, read_protocol
from vreid.reporting.costs import Cost, mean_cost, read_cost
from vreid.reporting.formats import latex, markdown, tidy
from vreid.reporting.formats.wording import BASELINES
from vreid.reporting.missing import (
    Absent,
    Failures,
    find_absent,
    read_failure,
    state_of,
    why_absent,
    why_not_planned,
)
from vreid.reporting.records import Baseline, Heading, Row, Table, as_json, heading_of


def write_table(
    plan: TablePlan, folder: Path, root: Path = Path(), failures: Failures | None = None
) -> Table:
    """Fill a table, write `folder`/<table>.md, .tex, .csv and .json, and return it.

    Raises:
        UserError: As `build_table`.
    """
    table = build_table(plan, root, failures)
    write_text(folder / f"{table.table}.md", markdown.page(table))
    write_text(folder / f"{table.table}.tex", latex.document(table))
    write_text(folder / f"{table.table}.csv", tidy.text([table]))
    write_text(folder / f"{table.table}.json", as_json(table))
    return table


def build_table(plan: TablePlan, root: Path = Path(), failures: Failures | None = None) -> Table:
    """Fill a table from the files that its plan names, relative to `root`.

    A planned evaluation that is not there leaves its seed out; the cell's reason says so, and with which
    error its run ended if it failed. A row is shown even if nothing of it was run. `failures` are those of
    the steps before training.

    Raises:
        UserError: If a file is there but unreadable, or lacks a column's protocol or metric.
    """
    absent = find_absent(plan.evaluations(), root, failures)
    heading = heading_of(Heading, plan, absent.values())
    unit = _unit_of_cost(plan, root)
    there = [baseline for baseline in plan.baselines if (root / baseline.file).is_file()]
    untold = [_why_no_baseline(baseline, root) for baseline in plan.baselines if baseline not in there]
    return Table(
        **heading | ({"digest": ""} if untold else {}),
        rows=tuple(_row(plan, row, unit, absent, root) for row in plan.rows),
        baselines=tuple(_baseline(plan, baseline, root) for baseline in there),
        baselines_missing=tuple(untold),
    )


def _row(plan: TablePlan, row: RowPlan, unit: Cost | None, absent: Mapping[str, Absent], root: Path) -> Row:
    planned = zip(plan.columns, row.paper, row.cells, strict=True)
    return Row(
        row=row.row,
        label=row.label,
        text=row.text,
        kind=row.kind,
        cited_from=row.cited_from,
        experiment=row.experiment,
        cells=tuple(_cell(plan, column, paper, cell, unit, absent, root) for column, paper, cell in planned),
    )


def _cell(
    plan: TablePlan,
    column: ColumnPlan,
    paper: float | None,
    cell: CellPlan,
    unit: Cost | None,
    absent: Mapping[str, Absent],
    root: Path,
) -> Cell:
    theirs = None if paper is None else Decimal(repr(paper))
    if cell.status == "cited":
        return Cell(paper=theirs, status=cell.status)
    if cell.status != "run":
        reason = why_not_planned(cell.status, column.dataset, plan.preset)
        return Cell(paper=theirs, status=cell.status, runs=cell.runs, reason=reason)
    present = [name for name in cell.evaluations if name not in absent]
    gone = [absent[name] for name in cell.evaluations if name in absent]
    values, no_value = _values(present, column, unit, root)
    return Cell(
        paper=theirs,
        values=values,
        status="run" if present else state_of(gone),
        runs=cell.runs,
        evaluations=tuple(present),
        reason=why_absent(gone, len(cell.evaluations)) if gone else no_value,
    )


def _values(
    present: list[str], column: ColumnPlan, unit: Cost | None, root: Path
) -> tuple[tuple[Decimal, ...], str | None]:
    """Return the values of the evaluations that are there, and why there are none all the same."""
    if column.metric != TRAINING_TIME:
        results = [(read_protocol(root / name, column.protocol), root / name) for name in present]
        return tuple(percent(found, column.metric, path) for found, path in results), None
    if unit is None:
        return (), "the first row of ours, whose training time is the unit, was not run"
    costs = [read_cost(_run(root / name)) for name in present]
    if any(cost.device != unit.device for cost in costs):
        return (), "trained on another device than the first row of ours"
    return tuple((cost.seconds / unit.seconds).quantize(PRECISION) for cost in costs), None


def _unit_of_cost(plan: TablePlan, root: Path) -> Cost | None:
    """Return what the first row of ours cost on average, if the table has a column of training times."""
    timed = [index for index, column in enumerate(plan.columns) if column.metric == TRAINING_TIME]
    first = next((row for row in plan.rows if row.kind == "own"), None)
    if not timed or first is None:
        return None
    files = [root / name for name in first.cells[timed[0]].evaluations]
    costs = [read_cost(_run(file)) for file in files if file.is_file()]
    return mean_cost(costs) if costs else None


def _run(evaluation: Path) -> Path:
    return evaluation.parent.parent


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


def _why_no_baseline(planned: BaselinePlan, root: Path) -> str:
    log = Path("logs/baselines") / Path(planned.file).relative_to("data/baselines").with_suffix(".log")
    reason = read_failure(root / log)
    return f"{planned.protocol}: {'pending' if reason is None else f'failed; {reason} ({log.as_posix()})'}"


def _known(results: Mapping[str, Any], metrics: list[str], path: Path) -> dict[str, Decimal]:
    """Return the metrics that a baseline has; chance is known for few."""
    return {m: percent(results, m, path) for m in metrics if fraction(results, m) is not None}
