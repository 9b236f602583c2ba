r"""Tables as LaTeX with booktabs: a file compiles standing alone, and can be \input as it is.

LaTeX itself says which of the two happens: \@nodocument is \relax once a document has begun. A
document that includes tables loads booktabs and graphicx; it may define \vreidcited to choose how
values look that the paper quotes from elsewhere.
"""

import re
import unicodedata
from collections.abc import Sequence
from itertools import chain

from vreid.reporting.cells import Cell, Mark, printed
from vreid.reporting.formats import wording
from vreid.reporting.records import Row, Table

WIDEST = 4
"""Metrics that stand side by side at most, where they fall into groups."""

STYLES = {"best": r"\textbf{%s}", "second": r"\underline{%s}", "": "%s"}

PREAMBLE = r"""\documentclass[a4paper]{article}
\usepackage[utf8]{inputenc}
\usepackage{booktabs,color,graphicx}
\usepackage[margin=2cm]{geometry}
\newcommand{\vreidcited}[1]{\textcolor[gray]{0.4}{\textit{#1}}}
"""

OPENING = rf"""\expandafter\ifx\csname @nodocument\endcsname\relax\else
{PREAMBLE}\newcommand{{\vreidalone}}{{}}
\pagestyle{{empty}}
\begin{{document}}
\fi
"""

CLOSING = r"""\ifdefined\vreidalone\else\expandafter\endinput\fi
\end{document}
"""

