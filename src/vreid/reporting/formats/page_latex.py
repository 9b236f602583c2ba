"""A page of reports as one LaTeX document: a section for each paper."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from vreid.reporting.chapters import AuditReport, Chapter
from vreid.reporting.formats import latex, page_wording, statements_latex, wording
from vreid.reporting.formats.latex_text import escape, grid, signed
from vreid.reporting.formats.page_wording import AUDIT, AUDIT_HEADS, CLAIMS, CONTRADICTIONS, DEVIATIONS
from vreid.reporting.records import Figure


def page(title: str, chapters: Sequence[Chapter], reports: Path, folder: Path) -> str:
    """Return the document; it compiles in `folder` and takes the figures' PDF from below `reports`."""
    statements = [said for chapter in chapters for said in chapter.statements]
    parts = [
        (chapter.citation or chapter.paper, "".join(_chapter(chapter, reports, folder)))
        for chapter in chapters
    ]
    return latex.collection(title, statements_latex.summary(statements) if statements else "", parts)


def _chapter(chapter: Chapter, reports: Path, folder: Path) -> Iterator[str]:
    several = len(chapter.tables) > 1
    if several:
        recipe = escape(wording.recipe(chapter.recipe()))
        yield f"{{\\raggedright\\footnotesize\\textbf{{All tables:}} {recipe}\\par}}\n"
    for table in chapter.tables:
        beyond = wording.recipe_beyond(chapter.recipe_beyond(table))
        yield latex.listed("subsection", f"{table.title}: {table.caption}")
        yield latex.body(table, beyond if several else wording.recipe(table.recipe))
    for figure in chapter.figures:
        yield latex.listed("subsection", f"{figure.title}: {figure.caption}")
        yield _figure(figure, reports, folder)
    for said in chapter.statements:
        yield "\\clearpage\n" if chapter.tables or chapter.figures else ""
        for heading, text in (
            (CLAIMS, statements_latex.claims(said)),
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
    said = rf"\textbf{{{escape(report.note)}.}} {escape(page_wording.audited(report))}"
    folder_of_all = f"audits/{report.run}"
    all_of_them = escape(f"{page_wording.all_variants(report)}: reports/{folder_of_all}/audit.json.")
    return "\n".join(
        [
            rf"\par\noindent{{\raggedright\small {said} {all_of_them}\par}}",
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
