r"""Tables as LaTeX with booktabs: a file compiles standing alone, and can be \input as it is.

LaTeX itself says which of the two happens: \@nodocument is \relax once a document has begun. A
document that includes tables loads booktabs and graphicx; it may define \vreidcited to choose how
values look that the paper quotes from elsewhere.
"""

import re
import unicodedata
from collections.abc import Sequence
from itertools import chain

from vreid.reporting.cells import Cell, Mark, difference, printed
from vreid.reporting.formats import wording
from vreid.reporting.records import Row, Table

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

OGONEK = "\u0328"
"""The one accent of European letters that this encoding cannot set."""


def document(table: Table) -> str:
    r"""Return one table as a file that compiles standing alone and can be \input."""
    return f"{OPENING}{body(table)}{CLOSING}"


def collection(title: str, parts: Sequence[tuple[str, Sequence[Table]]]) -> str:
    """Return many tables as one document with contents; a part is a heading and its tables."""
    return "".join(
        [
            PREAMBLE,
            f"\\title{{{escape(title)}}}\\author{{}}\\date{{}}\n",
            "\\begin{document}\n\\maketitle\n\\tableofcontents\n\\clearpage\n",
            *(_part(heading, tables) for heading, tables in parts),
            "\\end{document}\n",
        ]
    )


def body(table: Table) -> str:
    """Return the table's float: title, provenance, the table shrunk to the line's width, notes."""
    title = f"\\textbf{{{escape(table.title)}}} ({escape(table.paper)}): {escape(table.caption)}"
    provenance = f"\\textbf{{{escape(wording.provenance(table))}}} {escape(wording.recipe(table))}"
    return "\n".join(
        [
            r"\begin{table}[!htbp]",
            r"\providecommand{\vreidcited}[1]{\textit{#1}}",
            r"\centering\small",
            rf"{{\raggedright {title}\par\footnotesize {provenance}\par}}\medskip",
            rf"\sbox0{{{_grid(table)}}}%",
            r"\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi",
            rf"\par\medskip{{\raggedright\footnotesize {_notes(table)}\par}}",
            r"\end{table}",
            "",
        ]
    )


def escape(text: str) -> str:
    """Return plain text that LaTeX prints as it is.

    A character that LaTeX's standard text font lacks is named by its code point: [U+4E2D].
    """
    return "".join(SPECIAL.get(c) or _set_in_text(c) for c in " ".join(text.split()))


def _set_in_text(character: str) -> str:
    letter, *accents = list(unicodedata.normalize("NFD", character))
    plain = letter.isascii() and character <= "\u017f" and OGONEK not in accents
    return character if plain or character in WHOLE_LETTERS else f"[U+{ord(character):04X}]"


def _part(heading: str, tables: Sequence[Table]) -> str:
    name = escape(heading)
    lines = [f"\\section*{{{name}}}\n\\addcontentsline{{toc}}{{section}}{{{name}}}\n"]
    for table in tables:
        title = escape(f"{table.title}: {table.caption}")
        lines += [f"\\addcontentsline{{toc}}{{subsection}}{{{title}}}\n", body(table)]
    return "".join([*lines, "\\clearpage\n"])


def _grid(table: Table) -> str:
    groups, left = len(table.columns), 2 + len(table.text_columns)
    over = [rf"\multicolumn{{3}}{{c}}{{{escape(head)}}}" for head in wording.heads(table)]
    starts = [left + 1 + 3 * group for group in range(groups)]
    names = [r"\#", "Method", *(escape(name) for name in table.text_columns)]
    columns = [_column(table, index) for index in range(groups)]
    rows = [
        [*_left(row), *chain.from_iterable(column[number] for column in columns)]
        for number, row in enumerate(table.rows)
    ]
    return "\n".join(
        [
            rf"\begin{{tabular}}{{rl{'l' * len(table.text_columns)}{'rrr' * groups}}}",
            r"\toprule",
            _line([""] * left + over),
            "".join(rf"\cmidrule(lr){{{start}-{start + 2}}}" for start in starts),
            _line([*names, *["paper", escape(wording.ours(table)), "diff."] * groups]),
            r"\midrule",
            *(_line(row) for row in rows),
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _left(row: Row) -> list[str]:
    label = f"{row.label} {row.cited_from}" if row.cited_from else row.label
    style = r"\vreidcited{%s}" if row.kind == "cited" else "%s"
    texts = [escape(text) or wording.MISSING for text in (label, *row.text)]
    return [str(row.row), *(style % text for text in texts)]


def _column(table: Table, index: int) -> list[list[str]]:
    decimals = table.decimals(index)
    letters = wording.note_letters(table)
    lines = zip(table.rows, table.column(index), *table.marks(index), strict=True)
    return [
        [
            _paper(cell, decimals, theirs, row),
            _ours(cell, decimals, ours, letters),
            re.sub(r"^([+-])(?=\d)", r"$\1$", difference(cell, decimals) or wording.MISSING),
        ]
        for row, cell, theirs, ours in lines
    ]


def _paper(cell: Cell, decimals: int, mark: Mark, row: Row) -> str:
    if cell.paper is None:
        return wording.MISSING
    value = STYLES[mark] % printed(cell.paper, decimals)
    return rf"\vreidcited{{{value}}}" if row.kind == "cited" else value


def _ours(cell: Cell, decimals: int, mark: Mark, letters: dict[str, str]) -> str:
    note = rf"\textsuperscript{{{letters[cell.reason]}}}" if cell.reason else ""
    shown = wording.mean_and_sd(cell, decimals)
    if shown is None:
        return wording.MISSING + note
    mean, sd = shown
    return STYLES[mark] % mean + (rf" $\pm$ {sd}" if sd else "") + note


def _notes(table: Table) -> str:
    letters = wording.note_letters(table).items()
    reasons = [rf"\textsuperscript{{{letter}}} {escape(reason)}" for reason, letter in letters]
    lines = [*wording.baselines(table), wording.key(table), table.citation]
    return "\\par\n".join([*reasons, *(escape(line) for line in lines)])
