"""SHA256SUMS: the digests of a folder's files, as `sha256sum --check` reads them; standard library alone."""

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from vreid.params.digest import file_digest
from vreid.params.errors import UserError

NAME = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def as_text(digests: Mapping[str, str]) -> str:
    """Return the lines for files (paths with slashes, relative to the folder) and their digests, sorted."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))


def read_sums(folder: Path) -> dict[str, str]:
    """Return the digest of every file that the SHA256SUMS of `folder` lists.

    Raises:
        UserError: there is none, or a line of it is none or leads out of the folder.
    """
    path = folder / NAME
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{folder} is no bundle: its {NAME} cannot be read ({error}).") from None
    found = {}
    for number, line in enumerate(lines, start=1):
        parts = _LINE.fullmatch(line)
        if parts is None or not stays_inside(parts[2]):
            raise UserError(f"{path}, line {number}: this is not a digest and the name of a file in here.")
        found[parts[2]] = parts[1]
    return found


def check_sums(folder: Path) -> None:
    """Compare every file that the SHA256SUMS of `folder` lists with its digest.

    Raises:
        UserError: a file is missing, no plain file, or another one.
    """
    for name, digest in read_sums(folder).items():
        path = folder / name
        if path.is_symlink() or not path.is_file():
            raise UserError(f"{path} is missing: unpack the bundle anew.")
        if file_digest(path) != digest:
            raise UserError(
                f"{path} is not the file that was packed (its SHA-256 differs): unpack the bundle anew."
            )


def stays_inside(name: str) -> bool:
    """Tell whether a path with slashes is relative, climbs nowhere, and is written in its shortest form."""
    path = PurePosixPath(name)
    return (
        not path.is_absolute()
        and ".." not in path.parts
        and str(path) == name != "."
        and not re.search(r"[\\\0]", name)
    )
