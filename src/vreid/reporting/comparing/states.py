"""Reads a state of the reports, from a folder or from a revision in git, without writing anything."""

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from pydantic import ValidationError

from vreid.params.errors import UserError
from vreid.reporting.cells import Record
from vreid.reporting.plain import plain
from vreid.reporting.records import Table
from vreid.reporting.statements import Statements

R = TypeVar("R", bound=Record)

SECONDS = 60
"""What a command of git may take."""

READ_ONLY = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}
"""What keeps git from refreshing its index, and from fetching what a partial clone lacks."""

READ = ("tables/*/*.json", "claims/*.json", "all_tables.json", "claims.json")
"""What is read of a folder of reports."""

REGULAR = ("100644", "100755")
"""Modes of plain files; a link is not followed."""


@dataclass(frozen=True)
class State:
    """The reports as they stand somewhere: tables by `paper/table`, statements by paper."""

    name: str
    tables: Mapping[str, Table]
    statements: Mapping[str, Statements]


def read_state(text: str, root: Path = Path()) -> State:
    """Return the state that `text` names: a folder below `root`, or REV or REV:FOLDER of its repository.

    Raises:
        UserError: it is neither, holds no reports, or a report cannot be read.
    """
    folder = root / text
    if text and folder.is_dir():
        found = (path for pattern in READ for path in folder.glob(pattern))
        files = {path.relative_to(folder).as_posix(): path for path in found}
        return _state(text, {name: path.read_bytes for name, path in files.items() if path.is_file()})
    return _of_revision(text, root)


# What is read of it


class _Tables(Record):
    tables: tuple[Table, ...]


class _Statements(Record):
    claims: tuple[Statements, ...]


Files = Mapping[str, Callable[[], bytes]]
"""How to read each file, by its path below the reports' folder."""


def _state(name: str, files: Files) -> State:
    single = [path for path in sorted(files) if _is_single(path, "tables", 3)]
    if single:
        tables = [_parsed(Table, name, path, files) for path in single]
    elif "all_tables.json" in files:
        tables = list(_parsed(_Tables, name, "all_tables.json", files).tables)
    else:
        raise UserError(f"{name} holds no reports: neither tables/*/*.json nor all_tables.json is there")
    said = [path for path in sorted(files) if _is_single(path, "claims", 2)]
    if said:
        statements = [_parsed(Statements, name, path, files) for path in said]
    elif "claims.json" in files:
        statements = list(_parsed(_Statements, name, "claims.json", files).claims)
    else:
        statements = []
    return State(
        name,
        {f"{table.paper}/{table.table}": table for table in tables},
        {one.paper: one for one in statements},
    )


def _is_single(path: str, kind: str, depth: int) -> bool:
    parts = PurePosixPath(path).parts
    return len(parts) == depth and parts[0] == kind


def _parsed(kind: type[R], name: str, path: str, files: Files) -> R:
    try:
        return kind.model_validate_json(files[path]())
    except OSError as error:
        raise UserError(f"{name}: {path} cannot be read ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors()[0]
        says = f"{'.'.join(str(part) for part in first['loc']) or 'JSON'}: {first['msg']}"
        raise UserError(f"{name}: {path} is no report of vreid ({says})") from error


# Revisions


def _of_revision(text: str, root: Path) -> State:
    revision, _, folder = text.partition(":")
    if not revision or revision.startswith("-"):
        raise UserError(f"{text!r} is neither a folder nor a revision of git")
    answer = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if answer is None:
        raise UserError(f"{text!r} is neither a folder nor a revision of git: check how it is written")
    commit = answer.decode().strip()
    blobs = _blobs(root, commit)
    folder = folder.strip("/") or _only_folder(text, blobs)
    inside = {path.removeprefix(f"{folder}/"): blob for path, blob in blobs.items() if _within(path, folder)}
    if not inside:
        raise UserError(plain(f"{text}: {revision} has no folder {folder}{_instead(blobs)}"))
    name = f"{revision}:{folder}"
    return _state(name, {path: _reader(root, blob) for path, blob in inside.items()})


def _only_folder(text: str, blobs: Mapping[str, str]) -> str:
    folders = _report_folders(blobs)
    if len(folders) == 1:
        return folders[0]
    if not folders:
        raise UserError(f"{text} holds no committed reports; reports/ itself is not under version control")
    listed = ", ".join(f"{text.rstrip(':')}:{folder}" for folder in folders)
    raise UserError(plain(f"{text} holds several folders of reports, say which: {listed}"))


def _instead(blobs: Mapping[str, str]) -> str:
    folders = _report_folders(blobs)
    return f" with reports; it has them in {', '.join(folders)}" if folders else " with reports"


def _report_folders(blobs: Mapping[str, str]) -> list[str]:
    """Return the folders that hold all_tables.json or tables/*/*.json."""
    found = set()
    for path in map(PurePosixPath, blobs):
        if path.name == "all_tables.json":
            found.add(path.parent.as_posix())
        elif len(path.parts) > 3 and path.parts[-3] == "tables" and path.parts[0] == "reports":
            found.add(PurePosixPath(*path.parts[:-3]).as_posix())
    return sorted(found - {"."})


def _within(path: str, folder: str) -> bool:
    return path.startswith(f"{folder}/")


def _blobs(root: Path, commit: str) -> dict[str, str]:
    """Return the object of every JSON file of a commit by its path from the repository's top."""
    listed = _git(root, "ls-tree", "-r", "-z", "--full-tree", commit) or b""
    found = {}
    for entry in listed.decode("utf-8", "replace").split("\0"):
        about, _, path = entry.partition("\t")
        if path.endswith(".json") and about.split()[0] in REGULAR:
            found[path] = about.split()[2]
    return found


def _reader(root: Path, blob: str) -> Callable[[], bytes]:
    def read() -> bytes:
        content = _git(root, "cat-file", "blob", blob)
        if content is None:
            raise UserError(f"git has no object {blob}: the clone may be a partial one; `git fetch` it")
        return content

    return read


def _git(root: Path, *arguments: str) -> bytes | None:
    """Return what a command of git that only reads prints; None if it fails."""
    try:
        answer = subprocess.run(
            ["git", *arguments],
            cwd=root,
            capture_output=True,
            check=True,
            timeout=SECONDS,
            env={**os.environ, **READ_ONLY},
        )
    except (subprocess.SubprocessError, ValueError):
        return None
    except OSError as error:
        raise UserError(f"git cannot be run ({error.strerror}): install it, or name folders") from error
    return answer.stdout
