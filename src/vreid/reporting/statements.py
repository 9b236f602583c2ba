"""What is said of a paper beside its tables, as one record: claims, contradictions, deviations."""

from collections import Counter

from vreid.params.plan import DecimalsPlan, DeviationPlan, InconsistencyPlan
from vreid.reporting.cells import Number, Record
from vreid.reporting.records import Made
from vreid.reporting.verdicts import VERDICTS, Verdict


class Side(Record):
    """One side of a comparison.

    `label` is made of the keys in params/, `row` of what the paper's table calls it; None if no row is it.
    `seeds` counts the trainings that were evaluated; `value` is their mean in percent, or in percentage
    points where a side is itself a difference. `files` are what it is read from; `missing` is about those
    that are not there.
    """

    label: str
    row: str | None = None
    metric: str
    dataset: str
    protocol: str
    runs: tuple[str, ...]
    seeds: int = 0
    value: Number | None = None
    files: tuple[str, ...] = ()
    missing: str | None = None

    @property
    def name(self) -> str:
        """What a reader knows it as."""
        return self.row or self.label


class Comparison(Record):
    """One comparison, in percentage points, the better side first.

    `low` and `high` bound the 95 % interval. `over` tells what it was drawn over. `refuted` says that the
    wider interval that `vreid.reporting.verdicts.refuting_level` asks for lies below zero. `verdict` and
    `reason` are about the comparison taken by itself.
    """

    better: Side
    worse: Side
    paper: Number | None
    difference: Number | None = None
    low: Number | None = None
    high: Number | None = None
    over: str | None = None
    refuted: bool = False
    verdict: Verdict
    reason: str


class Claim(Record):
    """One claim of a paper and the verdict on it.

    `rows_of` is the table whose rows its sides are named after, if `where` does not name it. `remarks` are
    what a reader has to know of it, whatever the verdict.
    """

    id: str
    says: str
    where: str
    rows_of: str | None = None
    remarks: tuple[str, ...] = ()
    metric: str
    kind: str
    comparisons: tuple[Comparison, ...]
    verdict: Verdict
    reason: str


class Statements(Made):
    """Everything that is said of a paper beside its tables. `shortened`: the preset trains for less long."""

    title: str
    shortened: bool
    claims: tuple[Claim, ...]
    inconsistencies: tuple[InconsistencyPlan, ...]
    deviations: tuple[DeviationPlan, ...]
    decimals: DecimalsPlan = DecimalsPlan()

    def count(self) -> dict[str, int]:
        """Return how many claims have each verdict, in a fixed order."""
        found = Counter(claim.verdict for claim in self.claims)
        return {verdict: found[verdict] for verdict in VERDICTS}

    def reasons(self) -> list[str]:
        """Return what is said about missing seeds, each once, in reading order."""
        pairs = (pair for claim in self.claims for pair in claim.comparisons)
        sides = (side for pair in pairs for side in (pair.better, pair.worse))
        return list(dict.fromkeys(side.missing for side in sides if side.missing))
