"""The sentences around a table, the same in every form; plain text that the form escapes."""

from vreid.reporting.cells import Cell, printed
from vreid.reporting.records import Baseline, Table

BASELINES = {
    "chance": "chance",
    "colour_histogram": "colour histogram",
    "raw_pixels": "raw pixels",
    "attribute_oracle": "true type, model and paint",
}
"""What is reached without training, in the order in which it is named."""

MISSING = "--"


def ours(table: Table) -> str:
    """Name our side in a column's head: what was rendered says so wherever it stands."""
    return "ours" if table.source == "real" else f"ours ({table.source})"


def provenance(table: Table) -> str:
    """Say on which data, with which preset and with how many seeds our numbers were made."""
    label = table.preset_label
    preset = label if label.startswith(table.preset) else f"{table.preset} ({label})"
    seeds = ", ".join(str(seed) for seed in table.seeds)
    spread = f"seeds {seeds} (mean ± sd)" if len(table.seeds) > 1 else f"seed {seeds}"
    return f"Ours: {table.source} data; preset {preset}; {spread}."


def recipe(table: Table) -> str:
    """Say how our recipe differs from the paper's."""
    if not table.recipe:
        return "Recipe: the paper's."
    return f"Differs from the paper's recipe in {'; '.join(table.recipe)}."


def key(table: Table) -> str:
    """Say how the table is read."""
    marks = "Difference: ours minus paper. Bold: best of its column; underlined: second best."
    if any(row.kind == "cited" for row in table.rows):
        return f"{marks} Italics: quoted by the paper from the source named there, not run here."
    return marks


def baselines(table: Table) -> list[str]:
    """Say, protocol by protocol, what is reached without training on the same queries."""
    return [_baseline(table, baseline) for baseline in table.baselines if baseline.values]


def heads(table: Table) -> list[str]:
    """Return the name of each column; the protocol tells labels apart that two columns share."""
    labels = [column.label for column in table.columns]
    return [
        column.label if labels.count(column.label) == 1 else f"{column.protocol} {column.label}"
        for column in table.columns
    ]


def note_letters(table: Table) -> dict[str, str]:
    """Return the letter by which cells point to each reason: a to z, then aa, ab and so on."""
    return {reason: _letter(number) for number, reason in enumerate(table.reasons())}


def mean_and_sd(cell: Cell, decimals: int) -> tuple[str, str | None] | None:
    """Return the printed mean and sd (None with one seed) of a cell, None if nothing was run."""
    if cell.mean is None:
        return None
    return printed(cell.mean, decimals), None if cell.sd is None else printed(cell.sd, decimals)


def plain(count: float) -> str:
    """Return a count with its thousands apart; a mean over draws may have a fraction."""
    return f"{count:,.0f}" if count == round(count) else f"{count:,.1f}"


def _baseline(table: Table, baseline: Baseline) -> str:
    decimals = {column.metric: table.decimals(i) for i, column in enumerate(table.columns)}
    parts = [
        f"{BASELINES[name]} " + ", ".join(f"{m} {printed(value, decimals[m])}" for m, value in values.items())
        for name, values in baseline.values.items()
        if values
    ]
    size = f"{baseline.protocol}: {plain(baseline.queries)} queries, {plain(baseline.gallery)} gallery images"
    return f"Without training, on the same queries ({size}): {'; '.join(parts)}."


def _letter(number: int) -> str:
    head = _letter(number // 26 - 1) if number >= 26 else ""
    return head + chr(ord("a") + number % 26)
