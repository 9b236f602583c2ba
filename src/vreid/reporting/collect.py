"""A page of reports, as all_tables or one paper's: made of the reports' JSON, in the plan's order."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from vreid.params.atomic import write_text
from vreid.params.plan import PagePlan
from vreid.reporting.chapters import Chapter, read_chapters
from vreid.reporting.formats import page_latex, page_markdown, page_wording, statements_tidy, tidy
from vreid.reporting.records import as_json


def write_page(
    plan: PagePlan, out: Path, reports: Path = Path("reports"), unmade: Mapping[str, str] | None = None
) -> None:
    """Write the page to `out` with the suffixes .md, .tex, .csv and .json.

    `plan.parts` are read as `reports`/<part>.json; the page links to the figures beside them. The CSV is
    of the tables, or of the claims on a page without tables. The JSON holds everything, and the plan's
    digest. The parts in `unmade`, each with a reason, are left out; if there are any, or if a part lacks
    runs, the page says that it is partial, and its digest is empty.

    Raises:
        UserError: If the JSON of a part is missing or holds something else.
    """
    left_out = {part: why for part, why in (unmade or {}).items() if part in plan.parts}
    chapters = read_chapters([part for part in plan.parts if part not in left_out], reports)
    partial = page_wording.partial(chapters, left_out, datetime.now(UTC))
    write_text(out.with_suffix(".tex"), page_latex.page(plan.title, chapters, reports, out.parent, partial))
    write_text(out.with_suffix(".csv"), _csv(chapters))
    write_text(out.with_suffix(".md"), page_markdown.page(plan.title, chapters, reports, out.parent, partial))
    write_text(
        out.with_suffix(".json"), _json(plan, chapters, partial)
    )  # last: its digest says that all are fresh


def _csv(chapters: Sequence[Chapter]) -> str:
    tables = [table for chapter in chapters for table in chapter.tables]
    statements = [said for chapter in chapters for said in chapter.statements]
    return statements_tidy.text(statements) if statements and not tables else tidy.text(tables)


def _json(plan: PagePlan, chapters: Sequence[Chapter], partial: str) -> str:
    value = {
        "digest": "" if partial else plan.digest,
        "title": plan.title,
        **({"partial": partial} if partial else {}),
        "made": page_wording.made(chapters),
        "tables": [json.loads(as_json(table)) for chapter in chapters for table in chapter.tables],
        "figures": [figure.model_dump(mode="json") for chapter in chapters for figure in chapter.figures],
        "claims": [said.model_dump(mode="json") for chapter in chapters for said in chapter.statements],
        "audits": [audit.model_dump(mode="json") for chapter in chapters for audit in chapter.audits],
    }
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
