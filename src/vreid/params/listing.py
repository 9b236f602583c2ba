"""A cheap digest of a folder: names, sizes and labels, no image. It runs whenever the Snakefile is read."""

import csv
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

CLUTTER = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
"""Names (lower case) that operating systems leave behind; like hidden files they are no part of a dataset."""


LABELS = frozenset({".txt", ".csv", ".xml", ".json", ".mat", ".list"})
"""Suffixes (lower case) of files that say what an image is: an edit that keeps their length counts too."""
LONGEST = 64 * 2**20
"""Bytes of a file of labels above which its size has to do."""


def listing_digest(root: Path) -> str:
    """Return the SHA-256 (64 hex digits) over the sorted (relative path, size) of all files below `root`.

    A file of labels counts with its content. An image that is replaced by one of the same size is not
    noticed.

    Links are followed, a folder reached twice on one way down is entered once. Hidden files, and those that
    operating systems leave behind, do not count. A folder that does not exist has the digest of an empty one.
    """
    digest = hashlib.sha256()
    for name, measure in sorted(_files(os.fspath(root), "", frozenset())):
        digest.update(f"{name}\0{measure}\n".encode("utf-8", "surrogateescape"))
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


def _files(folder: str, prefix: str, above: frozenset[tuple[int, int]]) -> Iterator[tuple[str, str]]:
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
                    yield prefix + entry.name, _measure(entry)
    except (FileNotFoundError, NotADirectoryError):
        return


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads round in a circle
        return False


def _measure(entry: os.DirEntry[str]) -> str:
    """Return the size of a file, or the digest of its content if it is one of labels."""
    try:
        size = entry.stat().st_size
        if size <= LONGEST and os.path.splitext(entry.name)[1].lower() in LABELS:  # noqa: PTH122 -- as above
            return hashlib.sha256(Path(entry.path).read_bytes()).hexdigest()
    except OSError:  # a link to nowhere, or a file that nobody may read
        return "-1"
    return str(size)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):  # no such file, or a name that no file can have
        return -1
