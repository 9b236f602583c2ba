"""Compares two states of the reports: what moved, by how much, and which verdicts changed.

The states may have been made by different presets, on different data, or with different seeds: then they are
not like with like, and the comparison says so before anything else.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from vreid.reporting.comparing.records import (
    ClaimChange,
    Coming,
    Comparison,
    Edit,
    Move,
    Outcome,
    Unlike,
)
from vreid.reporting.comparing.states import State
from vreid.reporting.comparing.tables import TableChange, edit, text
from vreid.reporting.records import Made, Table
from vreid.reporting.statements import Claim, Statements

AS_PRINTED = "as in the paper"
"""What a key of the recipe is where no departure is told."""


def compare(before: State, after: State, threshold: float = 0.0) -> Comparison:
    """Return what changed; moves of ours up to `threshold` percentage points are counted, not listed."""
    keys = [key for key in before.tables if key in after.tables]
    papers = [paper for paper in before.statements if paper in after.statements]
    tables = [TableChange(before.tables[key], after.tables[key]) for key in keys]
    said = [(before.statements[paper], after.statements[paper]) for paper in papers]
    headers: dict[str, tuple[Made, Made]] = {one.key: (one.before, one.after) for one in tables}
    headers |= {f"claims of {a.paper}": (a, b) for a, b in said}
    moved = [move for one in tables for move in one.moves()]
    least = Decimal(repr(threshold))
    listed = [move for move in moved if _counts(move, least)]
    cells = sum(one.count() for one in tables)
    return Comparison(
        before=before.name,
        after=after.name,
        threshold=threshold,
        unlike=tuple(_unlike(headers)),
        moves=tuple(listed),
        edits=(
            *(edit for one in tables for edit in one.edits()),
            *(edit for a, b in said for edit in _reworded(a, b)),
        ),
        comings=tuple(_comings(before, after, tables, said)),
        claims=tuple(change for a, b in said for change in _claims(a, b, least)),
        cells=cells,
        still=cells - len(moved),
        below=len(moved) - len(listed),
    )


def _counts(move: Move, least: Decimal) -> bool:
    """Tell whether a move is beyond the threshold; at zero, other values behind the same mean count too."""
    return move.move is None or abs(move.move) > least or least == 0


def _unlike(headers: Mapping[str, tuple[Made, Made]]) -> Iterator[Unlike]:
    """Yield what the reports were made with otherwise, each once with the reports that it is true of."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for report, (before, after) in headers.items():
        a, b = _making(before), _making(after)
        for what in dict.fromkeys([*a, *b]):
            key = (what, a.get(what, AS_PRINTED), b.get(what, AS_PRINTED))
            if key[1] != key[2]:
                found.setdefault(key, []).append(report)
    other_preset = {
        report for (what, _, _), reports in found.items() if what == "preset" for report in reports
    }
    for (what, a_text, b_text), reports in found.items():
        if what != "preset's words" or not other_preset.issuperset(reports):
            yield Unlike(what=what, before=a_text, after=b_text, reports=tuple(reports))


def _making(made: Made) -> dict[str, str]:
    """Return what must agree for two reports to be like with like, in words; a recipe by its keys."""
    found = {
        "preset": made.preset,
        "preset's words": made.preset_label,
        "source": made.source,
        "seeds": text(made.seeds),
    }
    recipe: dict[str, list[str]] = {}
    for line in made.departures() if isinstance(made, Table) else ():
        key, _, value = line.partition(": ")
        recipe.setdefault(key, []).append(value)  # the experiments of a table may depart in several ways
    return found | {key: "; ".join(sorted(values)) for key, values in recipe.items()}


# Claims


def _claims(before: Statements, after: Statements, least: Decimal) -> Iterator[ClaimChange]:
    there = {claim.id: claim for claim in after.claims}
    for claim in before.claims:
        now = there.get(claim.id)
        if now is None:
            continue
        a, b = _outcome(claim), _outcome(now)
        changed = a.verdict != b.verdict
        if changed or _moved(a, b, least):
            yield ClaimChange(
                paper=after.paper, id=now.id, says=now.says, verdict_changed=changed, before=a, after=b
            )


def _outcome(claim: Claim) -> Outcome:
    found = tuple(
        None
        if pair.difference is None or pair.low is None or pair.high is None
        else (pair.difference, pair.low, pair.high)
        for pair in claim.comparisons
    )
    return Outcome(verdict=claim.verdict, reason=claim.reason, differences=found)


def _moved(before: Outcome, after: Outcome, least: Decimal) -> bool:
    """Tell whether a difference or an end of its interval moved by more than the threshold."""
    if len(before.differences) != len(after.differences):
        return True
    for a, b in zip(before.differences, after.differences, strict=True):
        if a is None or b is None:
            if a is not b:
                return True
        elif any(abs(x - y) > least for x, y in zip(a, b, strict=True)):
            return True
    return False


def _reworded(before: Statements, after: Statements) -> Iterator[Edit]:
    there = {claim.id: claim for claim in after.claims}
    for claim in before.claims:
        now = there.get(claim.id)
        if now is not None:
            where = f"claims of {before.paper}, {claim.id}"
            yield from edit(where, "sentence", claim.says, now.says)
            papers = [", ".join(text(p.paper) for p in one.comparisons) for one in (claim, now)]
            yield from edit(where, "paper's difference", *papers)


# What both have in common


def _comings(
    before: State,
    after: State,
    tables: Sequence[TableChange],
    said: Sequence[tuple[Statements, Statements]],
) -> Iterator[Coming]:
    for one, other, came in ((before, after, False), (after, before, True)):
        for key in one.tables:
            if key not in other.tables:
                yield Coming(what="table", where=key, came=came)
        for paper, statements in one.statements.items():
            if paper not in other.statements:
                for claim in statements.claims:
                    yield Coming(what="claim", where=f"{paper}, {claim.id}", came=came)
    for table in tables:
        yield from table.comings()
    for a, b in said:
        for mine, theirs, came in ((a, b, False), (b, a, True)):
            ids = {claim.id for claim in theirs.claims}
            for claim in mine.claims:
                if claim.id not in ids:
                    yield Coming(what="claim", where=f"{mine.paper}, {claim.id}", came=came)
