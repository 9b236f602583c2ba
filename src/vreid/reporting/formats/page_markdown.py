"""A page of reports as GitHub-flavoured Markdown: counts, contents, a chapter for each paper."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from vreid.reporting.cells import percentage
from vreid.reporting.chapters import AuditReport, Chapter
from vreid.reporting.formats import markdown, statements_markdown, wording
from vreid.reporting.formats import statements_wording as words
from vreid.reporting.formats.markdown import escape
from vreid.reporting.records import Figure, Table
from vreid.reporting.statements import Statements

CLAIMS = "Claims"
CONTRADICTIONS = "Contradictions in the paper"
DEVIATIONS = "Deviations from the paper"
AUDIT = "How far the rules of evaluation move the numbers"


def page(title: str, chapters: Sequence[Chapter], reports: Path, folder: Path) -> str:
    """Return the page; links go from `folder`, where it stands, to files below `reports`."""
    place = _Place(reports, folder)
    contents = [entry for chapter in chapters for entry in _contents(chapter)]
    blocks = [block for chapter in chapters for block in _chapter(chapter, title, place)]
    return "\n\n".join([f"# {escape(title)}", _summary(chapters), "\n".join(contents), *blocks]) + "\n"


class _Place:
    """Where a page stands."""

    def __init__(self, reports: Path, folder: Path) -> None:
        self.reports, self.folder = reports, folder

    def link(self, report: str) -> str:
        return Path(os.path.relpath(self.reports / report, self.folder)).as_posix()


def _summary(chapters: Sequence[Chapter]) -> str:
    """Say how much the page holds, on which data it was made, and what became of the claims."""
    tables = [table for chapter in chapters for table in chapter.tables]
    statements = [said for chapter in chapters for said in chapter.statements]
    counts = [
        _count(len(chapters), "paper"),
        _count(len(tables), "table"),
        _count(sum(len(chapter.figures) for chapter in chapters), "figure"),
        _count(len({run for table in tables for run in table.runs()}), "run", " in tables"),
    ]
    reports = [report for chapter in chapters for report in chapter.made()]
    made = dict.fromkeys(f"{r.source} data; preset {r.preset} ({r.preset_label})" for r in reports)
    line = f"{', '.join(filter(None, counts))}. **{escape('; '.join(made))}.**"
    return f"{line} {words.summary(statements)}" if statements else line


def _count(number: int, noun: str, where: str = "") -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}{where}" if number else ""


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
        yield from (("claims", CLAIMS), ("contradictions", CONTRADICTIONS), ("deviations", DEVIATIONS))
    if chapter.audits:
        yield "audit", AUDIT


def _chapter(chapter: Chapter, title: str, place: _Place) -> Iterator[str]:
    """Yield a paper's name, its citation if that is not the page's title already, and its sections."""
    yield f'<a id="{chapter.paper}"></a>\n\n## {escape(chapter.paper)}'
    if chapter.citation not in ("", title):
        yield escape(chapter.citation)
    if len(chapter.tables) > 1:
        yield f"**All tables:** {escape(wording.recipe(chapter.recipe()))}"
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
    recipe = wording.recipe(table.recipe) if alone else wording.recipe_beyond(chapter.recipe_beyond(table))
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
        ("contradictions", CONTRADICTIONS, statements_markdown.inconsistencies(said.inconsistencies)),
        ("deviations", DEVIATIONS, statements_markdown.deviations(said.deviations)),
    ):
        yield f"{_anchor(chapter, name)}\n\n### {heading}\n\n{text}"


def _audit(report: AuditReport, place: _Place) -> str:
    """Show what one setting at a time moves; the file holds every variant."""
    audit = report.audit()
    own = audit.reference
    settings = "; ".join(f"{name}: {value}" for name, value in own.settings.items())
    rows = [["**as evaluated**", "", *_values(own.map, None), *_values(own.rank1, None)]]
    rows += [
        [escape(name), escape(value), *_values(found.map, own.map), *_values(found.rank1, own.rank1)]
        for name, value, found in audit.moves()
    ]
    folder = f"audits/{report.run}"
    heads = ["Choice", "Instead", "mAP", "moves", "R1", "moves"]
    return "\n\n".join(
        [
            f"### {AUDIT}",
            f"**{escape(report.note)}.** Run {escape(report.run)} under {escape(report.protocol)}; "
            f"as evaluated: {escape(settings)}. One choice changes at a time. In percent; moves in points.",
            markdown.grid(heads, [":--", ":--", *["--:"] * 4], rows),
            f"![{AUDIT}]({place.link(f'{folder}/audit.png')})",
            f"[All {len(report.variants)} variants]({place.link(f'{folder}/audit.json')}).",
        ]
    )


def _values(value: float, own: float | None) -> list[str]:
    moved = "" if own is None else percentage(value - own)
    return [percentage(value), f"+{moved}" if moved and not moved.startswith("-") else moved]
