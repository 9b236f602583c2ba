"""What the explanations of all kinds of reports begin with: the plan, freshness, and how it was made."""

from collections.abc import Callable, Sequence
from pathlib import Path

from vreid.params.errors import UserError
from vreid.params.plan import Plan
from vreid.reporting.explaining.records import Check, Made
from vreid.reporting.records import Figure, Heading
from vreid.reporting.records import Made as Header
from vreid.reporting.statements import Statements

Planner = Callable[[str | None], Plan]
"""Returns the plan of a preset, of the usual one for None; raises a UserError if there is none."""


def planned(preset: str | None, planner: Planner) -> tuple[Plan | None, list[Check]]:
    """Return the plan; if there is none, a check that says why freshness cannot be told."""
    try:
        return planner(preset), []
    except UserError as error:
        says = f"it cannot be told whether this is what params/ asks for now: {error}"
        return None, [Check(says=says, holds=None)]


def freshness(digest: str, plan: Plan, report: str) -> Check:
    """Check the digest that a report (`tables/…`, `figures/…`, `claims/…`) records against the plan's."""
    try:
        now = plan.report_digest(report)
    except UserError as error:
        return Check(says=f"stale: {error}", holds=False)
    if now == digest:
        says = f"the report records the digest {digest}, which is what params/ and the code ask for now"
        return Check(says=says, holds=True)
    if not digest:
        return Check(says="partial: some of its runs failed or are pending; run the pipeline", holds=False)
    says = (
        f"stale: the report records the digest {digest}, params/ and the code ask for {now} now; "
        "run the pipeline to make it again"
    )
    return Check(says=says, holds=False)


def made(file: Path, header: Header, caption: str = "") -> Made:
    """Return what a report says about how it was made; `caption` is for those that have none."""
    said = header.caption if isinstance(header, Heading | Figure) else caption
    title: Sequence[str] = [header.title] if isinstance(header, Heading | Figure | Statements) else []
    return Made(
        file=file.as_posix(),
        title=" ".join(title),
        caption=said,
        **{name: getattr(header, name) for name in Header.model_fields if name != "paper"},
    )
