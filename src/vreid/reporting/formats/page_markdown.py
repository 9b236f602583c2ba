"""A page of reports as GitHub-flavoured Markdown: counts, contents, a chapter for each paper."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from vreid.reporting.chapters import AuditReport, Chapter
from vreid.reporting.formats import markdown, page_wording, recipe_wording, statements_markdown, wording
from vreid.reporting.formats import statements_wording as words
from vreid.reporting.formats.markdown import escape
from vreid.reporting.formats.page_wording import AUDIT, CLAIMS, CONTRADICTIONS, DECIMALS, DEVIATIONS
from vreid.reporting.records import Figure, Table
from vreid.reporting.statements import Statements


def page(title: str, chapters: Sequence[Chapter], reports: Path, folder: Path, partial: str = "") -> str:
    """Return the page; links go from `folder`, where it stands, to files below `reports`.

    `partial` says what it lacks, if anything.
    """
    place = _Place(reports, folder)
    contents = [entry for chapter in chapters for entry in _contents(chapter)]
    blocks = [block for chapter in chapters for block in _chapter(chapter, title, place)]
    head = [f"# {escape(title)}", *([f"> **{escape(partial)}**"] if partial else [])]
    return "\n\n".join([*head, _summary(chapters), "\n".join(contents), *blocks]) + "\n"


class _Place:
    """Where a page stands."""

    def __init__(self, reports: Path, folder: Path) -> None:
        self.reports, self.folder = reports, folder

    def link(self, report: str) -> str:
        return Path(os.path.relpath(self.reports / report, self.folder)).as_posix()


def _summary(chapters: Sequence[Chapter]) -> str:
    """Say how much the page holds, on which data it was made, and what became of the claims."""
    statements = [said for chapter in chapters for said in chapter.statements]
    line = f"{page_wording.counts(chapters)} **{escape(page_wording.made(chapters))}**"
    if not statements:
        return line
    return f"{line} {words.summary(statements)}\n\n{statements_markdown.summary(statements)}"


def _contents(chapter: Chapter) -> Iterator[str]:
    yield f"- [{escape(chapter.paper)}](#{chapter.paper})"
    for name, heading in _headings(chapter):
        yield f"  - [{escape(heading)}](#{chapter.paper}-{name})"


def _headings(chapter: Chapter) -> Iterator[tuple[str, str]]:
    """Yield the anchor and the heading of each of a chapter's sections."""
    for table in chapter.tables:
        yield table.table, f"{table.title}: {table.caption}"
    for figure in chapter.figures:
        yield figure.figure, f"{figure.title}: {figure.caption}"
    if chapter.statements:
        yield from (("claims", CLAIMS), ("decimals", DECIMALS))
        yield from (("contradictions", CONTRADICTIONS), ("deviations", DEVIATIONS))
    if chapter.audits:
        yield "audit", AUDIT


def _chapter(chapter: Chapter, title: str, place: _Place) -> Iterator[str]:
    """Yield a paper's name, its citation if that is not the page's title already, and its sections."""
    yield f'<a id="{chapter.paper}"></a>\n\n## {escape(chapter.paper)}'
    if chapter.citation not in ("", title):
        yield escape(chapter.citation)
    if len(chapter.tables) > 1:
        yield f"**All tables:** {escape(page_wording.recipe(chapter))}"
    for table in chapter.tables:
        yield f"{_anchor(chapter, table.table)}\n\n{_table(chapter, table)}"
    for figure in chapter.figures:
        yield f"{_anchor(chapter, figure.figure)}\n\n{_figure(figure, place)}"
    for said in chapter.statements:
        yield from _statements(chapter, said)
    for audit in chapter.audits:
        yield f"{_anchor(chapter, 'audit')}\n\n{_audit(audit, place)}"


def _anchor(chapter: Chapter, name: str) -> str:
    return f'<a id="{chapter.paper}-{name}"></a>'


def _table(chapter: Chapter, table: Table) -> str:
    alone = len(chapter.tables) == 1
    recipe = recipe_wording.of_table(table) if alone else page_wording.recipe_beyond(chapter, table)
    return markdown.section(table, level=3, recipe=recipe)


def _figure(figure: Figure, place: _Place) -> str:
    file = place.link(f"figures/{figure.paper}/{figure.figure}.png")
    name = escape(f"{figure.title}: {figure.caption}")
    blocks = [
        f"### {name}",
        f"**{escape(wording.provenance(figure))}**",
        f"![{name}]({file})",
        *(escape(note) for note in figure.notes),
    ]
    return "\n\n".join(blocks)


def _statements(chapter: Chapter, said: Statements) -> Iterator[str]:
    for name, heading, text in (
        ("claims", CLAIMS, statements_markdown.claims(said)),
        ("decimals", DECIMALS, statements_markdown.decimals(said.decimals)),
        ("contradictions", CONTRADICTIONS, statements_markdown.inconsistencies(said.inconsistencies)),
        ("deviations", DEVIATIONS, statements_markdown.deviations(said.deviations)),
    ):
        yield f"{_anchor(chapter, name)}\n\n### {heading}\n\n{text}"


def _audit(report: AuditReport, place: _Place) -> str:
    """Show what one setting at a time moves; the file holds every variant."""
    first, *others = page_wording.audit_moves(report)
    rows = [[f"**{first[0]}**", *first[1:]], *([escape(text) for text in row] for row in others)]
    folder = f"audits/{report.run}"
    return "\n\n".join(
        [
            f"### {AUDIT}",
            f"**{escape(page_wording.audited_on(report))}** {escape(page_wording.audited(report))}",
            markdown.grid(page_wording.AUDIT_HEADS, [":--", ":--", *["--:"] * 4], rows),
            *([escape(left_out)] if (left_out := page_wording.left_out(report)) else []),
            f"![{AUDIT}]({place.link(f'{folder}/audit.png')})",
            f"[{page_wording.all_variants(report)}]({place.link(f'{folder}/audit.json')}).",
        ]
    )
