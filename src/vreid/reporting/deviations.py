"""The page of a paper's deviations: every choice that the reproduction made, generated from params/."""

import json
from pathlib import Path

from vreid.params.atomic import write_text
from vreid.params.plan import ClaimsPlan
from vreid.reporting.formats import statements_latex, statements_markdown


def write_deviations(plan: ClaimsPlan, folder: Path) -> None:
    """Write `folder`/<paper>.md, .tex and .json; the JSON holds the plan's digest."""
    found = plan.deviations
    value = {
        "digest": plan.digest,
        "paper": plan.paper,
        "citation": plan.citation,
        "deviations": [deviation.model_dump(mode="json") for deviation in found],
    }
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_text(
        folder / f"{plan.paper}.md", statements_markdown.deviations_page(plan.title, plan.citation, found)
    )
    write_text(folder / f"{plan.paper}.tex", statements_latex.deviations_document(plan.title, found))
    write_text(folder / f"{plan.paper}.json", text)
