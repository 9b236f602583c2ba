"""What the page is put together from: templates, styles, scripts; and what keeps it closed to the outside."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

FOLDER = Path(__file__).parent

STYLES = ("colours.css", "layout.css", "tables.css", "figures.css", "runs.css", "print.css")
SCRIPTS = ("theme.js", "tables.js", "curve.js", "dialogs.js")


@dataclass(frozen=True)
class Inlined:
    """The text of all styles, or of all scripts, as it stands between its tags."""

    text: Markup

    @property
    def source(self) -> str:
        """How a Content-Security-Policy allows this text and no other."""
        digest = hashlib.sha256(self.text.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"


def styles() -> Inlined:
    """Return all styles as one text."""
    return _inlined("styles", STYLES)


def scripts() -> Inlined:
    """Return all scripts as one text, each in a function of its own."""
    return _inlined("scripts", SCRIPTS)


def policy(style: Inlined, script: Inlined) -> str:
    """Return a Content-Security-Policy: what stands in the page, and nothing from anywhere else."""
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src {style.source}",
            f"script-src {script.source}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def data(value: Mapping[str, Any]) -> Markup:
    """Return JSON that can stand in a script element whatever text it holds: `<` is written as an escape."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 -- nothing is left in it that ends the element


def templates() -> Environment:
    """Return the templates; what is put into them is escaped, and what is missing is an error."""
    loader = FileSystemLoader(FOLDER / "templates")
    return Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _inlined(folder: str, names: tuple[str, ...]) -> Inlined:
    texts = [(FOLDER / folder / name).read_text(encoding="utf-8") for name in names]
    return Inlined(Markup("\n".join(texts)))  # noqa: S704 -- written here, not read from reports
