"""A cheap digest of a folder: names and sizes, nothing decoded. It runs each time the Snakefile is read."""

import csv
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

CLUTTER = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
"""Names (lower case) that operating systems leave behind; like hidden files they are no part of a dataset."""


def listing_digest(root: Path) -> str:
    """Return the SHA-256 (64 hex digits) over the sorted (relative path, size) of all files below `root`.

    Links are followed, a folder reached twice on one way down is entered once. Hidden files, and those that
    operating systems leave behind, do not count. A folder that does not exist has the digest of an empty one.
    """
    digest = hashlib.sha256()
    for name, size in sorted(_files(os.fspath(root), "", frozenset())):
        digest.update(f"{name}\0{size}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def table_digest(table: Path) -> str:
    """Return the SHA-256 (64 hex digits) over a CSV table and the sizes of the files in its `path` column.

    Paths are relative to the table's folder. A Parquet table counts by its own bytes and its folder's
    listing, a missing table as an empty one: what is wrong with a table is said where it is read.
    """
    content = table.read_bytes() if table.is_file() else b""
    digest = hashlib.sha256(content)
    if table.suffix.lower() == ".parquet":
        digest.update(listing_digest(table.parent).encode())
        return digest.hexdigest()
    try:
        for row in csv.DictReader(content.decode("utf-8-sig", "replace").splitlines()):
            digest.update(f"{_size(table.parent / (row.get('path') or ''))}\n".encode())
    except csv.Error:
        digest.update(b"no table")
    return digest.hexdigest()


def _files(folder: str, prefix: str, above: frozenset[tuple[int, int]]) -> Iterator[tuple[str, int]]:
    try:
        status = os.stat(folder)  # noqa: PTH116 -- os.scandir works with strings; this loop sees 200,000 files
        here = (status.st_dev, status.st_ino)
        if here in above:
            return
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name.lower() in CLUTTER:
                    continue
                if _is_dir(entry):
                    yield from _files(entry.path, f"{prefix}{entry.name}/", above | {here})
                else:
                    yield prefix + entry.name, _entry_size(entry)
    except (FileNotFoundError, NotADirectoryError):
        return


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads round in a circle
        return False


def _entry_size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_size
    except OSError:  # a link to nowhere
        return -1


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):  # no such file, or a name that no file can have
        return -1
