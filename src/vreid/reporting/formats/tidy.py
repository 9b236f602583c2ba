"""Tables as one tidy CSV: a line per row and metric."""

import csv
import io
from collections.abc import Iterator, Sequence
from decimal import Decimal

from vreid.params.plan import ColumnPlan
from vreid.reporting.cells import Cell
from vreid.reporting.records import Row, Table

COLUMNS = (
    "paper",
    "table",
    "row",
    "label",
    "kind",
    "dataset",
    "metric",
    "paper_value",
    "value",
    "sd",
    "n_seeds",
    "source",
    "preset",
    "status",
    "runs",
    "protocol",
    "column",
    "variant",
    "experiment",
    "cited_from",
    "reason",
    "preset_label",
)


def text(tables: Sequence[Table]) -> str:
    """Return the tables' lines under one header.

    Values are in percent, training times of ours multiples of the table's first row of ours; `runs` are
    joined by a space, an unknown value is empty.

    Two columns of a table may share dataset and metric; `protocol`, `variant` and `column` tell them apart.
    """
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for table in tables:
        writer.writerows(_lines(table))
    return buffer.getvalue()


def number(value: Decimal | None) -> str:
    """Return a number without an exponent and without the zeros that rounding left at its end."""
    if value is None:
        return ""
    plain = f"{value:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _lines(table: Table) -> Iterator[dict[str, object]]:
    for row in table.rows:
        for column, cell in zip(table.columns, row.cells, strict=True):
            yield _about(table, row, column) | _values(cell)


def _about(table: Table, row: Row, column: ColumnPlan) -> dict[str, object]:
    return {
        "paper": table.paper,
        "table": table.table,
        "row": row.row,
        "label": row.label,
        "kind": row.kind,
        "dataset": column.dataset,
        "metric": column.metric,
        "source": table.source,
        "preset": table.preset,
        "preset_label": table.preset_label,
        "protocol": column.protocol,
        "column": column.label,
        "variant": column.variant or "",
        "experiment": row.experiment or "",
        "cited_from": row.cited_from or "",
    }


def _values(cell: Cell) -> dict[str, object]:
    return {
        "paper_value": number(cell.paper),
        "value": number(cell.mean),
        "sd": number(cell.sd),
        "n_seeds": len(cell.values),
        "status": cell.status,
        "runs": " ".join(cell.runs),
        "reason": cell.reason or "",
    }
