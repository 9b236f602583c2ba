"""Marks complete reports that are about to be made anew, so that nobody takes them for the present ones."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from vreid.params.atomic import write_json, write_text
from vreid.params.plan import recorded_digest


def mark_out_of_date(names: Sequence[str], reports: Path) -> None:
    """Let those of the reports called `names` that are there and complete say that they are out of date.

    A Markdown or LaTeX file and the page for browsers get a line at their top; the JSON loses the digest by
    which it would be taken for fresh. Making the report anew takes the marks away.
    """
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    said = f"Out of date: this is an earlier report, which has been about to be made anew since {when}."
    for name in names:
        record = reports / f"{name}.json"
        if not recorded_digest(record):
            continue
        for suffix, mark in _MARKS.items():
            file = reports / f"{name}{suffix}"
            if file.is_file():
                write_text(file, mark(file.read_text(encoding="utf-8"), said))
        write_json(record, {**json.loads(record.read_bytes()), "digest": ""})


def _in_markdown(text: str, said: str) -> str:
    return f"> **{said}**\n\n{text}"


def _in_latex(text: str, said: str) -> str:
    """Say it where the document begins, or where one goes on that takes this file in."""
    begin = "\\begin{document}\n"
    begin += "\\fi\n" if f"{begin}\\fi\n" in text else ""
    return text.replace(begin, f"{begin}\\noindent\\textbf{{{said}}}\\par\n", 1)


def _in_html(text: str, said: str) -> str:
    return text.replace("<body>", f"<body>\n<p><strong>{said}</strong></p>", 1)


_MARKS: dict[str, Callable[[str, str], str]] = {".md": _in_markdown, ".tex": _in_latex, ".html": _in_html}
"""How a file of each kind is marked at its top."""
