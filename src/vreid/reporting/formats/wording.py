"""The sentences around a table, the same in every form; plain text that the form escapes."""

from collections.abc import Sequence

from vreid.params.plan import ColumnPlan
from vreid.reporting.cells import Cell, printed
from vreid.reporting.missing import Absent
from vreid.reporting.records import Made, Row, Table

BASELINES = {
    "chance": "chance",
    "colour_histogram": "colour histogram",
    "raw_pixels": "raw pixels",
    "attribute_oracle": "true type, model and paint",
}
"""What is reached without training, in the order in which it is named."""

MISSING = "--"


def ours(made: Made) -> str:
    """Name our side in a column's head: what was rendered says so wherever it stands."""
    return "ours" if made.source == "real" else f"ours ({made.source})"


def provenance(made: Made, of_several: str = "mean ± sd; without ±: one seed") -> str:
    """Say on which data, with which preset and with how many seeds our numbers were made.

    `of_several` says what is shown of several seeds. A figure without any shows what no network has made.
    """
    seeds = ", ".join(str(seed) for seed in made.seeds)
    said = f"; seeds {seeds} ({of_several})" if len(made.seeds) > 1 else f"; seed {seeds}" if seeds else ""
    ours = f"Ours: {made.source} data; preset {made.preset} ({made.preset_label}){said}."
    return f"{ours} Partial: {counted(made.absent)}." if made.absent else ours


def counted(absent: Sequence[Absent]) -> str:
    """Count the runs that failed and those that are still to come."""
    failed = sum(one.state == "failed" for one in absent)
    return f"{failed} run{'' if failed == 1 else 's'} failed, {len(absent) - failed} pending"


def key(table: Table) -> str:
    """Say how the table is read."""
    parts = ["Difference: ours minus paper. Bold: best of its column; underlined: second best."]
    if any(row.kind == "cited" for row in table.rows):
        parts.append("Italics: quoted by the paper from the source named there, not run here.")
    if any(table.is_cost(index) for index in range(len(table.columns))):
        parts.append(
            "Training time: the paper's as printed; ours as a multiple (×) of the first row of ours, in "
            "processor seconds on a CPU, by the clock on a GPU."
        )
    return " ".join(parts)


def heads(table: Table) -> list[str]:
    """Return the name of each column; what else they differ in tells apart columns of one label."""
    labels = [column.label for column in table.columns]
    alike = {label: [c for c in table.columns if c.label == label] for label in labels}
    return [" ".join([*_apart(column, alike[column.label]), column.label]) for column in table.columns]


def group(column: ColumnPlan) -> tuple[str | None, ...]:
    """Return what columns share that belong together: variant, dataset, protocol and test."""
    tested = " ".join(str(value) for value in column.test.values())
    return column.variant, column.dataset, column.protocol, tested


def label(row: Row) -> str:
    """Return a row's label with the source of its values, if they are quoted."""
    if row.cited_from is None:
        return row.label
    named = row.cited_from in row.label  # some papers print the source as a part of the name
    if row.kind == "own":
        return f"{row.label} (trained here; the paper quotes {'it' if named else row.cited_from})"
    return row.label if named else f"{row.label} {row.cited_from}"


def note_letters(table: Table) -> dict[str, str]:
    """Return the letter by which cells point to each reason: a to z, then aa, ab and so on."""
    return letters(table.reasons())


def letters(reasons: Sequence[str]) -> dict[str, str]:
    """Return a letter for each reason: a to z, then aa, ab and so on."""
    return {reason: _letter(number) for number, reason in enumerate(reasons)}


def mean_and_sd(cell: Cell, decimals: int, *, cost: bool = False) -> tuple[str, str | None] | None:
    """Return the printed mean and sd (None with one seed) of a cell, None if nothing was run.

    A `cost` is a multiple.
    """
    if cell.mean is None:
        return None
    mean = printed(cell.mean, decimals) + ("×" if cost else "")
    return mean, None if cell.sd is None else printed(cell.sd, decimals)


def nothing(cell: Cell) -> str:
    """Return what stands for a value of ours that is not there."""
    return cell.status if cell.status in ("failed", "pending") else MISSING


def plain(count: float) -> str:
    """Return a count with its thousands apart; a mean over draws may have a fraction."""
    return f"{count:,.0f}" if count == round(count) else f"{count:,.1f}"


def _apart(column: ColumnPlan, alike: Sequence[ColumnPlan]) -> list[str]:
    """Return what a column has and others of its label have not."""
    sides = zip(*(group(other) for other in alike), strict=True)
    return [own for own, side in zip(group(column), sides, strict=True) if own and len(set(side)) > 1]


def _letter(number: int) -> str:
    head = _letter(number // 26 - 1) if number >= 26 else ""
    return head + chr(ord("a") + number % 26)
