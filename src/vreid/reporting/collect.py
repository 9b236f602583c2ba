"""A page of reports, as all_tables or one paper's: made of the reports' JSON, in the plan's order."""

import json
from collections.abc import Sequence
from pathlib import Path

from vreid.params.atomic import write_text
from vreid.params.plan import PagePlan
from vreid.reporting.chapters import Chapter, read_chapters
from vreid.reporting.formats import page_latex, page_markdown, page_wording, statements_tidy, tidy
from vreid.reporting.records import as_json


def write_page(plan: PagePlan, out: Path, reports: Path = Path("reports")) -> None:
    """Write the page to `out` with the suffixes .md, .tex, .csv and .json.

    `plan.parts` are read as `reports`/<part>.json; the page links to the figures beside them. The CSV is
    of the tables, or of the claims on a page without tables. The JSON holds everything, and the plan's
    digest.

    Raises:
        UserError: If the JSON of a part is missing or holds something else.
    """
    chapters = read_chapters(plan.parts, reports)
    write_text(out.with_suffix(".tex"), page_latex.page(plan.title, chapters, reports, out.parent))
    write_text(out.with_suffix(".csv"), _csv(chapters))
    write_text(out.with_suffix(".md"), page_markdown.page(plan.title, chapters, reports, out.parent))
    write_text(out.with_suffix(".json"), _json(plan, chapters))  # last: its digest says that all are fresh


def _csv(chapters: Sequence[Chapter]) -> str:
    tables = [table for chapter in chapters for table in chapter.tables]
    statements = [said for chapter in chapters for said in chapter.statements]
    return statements_tidy.text(statements) if statements and not tables else tidy.text(tables)


def _json(plan: PagePlan, chapters: Sequence[Chapter]) -> str:
    value = {
        "digest": plan.digest,
        "title": plan.title,
        "made": page_wording.made(chapters),
        "tables": [json.loads(as_json(table)) for chapter in chapters for table in chapter.tables],
        "figures": [figure.model_dump(mode="json") for chapter in chapters for figure in chapter.figures],
        "claims": [said.model_dump(mode="json") for chapter in chapters for said in chapter.statements],
        "audits": [audit.model_dump(mode="json") for chapter in chapters for audit in chapter.audits],
    }
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
