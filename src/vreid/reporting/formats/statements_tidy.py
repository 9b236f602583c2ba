"""Claims as one tidy CSV: a line per comparison."""

import csv
import io
from collections.abc import Iterator, Sequence

from vreid.reporting.formats.tidy import number
from vreid.reporting.statements import Claim, Comparison, Statements

COLUMNS = (
    "paper",
    "claim",
    "comparison",
    "says",
    "where",
    "metric",
    "better",
    "worse",
    "dataset",
    "protocol",
    "paper_difference",
    "difference",
    "low",
    "high",
    "seeds_better",
    "seeds_worse",
    "verdict",
    "reason",
    "claim_verdict",
    "claim_reason",
    "source",
    "preset",
    "preset_label",
    "better_row",
    "worse_row",
)


def text(papers: Sequence[Statements]) -> str:
    """Return the lines of all claims under one header.

    Differences are in percentage points; `comparison` counts from 1, and its `verdict` is about it alone.
    `better` and `worse` are made of the keys in params/, `better_row` and `worse_row` of the labels of the
    paper's table.
    """
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for said in papers:
        writer.writerows(_lines(said))
    return buffer.getvalue()


def _lines(said: Statements) -> Iterator[dict[str, object]]:
    for claim in said.claims:
        for position, pair in enumerate(claim.comparisons, start=1):
            yield _about(said, claim) | {"comparison": position} | _values(pair)


def _about(said: Statements, claim: Claim) -> dict[str, object]:
    return {
        "paper": said.paper,
        "claim": claim.id,
        "says": claim.says,
        "where": claim.where,
        "claim_verdict": claim.verdict,
        "claim_reason": claim.reason,
        "source": said.source,
        "preset": said.preset,
        "preset_label": said.preset_label,
    }


def _values(pair: Comparison) -> dict[str, object]:
    return {
        "metric": pair.better.metric,
        "better": pair.better.label,
        "worse": pair.worse.label,
        "dataset": pair.better.dataset,
        "protocol": pair.better.protocol,
        "paper_difference": number(pair.paper),
        "difference": number(pair.difference),
        "low": number(pair.low),
        "high": number(pair.high),
        "seeds_better": pair.better.seeds,
        "seeds_worse": pair.worse.seeds,
        "verdict": pair.verdict,
        "reason": pair.reason,
        "better_row": pair.better.row or "",
        "worse_row": pair.worse.row or "",
    }
