"""Computes a number of a report again, from what lies further back than the report itself."""

import math
from decimal import Decimal
from pathlib import Path

import numpy as np

from vreid.evaluation.comparison import read_scores
from vreid.params.errors import UserError
from vreid.params.metrics import TRAINING_TIME
from vreid.params.plan import CellPlan, ClaimsPlan, RowPlan, TablePlan
from vreid.reporting.cells import PRECISION, Cell
from vreid.reporting.claims import build_claims
from vreid.reporting.explaining.records import Check
from vreid.reporting.records import Row, Table
from vreid.reporting.statements import Claim
from vreid.reporting.tables import build_table


def recomputed(evaluation: Path, name: str, protocol: str, metric: str, value: Decimal) -> Check:
    """Check a metric of an evaluation file against the single queries beside it.

    Args:
        evaluation: the file.
        name: what the file is called to the reader.
        protocol: whose queries.
        metric: mAP, mAP_trapezoid, mINP, MRR or R<k>.
        value: what the evaluation says, in percent.
    """
    try:
        scores = read_scores([evaluation.with_name("per_query.parquet")], protocol, metric)
    except UserError as error:
        return Check(says=str(error), holds=False)
    trials = scores.queries[:, 0]
    means = [np.nanmean(scores.values[0, trials == trial]) for trial in np.unique(trials)]
    mean = 100 * float(np.mean(means))
    what = f"{protocol}, {metric}"
    if math.isclose(mean, float(value), abs_tol=float(10 * PRECISION)):
        return Check(says=f"{what}: the single queries average to what the evaluation says", holds=True)
    says = f"{name}, {what}: it says {value:.4f}, but its single queries average to {mean:.4f}"
    return Check(says=says, holds=False)


def cell_again(table: Table, row: Row, index: int, root: Path) -> Check:
    """Check a cell's values against the evaluation files that it names."""
    shown = row.cells[index]
    gone = sorted({run for run in shown.runs if not (root / "runs" / run).is_dir()})
    if shown.values and gone:
        return Check(says=f"the value cannot be computed again: runs/{gone[0]} is not here", holds=None)
    try:
        again = _built(table, row, index, root)
    except UserError as error:
        return Check(says=str(error), holds=False)
    if again.values == shown.values:
        return Check(says="the evaluation files give the cell's values again", holds=True)
    says = f"the report shows {_listed(shown)}, but the evaluation files that it names give {_listed(again)}"
    return Check(says=says, holds=False)


def claim_again(plan: ClaimsPlan, shown: Claim, root: Path) -> Check:
    """Check a claim, with interval and verdict, against the per-query files that the plan names.

    The plan must be the one that the report was made by.
    """
    runs = [run for pair in shown.comparisons for side in (pair.better, pair.worse) for run in side.runs]
    gone = [run for run in runs if not (root / "runs" / run).is_dir()]
    if gone:
        return Check(says=f"the verdict cannot be reached again: runs/{gone[0]} is not here", holds=None)
    mine = tuple(claim for claim in plan.claims if claim.id == shown.id)
    try:
        [again] = build_claims(plan.model_copy(update={"claims": mine}), root).claims
    except UserError as error:
        return Check(says=str(error), holds=False)
    if again == shown:
        return Check(says="the per-query files give the same sides, interval and verdict again", holds=True)
    says = (
        f"the report says {shown.verdict} ({_gaps(shown)}), but the per-query files give {again.verdict} "
        f"({_gaps(again)})"
    )
    return Check(says=says, holds=False)


def _built(table: Table, row: Row, index: int, root: Path) -> Cell:
    """Return the cell as it is built from the files that the report names.

    A training time is told as a multiple of the first row of ours, which is built too.
    """
    first = next((one for one in table.rows if one.kind == "own"), row)
    rows = {one.row: one for one in ((first, row) if _is_cost(table, index) else (row,))}
    shared = {name: getattr(table, name) for name in TablePlan.model_fields if hasattr(table, name)}
    plan = TablePlan(
        **shared
        | {
            "columns": (table.columns[index],),
            "rows": tuple(_planned(one, index) for one in rows.values()),
            "baselines": (),
        }
    )
    built = build_table(plan, root)
    return next(one for one in built.rows if one.row == row.row).cells[0]


def _planned(row: Row, index: int) -> RowPlan:
    cell = row.cells[index]
    status = "run" if cell.status in ("failed", "pending") else cell.status
    return RowPlan(
        row=row.row,
        label=row.label,
        text=row.text,
        kind=row.kind,
        cited_from=row.cited_from,
        paper=(None if cell.paper is None else float(cell.paper),),
        experiment=row.experiment,
        cells=(CellPlan(status=status, runs=cell.runs, evaluations=cell.evaluations),),
    )


def _is_cost(table: Table, index: int) -> bool:
    return table.columns[index].metric == TRAINING_TIME


def _listed(cell: Cell) -> str:
    return ", ".join(f"{value:.4f}" for value in cell.values) or "nothing"


def _gaps(claim: Claim) -> str:
    found = [
        f"{pair.difference:+.2f} [{pair.low:+.2f}, {pair.high:+.2f}]"
        for pair in claim.comparisons
        if pair.difference is not None and pair.low is not None and pair.high is not None
    ]
    return "; ".join(found) or claim.reason
