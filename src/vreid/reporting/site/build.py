"""Writes reports/index.html: every table, figure, claim and audit, and the runs behind them, in one file."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vreid.params.atomic import write_json, write_text
from vreid.params.errors import UserError
from vreid.params.plan import PagePlan
from vreid.reporting.chapters import Chapter, read_chapters
from vreid.reporting.formats import decimals_wording, page_wording, wording
from vreid.reporting.formats import statements_wording as words
from vreid.reporting.site import assets
from vreid.reporting.site.chapters import ShownChapter, shown_chapter, totals
from vreid.reporting.site.runs import RunDetails, Tracked, run_details, runs_of, together
from vreid.reporting.verdicts import VERDICTS

LARGEST = 15_000_000
"""Bytes: what is larger than this is slow to open, and no mail takes it."""


def write_site(
    plan: PagePlan,
    evaluations: Mapping[str, str],
    out: Path,
    root: Path = Path(),
    unmade: Mapping[str, str] | None = None,
) -> None:
    """Write the page `out`.html and, beside it, `out`.json: its digest, its size and what it holds.

    Args:
        plan: its `parts` are read as <part>.json in the folder of `out`, the figures as the PNG beside them.
        evaluations: the folder with the results, relative to `root`, of each run that the page lists; runs
            that it shows are listed without.
        out: the page without its suffix.
        root: the folder with runs/.
        unmade: parts that are left out, each with the reason; the page then says that it is partial, and the
            digest is empty, as where a part lacks runs.

    Raises:
        UserError: the JSON or the picture of a part is missing or holds something else, or the page would be
            too large.
    """
    reports = out.parent
    left_out = {part: why for part, why in (unmade or {}).items() if part in plan.parts}
    chapters = read_chapters([part for part in plan.parts if part not in left_out], reports)
    partial = page_wording.partial(chapters, left_out, datetime.now(UTC))
    tracked = Tracked(reports / "tracking.json")
    runs = []
    for name in sorted({*evaluations, *runs_of(chapters)}):
        results = root / evaluations[name] if name in evaluations else None
        runs.append(run_details(root / "runs" / name, results, tracked))
    shown = [shown_chapter(chapter, reports) for chapter in chapters]
    page = _page(plan.title, chapters, shown, runs, partial)
    size = len(page.encode())
    if size > LARGEST:
        raise UserError(
            f"{out.with_suffix('.html')} would have {size:,} bytes, more than {LARGEST:,}: make the "
            f"figures in {reports / 'figures'} smaller"
        )
    write_text(out.with_suffix(".html"), page)
    write_json(out.with_suffix(".json"), _contents(plan, size, chapters, runs, partial))


def _page(
    title: str,
    chapters: Sequence[Chapter],
    shown: Sequence[ShownChapter],
    runs: Sequence[RunDetails],
    partial: str,
) -> str:
    style, script = assets.styles(), assets.scripts()
    statements = [said for chapter in chapters for said in chapter.statements]
    made = [report for chapter in chapters for report in chapter.made()]
    return (
        assets.templates()
        .get_template("page.html")
        .render(
            title=title,
            policy=assets.policy(style, script),
            style=style.text,
            script=script.text,
            data=assets.data({"runs": {run.name: run.as_json() for run in runs}}),
            chapters=shown,
            runs=runs,
            partial=partial,
            counts=page_wording.counts(chapters),
            made=page_wording.made(chapters),
            totals=totals(shown, runs),
            together=together(runs),
            ours=wording.ours(made[0]) if made else "ours",
            labels=list(dict.fromkeys(f"{one.source} data · preset {one.preset}" for one in made)),
            synthetic=any(one.source != "real" for one in made),
            summary=words.summary(statements) if statements else "",
            verdicts=VERDICTS,
            headings=page_wording,
            words=words,
            decimals=decimals_wording,
            missing=wording.MISSING,
        )
    )


def _contents(
    plan: PagePlan, size: int, chapters: Sequence[Chapter], runs: Sequence[RunDetails], partial: str
) -> dict[str, Any]:
    return {
        "digest": "" if partial else plan.digest,
        **({"partial": partial} if partial else {}),
        "title": plan.title,
        "bytes": size,
        "parts": list(plan.parts),
        "papers": {
            chapter.paper: {
                "tables": [table.table for table in chapter.tables],
                "figures": [figure.figure for figure in chapter.figures],
                "claims": [claim.id for said in chapter.statements for claim in said.claims],
                "audits": [audit.run for audit in chapter.audits],
            }
            for chapter in chapters
        },
        "runs": [run.name for run in runs],
    }
