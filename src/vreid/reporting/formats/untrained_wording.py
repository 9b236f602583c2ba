"""The sentences on what is reached without training, and on which of ours are no better; plain text."""

from collections.abc import Iterator

from vreid.reporting.cells import printed
from vreid.reporting.formats.recipe_wording import columns_named, listed, numbers_named
from vreid.reporting.formats.wording import BASELINES, heads, plain
from vreid.reporting.records import Baseline, Table

ORACLE = "attribute_oracle"
"""What it is given, no method has: nothing is measured against it."""


def of_table(table: Table) -> list[str]:
    """Say, protocol by protocol, what is reached on the same queries, and where ours is no better."""
    known = [baseline for baseline in table.baselines if baseline.values]
    found = [
        sentence for baseline in known for sentence in (_reached(table, baseline), *_below(table, baseline))
    ]
    return [*found, *(f"Without training, on the same queries: {why}." for why in table.baselines_missing)]


def _reached(table: Table, baseline: Baseline) -> str:
    decimals = {column.metric: table.decimals(i) for i, column in enumerate(table.columns)}
    parts = [
        f"{BASELINES[name]} " + ", ".join(f"{m} {printed(value, decimals[m])}" for m, value in values.items())
        for name, values in baseline.values.items()
        if values
    ]
    data = baseline.protocol if table.source == "real" else f"{table.source} {baseline.protocol}"
    size = f"{data}: {plain(baseline.queries)} queries, {plain(baseline.gallery)} gallery images"
    return f"Without training, on the same queries ({size}): {'; '.join(parts)}."


def _below(table: Table, baseline: Baseline) -> Iterator[str]:
    """Name the rows of ours that are not above the best of the methods; columns with the same rows share."""
    columns: dict[tuple[int, ...], set[int]] = {}
    for index in range(len(table.columns)):
        if rows := tuple(_rows_below(table, index, baseline)):
            columns.setdefault(rows, set()).add(index)
    parts = []
    for rows, chosen in columns.items():
        named = listed(list(columns_named(chosen, heads(table))))
        parts.append(f"{named} of row{'s' * (len(rows) > 1)} {numbers_named(rows)}")
    if parts:
        yield f"No better than the best of chance, colours and pixels: {'; '.join(parts)}."


def _rows_below(table: Table, index: int, baseline: Baseline) -> Iterator[int]:
    column = table.columns[index]
    same_queries = (column.dataset, column.protocol) == (baseline.dataset, baseline.protocol)
    same_images = column.test.get("images", "original") == "original"
    reached = [
        value
        for name, values in baseline.values.items()
        if name != ORACLE and (value := values.get(column.metric)) is not None
    ]
    if not (same_queries and same_images and reached):
        return
    for row in table.rows:
        mean = row.cells[index].mean
        if mean is not None and mean <= max(reached):
            yield row.row
