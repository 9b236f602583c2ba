"""What DVC compares between two states of a paper's results: its numbers, and nothing about their making."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vreid.params.atomic import write_json, write_text
from vreid.reporting.cells import Record
from vreid.reporting.formats.tidy import number
from vreid.reporting.records import Table, read_record
from vreid.reporting.statements import Comparison, Statements

PLOT = ("table", "row", "metric", "paper", "ours", "difference", "source", "preset")


class Page(Record):
    """The page of one paper, as far as numbers go."""

    tables: tuple[Table, ...]
    claims: tuple[Statements, ...]


def write_metrics(paper: str, reports: Path) -> None:
    """Write the numbers of `reports`/papers/<paper>.json to `reports`/metrics/<paper>.json and .csv.

    The JSON maps table, row and column to our mean over the seeds, and each claim to its differences (in
    percentage points) and its verdict; `made` says on what data and with which preset. The CSV has one line
    for every value of ours beside which the paper prints one. Values are in percent, training times multiples
    as in their table.

    Raises:
        UserError: If the page is missing or holds something else.
    """
    page = read_record(reports / "papers" / f"{paper}.json", Page)
    out = reports / "metrics" / paper
    write_text(out.with_suffix(".csv"), _plot(page.tables))
    write_json(out.with_suffix(".json"), _metrics(page))


def _metrics(page: Page) -> dict[str, Any]:
    tables = {table.table: _rows(table) for table in page.tables}
    return {
        "made": "; ".join(dict.fromkeys(f"{said.source} data, preset {said.preset}" for said in page.claims)),
        "tables": {name: rows for name, rows in tables.items() if rows},
        "claims": {
            claim.id: _differences(claim.comparisons) | {"verdict": claim.verdict}
            for said in page.claims
            for claim in said.claims
        },
    }


def _rows(table: Table) -> dict[str, dict[str, float]]:
    """Return our values by row and column; rows and columns without any are left out."""
    columns = _columns(table)
    rows = {
        f"{row.row} {row.label}": {
            column: float(cell.mean)
            for column, cell in zip(columns, row.cells, strict=True)
            if cell.mean is not None
        }
        for row in table.rows
    }
    return {name: values for name, values in rows.items() if values}


def _differences(comparisons: Sequence[Comparison]) -> dict[str, float]:
    names = _told_apart([f"{each.better.label} over {each.worse.label}" for each in comparisons])
    return {
        name: float(each.difference)
        for name, each in zip(names, comparisons, strict=True)
        if each.difference is not None
    }


def _columns(table: Table) -> list[str]:
    return _told_apart([column.label for column in table.columns])


def _told_apart(names: Sequence[str]) -> list[str]:
    """Number the second of two equal names, and the third."""
    return [
        f"{name} ({nth})" if (nth := names[: index + 1].count(name)) > 1 else name
        for index, name in enumerate(names)
    ]


def _plot(tables: Sequence[Table]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(PLOT)
    for table in tables:
        writer.writerows(_lines(table))
    return buffer.getvalue()


def _lines(table: Table) -> Iterator[tuple[str, ...]]:
    for row in table.rows:
        for column, cell in zip(_columns(table), row.cells, strict=True):
            if cell.mean is not None and cell.paper is not None:
                ours, paper = cell.mean, cell.paper
                label = f"{row.row} {row.label}"
                values = (number(paper), number(ours), number(ours - paper))
                yield table.table, label, column, *values, table.source, table.preset
