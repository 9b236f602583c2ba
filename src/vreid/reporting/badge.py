"""The README's lines of verdicts, one for each set of reports, written from their claims."""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from vreid.params.atomic import write_text
from vreid.params.errors import UserError
from vreid.reporting.formats import statements_wording as words
from vreid.reporting.statements import Statements

BEGIN, END = "<!-- verdicts: written by `vreid badge` -->", "<!-- end of verdicts -->"
"""Between these two lines of the README stand the verdicts."""

EXPLAINED = "docs/verdicts.md"


def write_badge(folders: Sequence[Path], readme: Path) -> str:
    """Write a line for each of `folders` of reports between the README's markers, and return them.

    Raises:
        UserError: a folder has no claims, or the README does not have the two markers once, in their order.
    """
    lines = _lines(folders, readme)
    text = _read(readme)
    renewed = _with_lines(text, lines, readme)
    if renewed != text:
        write_text(readme, renewed)
    return lines


def check_badge(folders: Sequence[Path], readme: Path) -> str:
    """Return the lines of `folders` if the README has them, and no others.

    Raises:
        UserError: as `write_badge`, or the README has other lines.
    """
    lines = _lines(folders, readme)
    text = _read(readme)
    if _with_lines(text, lines, readme) != text:
        claims = " and ".join(str(reports / "claims.json") for reports in folders)
        command = " ".join(["vreid badge", *(f"--from {reports}" for reports in folders)])
        raise UserError(f"{readme} does not have the verdicts of {claims}: run `{command}` to write them")
    return lines


def badge(reports: Path, readme: Path) -> str:
    """Return the line as Markdown: the verdicts, on what they were reached, links to all of them and to how.

    Raises:
        UserError: `reports` has no page of claims, or a damaged one.
    """
    path = reports / "claims.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["claims"]
        statements = [Statements.model_validate_json(json.dumps(said)) for said in found]
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): run the pipeline to make it") from error
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise UserError(f"{path} is no page of claims: delete it and run the pipeline again") from error
    if not statements:
        raise UserError(f"{path} speaks of no paper: run the pipeline to make it")
    all_of_them = Path(os.path.relpath(reports / "claims.md", readme.parent)).as_posix()
    return f"**{words.badge(statements)}** ([all verdicts]({all_of_them}), [how]({EXPLAINED}))"


def _lines(folders: Sequence[Path], readme: Path) -> str:
    return "\n\n".join(badge(reports, readme) for reports in folders)


def _with_lines(text: str, lines: str, readme: Path) -> str:
    pieces = re.split(f"^({re.escape(BEGIN)}|{re.escape(END)})$", text, flags=re.MULTILINE)
    if pieces[1::2] != [BEGIN, END]:
        raise UserError(
            f"{readme}: the verdicts belong between a line {BEGIN} and, below it, a line {END}, each of them "
            "there once"
        )
    return "".join([pieces[0], BEGIN, f"\n{lines}\n", END, pieces[4]])


def _read(readme: Path) -> str:
    try:
        return readme.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{readme} cannot be read ({error.strerror})") from error
