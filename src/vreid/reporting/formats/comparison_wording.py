"""The sentences of a comparison of two states, the same in every form; plain text."""

from collections.abc import Sequence

from vreid.reporting.cells import printed
from vreid.reporting.comparing.records import (
    SPREAD,
    ClaimChange,
    Comparison,
    Edit,
    Move,
    Outcome,
    Unlike,
    Value,
)
from vreid.reporting.formats.wording import MISSING

DECIMALS = 2
NAMED = 2
"""Reports that are named; of more, their number is."""

NOT_ALIKE = "The two states were made differently, so their numbers are not like with like."
ALIKE = "Both were made with the same preset, data source, seeds and recipes."
NOTHING = "Nothing changed."
TIMES = "Training times, which are measured anew with each training; they count as no change"

MOVE_HEADS = ("table", "#", "row", "column", "before", "after", "move", "spread")
CLAIM_HEADS = ("claim", "before", "after")


def title(found: Comparison) -> str:
    """Name the two states."""
    return f"{found.before} → {found.after}"


def summary(found: Comparison) -> str:
    """Count what changed, and what did not."""
    verdicts = len(found.verdicts())
    parts = [
        f"{_count(len(found.results()), 'cell')} of {found.cells} of ours moved",
        f"{found.still} did not",
    ]
    if found.below:
        parts.append(f"{found.below} moved by no more than the threshold of {found.threshold:g} points")
    if times := len(found.times()):
        parts.append(f"{_count(times, 'training time')} came out otherwise")
    parts.append(f"{_count(verdicts, 'verdict')} changed")
    if others := len(found.claims) - verdicts:
        parts.append(f"{_count(others, 'claim')} moved under the same verdict")
    for what in ("table", "row", "column", "claim"):
        for came, word in ((True, "came"), (False, "went")):
            if some := sum(one.what == what and one.came is came for one in found.comings):
                parts.append(f"{_count(some, what)} {word}")
    if found.edits:
        reads = "reads" if len(found.edits) == 1 else "read"
        parts.append(f"{_count(len(found.edits), 'other thing')} {reads} otherwise")
    return "; ".join(parts) + "."


def key() -> str:
    """Say how the moves are read."""
    return (
        "Percent, training times multiples; move: after less before. Spread: whether the move is no larger "
        f"than {SPREAD} sd, of the state whose sd over its seeds (of single trainings, not of their mean) is "
        "the larger; with one seed none is known."
    )


def unlike(one: Unlike) -> str:
    """Say what was made otherwise, and in which reports."""
    return f"{one.what}: {one.before} → {one.after} ({_reports(one.reports)})"


def edit(one: Edit) -> str:
    """Say what reads otherwise."""
    return f"{one.where}, {one.what}: {one.before} → {one.after}"


def move(one: Move) -> tuple[str, ...]:
    """Return the entries of a move under `MOVE_HEADS`."""
    moved = MISSING if one.move is None else f"{one.move:+.{DECIMALS}f}"
    if one.move is not None and one.move != 0 and not round(one.move, DECIMALS):
        moved = f"{'+' if one.move > 0 else '-'}<{10**-DECIMALS:.{DECIMALS}f}"
    sides = (value(one.before), value(one.after))
    return (one.table, str(one.row), one.label, one.column, *sides, moved, spread(one))


def spread(one: Move) -> str:
    """Say how a move compares with the spread of the seeds."""
    if one.move is None:
        return ""
    if one.within is None:
        return "sd unknown"
    return f"within {SPREAD} sd" if one.within else f"beyond {SPREAD} sd"


def value(one: Value) -> str:
    """Return ours in one state with its sd, or why it is not there."""
    if one.mean is None:
        return one.status if one.status != "run" else MISSING
    sd = "" if one.sd is None else f" ± {printed(one.sd, DECIMALS)}"
    return f"{printed(one.mean, DECIMALS)}{sd}"


def claim(one: ClaimChange) -> tuple[str, str, str]:
    """Return the entries of a claim under `CLAIM_HEADS`."""
    return f"{one.paper}, {one.id}", outcome(one.before), outcome(one.after)


def outcome(one: Outcome) -> str:
    """Return a verdict with the difference and interval of each comparison."""
    gaps = [
        MISSING if gap is None else f"{gap[0]:+.2f} [{gap[1]:+.2f}, {gap[2]:+.2f}]" for gap in one.differences
    ]
    return f"{one.verdict}: {'; '.join(gaps)}"


def _reports(reports: Sequence[str]) -> str:
    if len(reports) <= NAMED:
        return ", ".join(reports)
    return f"{len(reports)} reports"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