SPECIAL = (
    {character: "\\" + character for character in "{}$&#%_"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''"}
    | {"–": "--", "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''", "…": r"\dots{}"}
    | {"±": r"$\pm$", "×": r"$\times$", "·": r"$\cdot$", "−": "$-$", "≈": r"$\approx$"}
    | {"≤": r"$\leq$", "≥": r"$\geq$", "→": r"$\to$", "∞": r"$\infty$", "°": r"$^\circ$"}
    | {"α": r"$\alpha$", "β": r"$\beta$", "γ": r"$\gamma$", "δ": r"$\delta$", "ε": r"$\epsilon$"}
    | {"η": r"$\eta$", "λ": r"$\lambda$", "μ": r"$\mu$", "σ": r"$\sigma$", "τ": r"$\tau$"}
    | {"φ": r"$\phi$", "Δ": r"$\Delta$"}
)
"""What stands for a character that LaTeX takes for a command, or that its text fonts lack."""

WHOLE_LETTERS = "ßæÆøØœŒłŁ"
"""The letters beyond ASCII that LaTeX's first font encoding has without composing them."""

LONG = 20
"""Letters of a word that may be broken: names of files, keys and runs."""

BREAKABLE = "/_-.,:="

OGONEK = "\u0328"
"""The one accent of European letters that this encoding cannot set."""


def document(table: Table) -> str:
    r"""Return one table as a file that compiles standing alone and can be \input."""
    return standing_alone(body(table, wording.recipe(table.recipe)))


def standing_alone(body: str) -> str:
    r"""Return what compiles by itself and can be \input as well."""
    return f"{OPENING}{body}{CLOSING}"


def collection(title: str, parts: Sequence[tuple[str, str]]) -> str:
    """Return one document with contents; a part is a heading and what stands below it, as LaTeX."""
    return "".join(
        [
            PREAMBLE,
            f"\\title{{{escape(title)}}}\\author{{}}\\date{{}}\n",
            "\\begin{document}\n\\maketitle\n\\tableofcontents\n\\clearpage\n",
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


def body(table: Table, recipe: str) -> str:
    """Return the table's float: title, provenance, the columns shrunk to the line's width, notes.

    `recipe` is what is said here of how our recipe differs from the paper's.
    """
    title = f"\\textbf{{{escape(table.title)}}} ({escape(table.paper)}): {escape(table.caption)}"
    provenance = f"\\textbf{{{escape(wording.provenance(table))}}} {escape(recipe)}"
    return "\n".join(
        [
            r"\begin{table}[!htbp]",
            r"\providecommand{\vreidcited}[1]{\textit{#1}}",
            r"\centering\small",
            rf"{{\raggedright {title}\par\footnotesize {provenance}\par}}",
            *(shrunk(_grid(table, block)) for block in wording.blocks(table, WIDEST)),
            rf"\par\medskip{{\raggedright\footnotesize {_notes(table)}\par}}",
            r"\end{table}",
            "",
        ]
    )


def shrunk(tabular: str) -> str:
    """Return a tabular that is set no wider than a line."""
    return "\n".join(
        [
            rf"\par\medskip\noindent\sbox0{{{tabular}}}%",
            r"\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi\par",
        ]
    )


def line(cells: Sequence[str]) -> str:
    """Return one line of a tabular; a bracket at its beginning is no argument of the line before."""
    return ("{}" if cells[0].startswith("[") else "") + " & ".join(cells) + r" \\"


def signed(number: str) -> str:
    """Return a number whose sign is set as one."""
    return re.sub(r"^([+-])(?=\d)", r"$\1$", number)


def escape(text: str) -> str:
    """Return plain text that LaTeX prints as it is; a long word may be broken after its punctuation.

    A character that LaTeX's standard text font lacks is named by its code point: [U+4E2D].
    """
    return " ".join(_word(word) for word in text.split())


def _word(word: str) -> str:
    end = r"\allowbreak{}" if len(word) > LONG else ""
    return "".join((SPECIAL.get(c) or _set_in_text(c)) + (end if c in BREAKABLE else "") for c in word)


def _set_in_text(character: str) -> str:
    letter, *accents = list(unicodedata.normalize("NFD", character))
    plain = letter.isascii() and character <= "\u017f" and OGONEK not in accents
    return character if plain or character in WHOLE_LETTERS else f"[U+{ord(character):04X}]"


def _grid(table: Table, block: list[int]) -> str:
    names, left = wording.heads(table), 2 + len(table.text_columns)
    starts = [left + 1 + 3 * group for group in range(len(block))]
    heads = [r"\#", "Method", *(escape(name) for name in table.text_columns)]
    columns = [_column(table, index) for index in block]
    rows = [
        [*_left(row), *chain.from_iterable(column[number] for column in columns)]
        for number, row in enumerate(table.rows)
    ]
    return "\n".join(
        [
            rf"\begin{{tabular}}{{rl{'l' * len(table.text_columns)}{'rrr' * len(block)}}}",
            r"\toprule",
            line([""] * left + [rf"\multicolumn{{3}}{{c}}{{{escape(names[index])}}}" for index in block]),
            "".join(rf"\cmidrule(lr){{{start}-{start + 2}}}" for start in starts),
            line([*heads, *["paper", escape(wording.ours(table)), "diff."] * len(block)]),
            r"\midrule",
            *(line(row) for row in rows),
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def _left(row: Row) -> list[str]:
    style = r"\vreidcited{%s}" if row.kind == "cited" else "%s"
    texts = [escape(text) or wording.MISSING for text in (wording.label(row), *row.text)]
    return [str(row.row), *(style % text for text in texts)]


def _column(table: Table, index: int) -> list[list[str]]:
    """Return the paper's value, ours and the difference in each row of one column."""
    lines = zip(table.rows, table.column(index), *table.marks(index), strict=True)
    return [
        [
            _paper(cell, table.decimals(index), theirs, row),
            _ours(table, index, cell, ours),
            signed(table.difference(index, cell) or wording.MISSING),
        ]
        for row, cell, theirs, ours in lines
    ]


def _paper(cell: Cell, decimals: int, mark: Mark, row: Row) -> str:
    if cell.paper is None:
        return wording.MISSING
    value = STYLES[mark] % printed(cell.paper, decimals)
    return rf"\vreidcited{{{value}}}" if row.cited_from is not None else value


def _ours(table: Table, index: int, cell: Cell, mark: Mark) -> str:
    note = rf"\textsuperscript{{{wording.note_letters(table)[cell.reason]}}}" if cell.reason else ""
    shown = wording.mean_and_sd(cell, table.decimals(index), cost=table.is_cost(index))
    if shown is None:
        return wording.nothing(cell) + note
    mean, sd = shown
    return STYLES[mark] % escape(mean) + (rf" $\pm$ {sd}" if sd else "") + note


def _notes(table: Table) -> str:
    letters = wording.note_letters(table).items()
    reasons = [rf"\textsuperscript{{{letter}}} {escape(reason)}" for reason, letter in letters]
    lines = [*wording.baselines(table), wording.key(table), table.citation]
    return "\\par\n".join([*reasons, *(escape(line) for line in lines)])
