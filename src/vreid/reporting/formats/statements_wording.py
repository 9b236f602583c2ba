"""The sentences of claims, contradictions and deviations, the same in every form; plain text."""

from collections.abc import Sequence
from decimal import Decimal

from vreid.params.plan import InconsistencyPlan
from vreid.reporting.cells import printed
from vreid.reporting.formats import wording
from vreid.reporting.formats.wording import MISSING
from vreid.reporting.statements import Claim, Comparison, Side, Statements
from vreid.reporting.verdicts import LEVEL, VERDICTS, percent

DECIMALS = 2
"""Of differences and their intervals, unless the paper prints more."""

NONE_CLAIMED = "No claims are on record."
NONE_FOUND = "No contradictions are on record."
NONE_TAKEN = "No deviations are on record."

CONTRADICTIONS = (
    "Found in the paper, and checked again, by arithmetic on the numbers that it prints, whenever params/ is "
    "read; nothing here depends on a run. That a relation holds is said where the paper's numbers confirm "
    "each other, and where they agree though they should differ."
)
DEVIATIONS = (
    "What the paper leaves open, contradicts, or prints otherwise than it was taken here. The preset's own "
    "changes (sizes, epochs, seeds) are not among them: they stand above the tables. This list is the same "
    "under every preset, and nothing in it was measured."
)


def summary(statements: Sequence[Statements]) -> str:
    """Count the verdicts on the claims of one or several papers."""
    total = sum(len(said.claims) for said in statements)
    counts = [said.count() for said in statements]
    parts = [f"{sum(count[verdict] for count in counts)} {verdict}" for verdict in counts[0]]
    return f"{total} claim{'' if total == 1 else 's'}: {', '.join(parts)}."


SUMMARY_HEADS = ("Paper", "Claims", *VERDICTS)


def summary_rows(statements: Sequence[Statements]) -> list[tuple[str, ...]]:
    """Return how many claims of each paper, and then of all, have each verdict (`SUMMARY_HEADS`)."""
    counts = [(said.paper, said.count()) for said in statements]
    if len(counts) > 1:
        counts.append(("all", {verdict: sum(count[verdict] for _, count in counts) for verdict in VERDICTS}))
    return [
        (paper, str(sum(count.values())), *(str(count[verdict]) for verdict in VERDICTS))
        for paper, count in counts
    ]


def badge(statements: Sequence[Statements]) -> str:
    """Return one line for one or several papers: their verdicts, and on what they were reached."""
    reached = dict.fromkeys(f"{said.source} data, preset {said.preset}" for said in statements)
    papers = statements[0].paper if len(statements) == 1 else f"{len(statements)} papers"
    return f"{papers}, {summary(statements).removesuffix('.')} ({'; '.join(reached)})"


def provenance(said: Statements) -> str:
    """Say on which data, with which preset and with how many seeds the claims were tested."""
    return wording.provenance(said, of_several="means")


def key(said: Statements) -> str:
    """Say how the table of claims is read."""
    lines = [
        "Differences: the first side minus the second, in percentage points; each side's mean over its seeds "
        "stands in brackets. Sides are called as their rows in the paper's table, those without a row as "
        "their experiments in params/. "
        f"Interval: {percent(LEVEL)}, paired bootstrap over vehicles and seeds, over vehicles alone where a "
        "side has one seed.",
        "A claim of several comparisons holds if each of them does.",
        "docs/verdicts.md says how verdicts are reached.",
    ]
    if said.source != "real":
        lines.append(
            f"Ours is {said.source} data: a verdict is about the sentence there, not on the paper's data."
        )
    if said.shortened:
        lines.append(
            "The recipe is shortened: a verdict is about what it reaches, not about the whole training."
        )
    return " ".join(lines)


def side(one: Side) -> str:
    """Name a side with what it reaches."""
    return one.name if one.value is None else f"{one.name} ({printed(one.value, DECIMALS)})"


def remark(text: str) -> str:
    """Return what a reader of a claim has to know, whatever the verdict."""
    return f"To be known: {text}"


def place(claim: Claim) -> str:
    """Say where a claim stands, and in which table its sides, if that is another place."""
    return f"{claim.where}; rows of {claim.rows_of}" if claim.rows_of else claim.where


def several(claim: Claim) -> str:
    """Return what stands in the line of a claim of several comparisons, which follow below it."""
    return f"{len(claim.comparisons)} comparisons:"


def measured(comparison: Comparison) -> str:
    """Return what is compared: the metric, and where; of sides that differ in that, both."""
    sides = (comparison.better, comparison.worse)
    return " / ".join(dict.fromkeys(f"{one.metric}, {_place(one)}" for one in sides))


def papers(comparison: Comparison) -> str:
    """Return the paper's difference with its sign."""
    return MISSING if comparison.paper is None else _signed(comparison.paper, decimals(comparison))


def gap(comparison: Comparison) -> tuple[str, str] | None:
    """Return our difference and its interval, None if nothing was run."""
    if comparison.difference is None or comparison.low is None or comparison.high is None:
        return None
    places = decimals(comparison)
    low, high = _signed(comparison.low, places), _signed(comparison.high, places)
    seeds = "" if min(comparison.better.seeds, comparison.worse.seeds) > 1 else ", one seed"
    return _signed(comparison.difference, places), f"[{low}, {high}{seeds}]"


def decimals(comparison: Comparison) -> int:
    """Return with how many decimals a comparison's differences are printed."""
    if comparison.paper is None:
        return DECIMALS
    return max(DECIMALS, -int(comparison.paper.normalize().as_tuple().exponent))


def verdict(claim: Claim | Comparison) -> str:
    """Return a verdict and why."""
    return f"{claim.verdict}: {claim.reason}"


def outcome(found: InconsistencyPlan) -> str:
    """Say what the check of a contradiction came out as."""
    if found.shown is None:
        return "no arithmetic: as read"
    return f"{found.shown} {'holds' if found.holds else 'does not hold'}"


def sentence(text: str) -> str:
    """Return a text with one full stop at its end."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _place(one: Side) -> str:
    """Name dataset and protocol, which is often called after its dataset."""
    return one.protocol if one.protocol.startswith(one.dataset) else f"{one.dataset} {one.protocol}"


def _signed(value: Decimal, places: int) -> str:
    text = printed(value, places)
    return text if text.startswith("-") or not Decimal(text) else f"+{text}"
