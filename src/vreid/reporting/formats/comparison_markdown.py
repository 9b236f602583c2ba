"""A comparison of two states as GitHub-flavoured Markdown, as for a comment on a change."""

from collections.abc import Iterator, Sequence

from vreid.reporting.comparing.records import ClaimChange, Comparison, Move
from vreid.reporting.formats import comparison_wording as words
from vreid.reporting.formats.markdown import escape, grid


def page(found: Comparison) -> str:
    """Return the comparison as a page of its own; what was made differently stands first."""
    return "\n\n".join(_blocks(found)) + "\n"


def _blocks(found: Comparison) -> Iterator[str]:
    yield f"## {escape(words.title(found))}"
    if found.unlike:
        yield f"**{words.NOT_ALIKE}**"
        yield _list([words.unlike(one) for one in found.unlike])
    else:
        yield words.ALIKE
    yield escape(words.summary(found) if found.changed else f"{words.NOTHING} {words.summary(found)}")
    verdicts = found.verdicts()
    if verdicts:
        yield "### Verdicts that changed"
        yield _claims(verdicts)
    for heading, moves in (("Cells that moved", found.results()), (words.TIMES, found.times())):
        if moves:
            yield f"### {heading}"
            yield _moves(moves)
    if found.moves:
        yield escape(words.key())
    others = [claim for claim in found.claims if not claim.verdict_changed]
    if others:
        yield "### Differences that moved under the same verdict"
        yield _claims(others)
    for heading, came in (("Came", True), ("Went", False)):
        some = [f"{one.what}: {one.where}" for one in found.comings if one.came is came]
        if some:
            yield f"### {heading}"
            yield _list(some)
    if found.edits:
        yield "### Reads otherwise"
        yield _list([words.edit(one) for one in found.edits])


def _moves(moves: Sequence[Move]) -> str:
    rules = [":--", "--:", ":--", ":--", "--:", "--:", "--:", ":--"]
    return grid(words.MOVE_HEADS, rules, [[escape(entry) for entry in words.move(move)] for move in moves])


def _claims(claims: Sequence[ClaimChange]) -> str:
    rows = [[escape(entry) for entry in words.claim(claim)] for claim in claims]
    return grid(words.CLAIM_HEADS, [":--"] * len(words.CLAIM_HEADS), rows)


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {escape(line)}" for line in lines)
