r"""Claims, contradictions and deviations as LaTeX with booktabs; compiles standing alone, can be \input."""

from collections.abc import Sequence

from vreid.params.plan import DecimalsPlan, DeviationPlan, InconsistencyPlan
from vreid.reporting.formats import decimals_wording, wording
from vreid.reporting.formats import statements_wording as words
from vreid.reporting.formats.latex import section, shrunk, standing_alone
from vreid.reporting.formats.latex_text import escape, grid, signed
from vreid.reporting.statements import Claim, Comparison, Side, Statements

COMPARED = r"p{.36\linewidth}"
"""The column of what is compared: its text is broken, so that the others need not be shrunk much."""


DECIMALS = r"p{.25\linewidth}p{.3\linewidth}p{.27\linewidth}p{.18\linewidth}"
"""The columns of what the decimals say: all are text that is broken."""


def document(said: Statements) -> str:
    """Return everything that is said of a paper as a file of its own."""
    parts = (
        (f"Claims of {said.title}", claims(said)),
        (decimals_wording.DECIMALS, decimals(said.decimals)),
        ("Contradictions in the paper", inconsistencies(said.inconsistencies)),
        ("Deviations from the paper", deviations(said.deviations)),
    )
    about = f"Claims of {said.paper}, what its decimals say, contradictions in it, and deviations from it"
    return standing_alone(about, "".join(f"{section(heading)}{below}" for heading, below in parts))


def deviations_document(title: str, found: Sequence[DeviationPlan]) -> str:
    """Return the deviations as a file of their own."""
    heading = f"Deviations from {title}"
    return standing_alone(heading, f"{section(heading)}{deviations(found)}")


def summary(statements: Sequence[Statements]) -> str:
    """Return how many claims of each paper have each verdict, as a tabular."""
    rows = [[escape(text) for text in row] for row in words.summary_rows(statements)]
    heads, counts = words.SUMMARY_HEADS, "r" * (len(words.SUMMARY_HEADS) - 1)
    return paragraph(grid(f"l{counts}", heads, rows))


def claims(said: Statements) -> str:
    """Return provenance, counts, the claims one after the other, and notes, without a heading."""
    if not said.claims:
        return paragraph(escape(words.NONE_CLAIMED))
    letters = wording.letters(said.reasons())
    ours = escape(wording.ours(said))
    notes = [rf"\textsuperscript{{{letter}}} {escape(reason)}" for reason, letter in letters.items()]
    return "".join(
        [
            paragraph(rf"\textbf{{{escape(words.provenance(said))}}} {escape(words.summary([said]))}"),
            *(_claim(number, claim, ours, letters) for number, claim in enumerate(said.claims, start=1)),
            *(paragraph(rf"\footnotesize {note}") for note in [*notes, escape(words.key(said))]),
        ]
    )


def decimals(found: DecimalsPlan) -> str:
    """Return what the printed decimals say as a tabular and sentences, without a heading."""
    if not found.rates:
        return paragraph(escape(decimals_wording.NO_RATES))
    rows = [
        [rf"\raggedright {escape(text)}" for text in row[:-1]] + [escape(row[-1])]
        for row in decimals_wording.rows(found)
    ]
    tabular = grid(DECIMALS, decimals_wording.HEADS, rows)
    return "".join(
        [
            paragraph(escape(decimals_wording.INTRODUCTION)),
            *([rf"{{\small{shrunk(tabular)}}}" + "\n"] if rows else []),
            *(paragraph(escape(sentence)) for sentence in decimals_wording.sentences(found)),
        ]
    )


def inconsistencies(found: Sequence[InconsistencyPlan]) -> str:
    """Return the contradictions one after the other, without a heading."""
    if not found:
        return paragraph(escape(words.NONE_FOUND))
    entries = [
        paragraph(
            rf"\textbf{{{number}.}} {escape(one.says)} ({escape(one.where)}) "
            rf"\emph{{Checked again:}} {escape(words.outcome(one))}."
        )
        for number, one in enumerate(found, start=1)
    ]
    return "".join([paragraph(escape(words.CONTRADICTIONS)), *entries])


def deviations(found: Sequence[DeviationPlan]) -> str:
    """Return the deviations one after the other, without a heading."""
    if not found:
        return paragraph(escape(words.NONE_TAKEN))
    return "".join([paragraph(escape(words.DEVIATIONS)), *(_deviation(one) for one in found)])


def paragraph(text: str) -> str:
    """Return a paragraph of what is LaTeX already."""
    return rf"\par\medskip\noindent{{\raggedright {text}\par}}" + "\n"


def _deviation(one: DeviationPlan) -> str:
    where = f" ({escape(one.where)})" if one.where else ""
    parts = [
        rf"\textbf{{\texttt{{{escape(one.key)}}}}}{where}",
        rf"\emph{{The paper:}} {escape(words.sentence(one.printed))}",
        rf"\emph{{Taken here:}} {escape(words.sentence(one.taken))}",
        rf"\emph{{Why:}} {escape(words.sentence(one.because))}",
    ]
    if one.alternatives:
        names = ", ".join(rf"\texttt{{{escape(name)}}}" for name in one.alternatives)
        parts.append(rf"\emph{{Taken otherwise by:}} {names}.")
    return paragraph(" ".join(parts))


def _claim(number: int, claim: Claim, ours: str, letters: dict[str, str]) -> str:
    """Return a claim's sentence and verdict, and its comparisons as a tabular."""
    sentence = rf"\textbf{{{number}.}} {escape(claim.says)} ({escape(words.place(claim))}) "
    verdict = rf"\textbf{{{claim.verdict}}}: {escape(claim.reason)}."
    verdict += "".join(f" {escape(words.remark(text))}" for text in claim.remarks)
    heads = ["compared", "metric", "paper", ours, r"95\,\% interval", "by itself"]
    tabular = grid(rf"{COMPARED}lrrll", heads, [_cells(pair, letters) for pair in claim.comparisons])
    return paragraph(sentence + verdict) + rf"{{\small{shrunk(tabular)}}}" + "\n"


def _cells(pair: Comparison, letters: dict[str, str]) -> list[str]:
    gap = words.gap(pair) or (wording.MISSING, wording.MISSING)
    return [
        rf"\raggedright {_side(pair.better, letters)} over {_side(pair.worse, letters)}",
        escape(words.measured(pair)),
        signed(words.papers(pair)),
        signed(gap[0]),
        gap[1],
        pair.verdict,
    ]


def _side(side: Side, letters: dict[str, str]) -> str:
    note = rf"\textsuperscript{{{letters[side.missing]}}}" if side.missing else ""
    return escape(words.side(side)) + note
