"""A page of reports as one LaTeX document: a section for each paper."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from vreid.reporting.chapters import AuditReport, Chapter
from vreid.reporting.formats import latex, page_wording, recipe_wording, statements_latex, wording
from vreid.reporting.formats import statements_wording as words
from vreid.reporting.formats.latex_text import escape, grid, signed
from vreid.reporting.formats.page_wording import (
    AUDIT,
    AUDIT_HEADS,
    CLAIMS,
    CONTRADICTIONS,
    DECIMALS,
    DEVIATIONS,
)
from vreid.reporting.records import Figure


def page(title: str, chapters: Sequence[Chapter], reports: Path, folder: Path, partial: str = "") -> str:
    """Return the document; it compiles in `folder` and takes the figures' PDF from below `reports`.

    `partial` says what it lacks, if anything.
    """
    parts = [
        (chapter.citation or chapter.paper, "".join(_chapter(chapter, reports, folder)))
        for chapter in chapters
    ]
    lacking = statements_latex.paragraph(rf"\textbf{{{escape(partial)}}}") if partial else ""
    return latex.collection(title, lacking + _summary(chapters), parts)


def _summary(chapters: Sequence[Chapter]) -> str:
    """Say how much the document holds, on which data it was made, and what became of the claims."""
    statements = [said for chapter in chapters for said in chapter.statements]
    verdicts = words.summary(statements) if statements else ""
    held = escape(page_wording.counts(chapters)), escape(page_wording.made(chapters)), escape(verdicts)
    line = statements_latex.paragraph(rf"{held[0]} \textbf{{{held[1]}}} {held[2]}")
    return line + (statements_latex.summary(statements) if statements else "")


def _chapter(chapter: Chapter, reports: Path, folder: Path) -> Iterator[str]:
    several = len(chapter.tables) > 1
    if several:
        recipe = escape(page_wording.recipe(chapter))
        yield f"{{\\raggedright\\footnotesize\\textbf{{All tables:}} {recipe}\\par}}\n"
    for table in chapter.tables:
        said_here = page_wording.recipe_beyond(chapter, table) if several else recipe_wording.of_table(table)
        yield latex.listed("subsection", f"{table.title}: {table.caption}")
        yield latex.body(table, said_here)
    for figure in chapter.figures:
        yield latex.listed("subsection", f"{figure.title}: {figure.caption}")
        yield _figure(figure, reports, folder)
    for said in chapter.statements:
        yield "\\clearpage\n" if chapter.tables or chapter.figures else ""
        for heading, text in (
            (CLAIMS, statements_latex.claims(said)),
            (DECIMALS, statements_latex.decimals(said.decimals)),
            (CONTRADICTIONS, statements_latex.inconsistencies(said.inconsistencies)),
            (DEVIATIONS, statements_latex.deviations(said.deviations)),
        ):
            yield f"\\subsection*{{{heading}}}\n{latex.listed('subsection', heading)}{text}"
    for audit in chapter.audits:
        yield f"\\clearpage\n\\subsection*{{{AUDIT}}}\n{latex.listed('subsection', AUDIT)}"
        yield _audit(audit, reports, folder)


def _audit(report: AuditReport, reports: Path, folder: Path) -> str:
    """Show what one setting at a time moves, and its figure."""
    first, *others = page_wording.audit_moves(report)
    rows = [(rf"\textbf{{{first[0]}}}", *first[1:])]
    rows += [tuple(signed(escape(text)) for text in row) for row in others]
    tabular = grid("llrrrr", AUDIT_HEADS, rows)
    said = rf"\textbf{{{escape(page_wording.audited_on(report))}}} {escape(page_wording.audited(report))}"
    folder_of_all = f"audits/{report.run}"
    all_of_them = f"{page_wording.all_variants(report)}: reports/{folder_of_all}/audit.json."
    beside = escape(f"{page_wording.left_out(report)} {all_of_them}")
    return "\n".join(
        [
            rf"\par\noindent{{\raggedright\small {said} {beside}\par}}",
            rf"{{\small{latex.shrunk(tabular)}}}",
            r"\begin{figure}[!htbp]",
            r"\centering",
            _picture(reports / folder_of_all / "audit.pdf", folder),
            r"\par\medskip{\small One choice at a time, in points from the values as evaluated.\par}",
            r"\end{figure}",
            "",
        ]
    )


def _figure(figure: Figure, reports: Path, folder: Path) -> str:
    file = reports / "figures" / figure.paper / f"{figure.figure}.pdf"
    about = rf"\textbf{{{escape(figure.title)}}} ({escape(figure.paper)}): {escape(figure.caption)}"
    notes = " ".join([wording.provenance(figure), *figure.notes])
    return "\n".join(
        [
            r"\begin{figure}[!htbp]",
            r"\centering",
            _picture(file, folder),
            rf"\par\medskip{{\raggedright\small {about}\par\footnotesize {escape(notes)}\par}}",
            r"\end{figure}",
            "",
        ]
    )


def _picture(file: Path, folder: Path) -> str:
    source = Path(os.path.relpath(file, folder)).as_posix()
    return rf"\includegraphics[width=\linewidth,height=.7\textheight,keepaspectratio]{{{source}}}"
