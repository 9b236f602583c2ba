"""Claims, contradictions and deviations as GitHub-flavoured Markdown."""

from collections.abc import Sequence

from vreid.params.plan import DecimalsPlan, DeviationPlan, InconsistencyPlan
from vreid.reporting.formats import decimals_wording, wording
from vreid.reporting.formats import statements_wording as words
from vreid.reporting.formats.markdown import escape, grid
from vreid.reporting.statements import Claim, Comparison, Side, Statements


def page(said: Statements) -> str:
    """Return everything that is said of a paper as a page of its own."""
    blocks = [
        f"# Claims of {escape(said.title)}",
        claims(said),
        f"## {decimals_wording.DECIMALS}",
        decimals(said.decimals),
        "## Contradictions in the paper",
        inconsistencies(said.inconsistencies),
        "## Deviations from the paper",
        deviations(said.deviations),
        escape(said.citation),
    ]
    return "\n\n".join(blocks) + "\n"


def deviations_page(title: str, citation: str, found: Sequence[DeviationPlan]) -> str:
    """Return the deviations as a page of their own."""
    return "\n\n".join([f"# Deviations from {escape(title)}", deviations(found), escape(citation)]) + "\n"


def summary(statements: Sequence[Statements]) -> str:
    """Return how many claims of each paper have each verdict, as a table."""
    rows = [[escape(text) for text in row] for row in words.summary_rows(statements)]
    return grid(words.SUMMARY_HEADS, [":--", *["--:"] * (len(words.SUMMARY_HEADS) - 1)], rows)


def claims(said: Statements) -> str:
    """Return provenance, counts, the table of claims and its notes, without a heading."""
    if not said.claims:
        return words.NONE_CLAIMED
    letters = wording.letters(said.reasons())
    head = f"{wording.ours(said)} \\[95 % interval]"
    rows = [row for number, claim in enumerate(said.claims, start=1) for row in _rows(number, claim, letters)]
    notes = [f"<sup>{letter}</sup> {escape(reason)}" for reason, letter in letters.items()]
    return "\n\n".join(
        [
            f"**{escape(words.provenance(said))}** {words.summary([said])}",
            grid(
                ["#", "Claim", "Compared", "Metric", "Paper", head, "Verdict"],
                ["--:", ":--", ":--", ":--", "--:", "--:", ":--"],
                rows,
            ),
            "  \n".join([*notes, escape(words.key(said))]),
        ]
    )


def decimals(found: DecimalsPlan) -> str:
    """Return what the printed decimals say as a table and sentences, without a heading."""
    if not found.rates:
        return decimals_wording.NO_RATES
    rows = [[escape(text) for text in row] for row in decimals_wording.rows(found)]
    return "\n\n".join(
        [
            escape(decimals_wording.INTRODUCTION),
            *([grid(decimals_wording.HEADS, [":--"] * len(decimals_wording.HEADS), rows)] if rows else []),
            "\n".join(f"- {escape(sentence)}" for sentence in decimals_wording.sentences(found)),
        ]
    )


def inconsistencies(found: Sequence[InconsistencyPlan]) -> str:
    """Return the contradictions as a table, without a heading."""
    if not found:
        return words.NONE_FOUND
    rows = [
        [str(number), escape(one.where), escape(one.says), escape(words.outcome(one))]
        for number, one in enumerate(found, start=1)
    ]
    table = grid(["#", "Where", "What was found", "Checked again"], ["--:", ":--", ":--", ":--"], rows)
    return f"{words.CONTRADICTIONS}\n\n{table}"


def deviations(found: Sequence[DeviationPlan]) -> str:
    """Return the deviations as a table, without a heading."""
    if not found:
        return words.NONE_TAKEN
    rows = [
        [
            f"`{one.key}`",
            *(escape(text) or wording.MISSING for text in (one.where or "", one.printed, one.taken)),
            escape(one.because),
            ", ".join(f"`{name}`" for name in one.alternatives) or wording.MISSING,
        ]
        for one in found
    ]
    heads = ["Point", "Where", "The paper", "Taken here", "Why", "Experiments that take it otherwise"]
    return f"{words.DEVIATIONS}\n\n{grid(heads, [':--'] * len(heads), rows)}"


def _rows(number: int, claim: Claim, letters: dict[str, str]) -> list[list[str]]:
    """Return a claim's line; one of several comparisons has a line for each below it."""
    remarks = "".join(f"<br>{escape(words.remark(text))}" for text in claim.remarks)
    about = [str(number), f"{escape(claim.says)} ({escape(words.place(claim))}){remarks}"]
    lines = [_compared(pair, letters) for pair in claim.comparisons]
    verdict = f"**{claim.verdict}**: {escape(claim.reason)}"
    if len(lines) == 1:
        return [[*about, *lines[0], verdict]]
    below = [
        ["", "", *line, escape(words.verdict(pair))]
        for line, pair in zip(lines, claim.comparisons, strict=True)
    ]
    return [[*about, words.several(claim), "", "", "", verdict], *below]


def _compared(pair: Comparison, letters: dict[str, str]) -> list[str]:
    sides = f"{_side(pair.better, letters)} over {_side(pair.worse, letters)}"
    gap = words.gap(pair)
    ours = wording.MISSING if gap is None else f"**{gap[0]}** {escape(gap[1])}"
    return [sides, escape(words.measured(pair)), words.papers(pair), ours]


def _side(side: Side, letters: dict[str, str]) -> str:
    note = f"<sup>{letters[side.missing]}</sup>" if side.missing else ""
    return escape(words.side(side)) + note
