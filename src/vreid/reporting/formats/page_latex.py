"""A page of reports as one LaTeX document: a section for each paper."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from vreid.reporting.chapters import Chapter
from vreid.reporting.formats import latex, statements_latex, wording
from vreid.reporting.formats.latex import escape
from vreid.reporting.formats.page_markdown import CLAIMS, CONTRADICTIONS, DEVIATIONS
from vreid.reporting.records import Figure


def page(title: str, chapters: Sequence[Chapter], reports: Path, folder: Path) -> str:
    """Return the document; it compiles in `folder` and takes the figures' PDF from below `reports`."""
    parts = [
        (chapter.citation or chapter.paper, "".join(_chapter(chapter, reports, folder)))
        for chapter in chapters
    ]
    return latex.collection(title, parts)


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
        yield "\\clearpage\n"
        for heading, text in (
            (CLAIMS, statements_latex.claims(said)),
            (CONTRADICTIONS, statements_latex.inconsistencies(said.inconsistencies)),
            (DEVIATIONS, statements_latex.deviations(said.deviations)),
        ):
            yield f"\\subsection*{{{heading}}}\n{latex.listed('subsection', heading)}{text}"


def _figure(figure: Figure, reports: Path, folder: Path) -> str:
    file = reports / "figures" / figure.paper / f"{figure.figure}.pdf"
    source = Path(os.path.relpath(file, folder)).as_posix()
    about = rf"\textbf{{{escape(figure.title)}}} ({escape(figure.paper)}): {escape(figure.caption)}"
    notes = " ".join([wording.provenance(figure), *figure.notes])
    return "\n".join(
        [
            r"\begin{figure}[!htbp]",
            r"\centering",
            rf"\includegraphics[width=\linewidth,height=.7\textheight,keepaspectratio]{{{source}}}",
            rf"\par\medskip{{\raggedright\small {about}\par\footnotesize {escape(notes)}\par}}",
            r"\end{figure}",
            "",
        ]
    )
