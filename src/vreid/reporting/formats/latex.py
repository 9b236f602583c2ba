r"""Tables as LaTeX with booktabs: a file compiles standing alone, and can be \input as it is.

LaTeX itself says which of the two happens: \@nodocument is \relax once a document has begun.
"""

from collections.abc import Iterator, Sequence

from vreid.reporting.formats import recipe_wording, untrained_wording, wording
from vreid.reporting.formats.latex_grid import HEAD, grids
from vreid.reporting.formats.latex_text import escape
from vreid.reporting.records import Table

TALL, ACROSS = 62, 105
"""Lines of \footnotesize that a float may have on a page, and letters in such a line."""

ABOUT = r"""%% %s
%%
%% By itself:     pdflatex makes a page of this file as it is.
%% In a document: \usepackage{booktabs,graphicx} in its preamble, then \input this file where it belongs.
%% Grids wider than a line are shrunk to it. \newcommand{\vreidcited}[1]{...} before the \input chooses how
%% values look that the paper quotes from elsewhere: else in italics, and grey if there is \textcolor.
"""

PREAMBLE = r"""\documentclass[a4paper]{article}
\usepackage[utf8]{inputenc}
\usepackage{booktabs,color,graphicx}
\usepackage[margin=2cm]{geometry}
"""

OPENING = rf"""\expandafter\ifx\csname @nodocument\endcsname\relax\else
{PREAMBLE}\newcommand{{\vreidalone}}{{}}
\pagestyle{{empty}}
\begin{{document}}
\fi
"""

QUOTED = (
    r"\providecommand{\vreidcited}[1]{\ifdefined\textcolor\textcolor[gray]{0.4}{\textit{#1}}"
    r"\else\textit{#1}\fi}"
)

CLOSING = r"""\ifdefined\vreidalone\else\expandafter\endinput\fi
\end{document}
"""


def document(table: Table) -> str:
    r"""Return one table as a file that compiles standing alone and can be \input."""
    return standing_alone(f"{table.title} of {table.paper}", body(table, recipe_wording.of_table(table)))


def standing_alone(about: str, body: str) -> str:
    r"""Return what compiles by itself and can be \input as well; it begins with what it is `about`."""
    return f"{ABOUT % ' '.join(about.split())}{OPENING}{body}{CLOSING}"


def collection(title: str, summary: str, parts: Sequence[tuple[str, str]]) -> str:
    """Return one document with a summary and contents; a part is a heading and what stands below it."""
    return "".join(
        [
            PREAMBLE,
            f"\\title{{{escape(title)}}}\\author{{}}\\date{{}}\n",
            f"\\begin{{document}}\n\\maketitle\n{summary}\\tableofcontents\n\\clearpage\n",
            *(
                f"{section(heading)}{listed('section', heading)}{below}\\clearpage\n"
                for heading, below in parts
            ),
            "\\end{document}\n",
        ]
    )


def section(heading: str) -> str:
    """Return a heading without a number."""
    return f"\\section*{{\\raggedright {escape(heading)}}}\n"


def listed(level: str, heading: str) -> str:
    """Return what puts a heading into the contents."""
    return f"\\addcontentsline{{toc}}{{{level}}}{{{escape(heading)}}}\n"


def body(table: Table, recipe: Sequence[str]) -> str:
    """Return the table as floats: title and provenance, the grids, notes.

    `recipe` are the sentences that stand here on how our recipe differs from the paper's. What does not fit
    on a page goes on in another float, whose title says so.
    """
    said = [wording.provenance(table), *recipe]
    title = f"\\textbf{{{escape(table.title)}}} ({escape(table.paper)})"
    made = rf"\footnotesize \textbf{{{escape(wording.provenance(table))}}}"
    below = "\\par ".join(map(escape, recipe))
    first = rf"{title}: {escape(table.caption)}\par{made} {below}"
    floats, used = [[first]], _lines([table.caption, *said])
    for height, content in _contents(table):
        if used + height > TALL and len(floats[-1]) > 1:
            floats.append([rf"{title}, continued\par{made}"])
            used = 1 + _lines(said[:1])
        floats[-1].append(content)
        used += height
    return "".join(_float(*contents) for contents in floats)


def shrunk(tabular: str) -> str:
    """Return a tabular that is set no wider than a line."""
    return "\n".join(
        [
            rf"\par\medskip\noindent\sbox0{{{tabular}}}%",
            r"\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi\par",
        ]
    )


def _contents(table: Table) -> Iterator[tuple[int, str]]:
    """Yield what stands below the title, each with its height in lines; long grids are cut."""
    tallest = TALL - HEAD
    for grid in grids(table):
        for start in range(0, len(grid.rows), tallest):
            stop = min(start + tallest, len(grid.rows))
            yield HEAD + stop - start, shrunk(grid.tabular(start, stop))
    letters = wording.note_letters(table).items()
    reasons = [rf"\textsuperscript{{{letter}}} {escape(reason)}" for reason, letter in letters]
    lines = [*untrained_wording.of_table(table), wording.key(table), table.citation]
    notes = "\\par\n".join([*reasons, *(escape(text) for text in lines)])
    yield _lines([*table.reasons(), *lines]), rf"\par\medskip{{\raggedright {notes}\par}}"


def _float(title: str, *contents: str) -> str:
    return "\n".join(
        [
            r"\begin{table}[!htbp]",
            QUOTED,
            r"\centering\small\setlength{\tabcolsep}{3pt}",
            rf"{{\raggedright {title}\par}}",
            r"\footnotesize",
            *contents,
            r"\end{table}",
            "",
        ]
    )


def _lines(texts: Sequence[str]) -> int:
    """Return how many lines paragraphs take, about."""
    return sum(1 + len(text) // ACROSS for text in texts)
