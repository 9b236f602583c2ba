"""Plain text, numbers and lines of a tabular as LaTeX; its standard packages and fonts will do."""

import re
import textwrap
import unicodedata
from collections.abc import Sequence

SPECIAL = (
    {character: "\\" + character for character in "{}$&#%_"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''"}
    | {"–": "--", "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''", "…": r"\dots{}"}
    | {"±": r"$\pm$", "×": r"$\times$", "·": r"$\cdot$", "−": "$-$", "≈": r"$\approx$"}
    | {"≤": r"$\leq$", "≥": r"$\geq$", "→": r"$\to$", "∞": r"$\infty$", "°": r"$^\circ$"}
    | {"α": r"$\alpha$", "β": r"$\beta$", "γ": r"$\gamma$", "δ": r"$\delta$", "ε": r"$\epsilon$"}
    | {"η": r"$\eta$", "λ": r"$\lambda$", "μ": r"$\mu$", "σ": r"$\sigma$", "τ": r"$\tau$"}
    | {"φ": r"$\phi$", "Δ": r"$\Delta$", "✓": r"$\surd$"}
)
"""What stands for a character that LaTeX takes for a command, or that its text fonts lack."""

WHOLE_LETTERS = "ßæÆøØœŒłŁ"
"""The letters beyond ASCII that LaTeX's first font encoding has without composing them."""

LONG = 20
"""Letters of a word that may be broken: names of files, keys and runs."""

BREAKABLE = "/_-.,:="

OGONEK = "\u0328"
"""The one accent of European letters that this encoding cannot set."""


def line(cells: Sequence[str]) -> str:
    """Return one line of a tabular; a bracket at its beginning is no argument of the line before."""
    return ("{}" if cells[0].startswith("[") else "") + " & ".join(cells) + r" \\"


def grid(sides: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a tabular of cells that are LaTeX already."""
    rules = (r"\toprule", line(heads), r"\midrule")
    opening, closing = rf"\begin{{tabular}}{{{sides}}}", (r"\bottomrule", r"\end{tabular}")
    return "\n".join([opening, *rules, *(line(row) for row in rows), *closing])


def signed(number: str) -> str:
    """Return a number whose sign is set as one."""
    return re.sub(r"^([+-])(?=\d)", r"$\1$", number)


def stacked(text: str, width: int, side: str) -> str:
    """Return a head in lines of at most `width` letters, longer words aside, set to a `side`: l, c or r."""
    parts = textwrap.wrap(text, max(1, width), break_long_words=False, break_on_hyphens=False)
    if len(parts) == 1:
        return escape(text)
    lines = ["{}" + escape(part) for part in parts]  # a bracket is no argument of the line's end before it
    return "\n".join([rf"\begin{{tabular}}[b]{{@{{}}{side}@{{}}}}", " \\\\\n".join(lines), r"\end{tabular}"])


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
    plain = letter.isascii() and " " <= character <= "\u017f" and OGONEK not in accents
    return character if plain or character in WHOLE_LETTERS else f"[U+{ord(character):04X}]"
