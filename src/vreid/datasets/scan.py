"""What an adapter returns, and what adapters share: reading lists, folders and names."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vreid.params.errors import UserError
from vreid.params.listing import CLUTTER

Split = Literal["train", "query", "gallery"]
SPLITS: tuple[Split, ...] = ("train", "query", "gallery")

NO_CAMERA = -1
"""The camera of an image of which no camera is known."""

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
FIRST = 3  # how many examples a sentence names


@dataclass(frozen=True, slots=True)
class Record:
    """One image: `path` relative to the dataset's folder (posix), identity, camera, split.

    `lists` names the test lists that the image is in; `where` is what a user calls its origin ("table.csv,
    line 7"), empty if the path says it all.
    """

    path: str
    pid: int
    camid: int
    split: Split
    lists: tuple[str, ...] = ()
    where: str = ""


@dataclass
class Scan:
    """All images of a dataset in index order (train, query, gallery), and what was found on the way.

    `missing`: list lines whose file is not there, as (path, list line). `unlisted`: files that no list names,
    or whose name says no identity. `repeated`: list lines that repeat an earlier one and were dropped.
    `remarks`: sentences about everything else worth knowing. `identities`: names of the identities if
    they are not numbers. `files`: number of image files where the lists that are read leave some out.
    `strict` asks that every query has a match (own data).
    """

    records: list[Record]
    missing: list[tuple[str, str]] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    identities: dict[int, str] = field(default_factory=dict)
    files: int | None = None
    strict: bool = False

    def ordered(self) -> "Scan":
        """Return self with the records in the order train, query, gallery, otherwise as they were."""
        self.records.sort(key=lambda record: SPLITS.index(record.split))
        return self


@dataclass(frozen=True, slots=True)
class Line:
    """One non-blank line of a list: the file, its number from 1, and the text without surrounding blanks."""

    file: str
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.number}"


def read_lines(root: Path, name: str) -> list[Line]:
    """Return the non-blank lines of the list `name` below `root`; a byte order mark and CR LF do not matter.

    Raises:
        UserError: the list is missing, is no text, or holds no line.
    """
    path = root / name
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path} is missing; is the dataset unpacked completely?") from None
    except UnicodeDecodeError:
        raise UserError(
            f"{path} is not text in UTF-8: save the list in this encoding, or make it anew of another, as by "
            f"`iconv -f UTF-16 -t UTF-8`."
        ) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    lines = [
        Line(name, number, line.strip())
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip()
    ]
    if not lines:
        raise UserError(f"{path} is empty: a list of images was expected.")
    return lines


def image_names(root: Path, folder: str) -> list[str]:
    """Return the sorted base names of all image files directly in `root/folder`.

    Hidden files and files that operating systems leave behind are passed over.

    Raises:
        UserError: the folder is missing or cannot be read.
    """
    path = root / folder
    try:
        with os.scandir(path) as entries:
            return sorted(entry.name for entry in entries if _is_image(entry))
    except FileNotFoundError:
        raise UserError(f"The folder {path} is missing; is the dataset unpacked completely?") from None
    except NotADirectoryError:
        raise UserError(f"{path} is a file, but a folder of images was expected.") from None
    except OSError as error:
        raise UserError(f"The folder {path} cannot be read: {error.strerror}.") from None


def subfolders(root: Path, folder: str) -> list[str]:
    """Return the sorted names of the folders directly in `root/folder`; empty if there is no such folder."""
    try:
        with os.scandir(root / folder) as entries:
            return sorted(e.name for e in entries if not e.name.startswith(".") and _is_folder(e))
    except OSError:
        return []


def match_name(pattern: re.Pattern[str], name: str, where: object, example: str) -> re.Match[str]:
    """Match `pattern` at the beginning of the base name `name`.

    Only the base name is looked at: a folder above it called `run7_c123` says nothing about the image.

    Raises:
        UserError: the name does not begin as `example` does; `where` names the list line or folder.
    """
    found = pattern.match(name)
    if found is None:
        raise UserError(f"{where}: {name!r} does not begin like {example}, so it says no identity.")
    return found


def first_of(things: Iterable[object]) -> str:
    """Return the first few of `things`, separated by commas, and how many more there are."""
    texts = [str(thing) for thing in things]
    more = f" and {len(texts) - FIRST} more" if len(texts) > FIRST else ""
    return ", ".join(texts[:FIRST]) + more


def find_root(root: Path, markers: Iterable[str]) -> str:
    """Return the folder below `root` (posix, "" for itself) that has all `markers`: itself, or one it holds.

    Archives often wrap everything in one or two folders; this saves users from moving files.

    Raises:
        UserError: `root` does not exist, or no such folder is found; the sentence names what is missing.
    """
    wanted = list(markers)
    if not root.is_dir():
        raise UserError(f"The folder {root} does not exist.")
    for candidate in _candidates(root):
        if all((root / candidate / marker).exists() for marker in wanted):
            return candidate
    absent = [marker for marker in wanted if not (root / marker).exists()]
    raise UserError(f"{root} has no {' and no '.join(absent)}; is the dataset unpacked there completely?")


def _candidates(root: Path) -> Iterator[str]:
    yield ""
    outer = subfolders(root, "")
    yield from outer
    for folder in outer:
        yield from (f"{folder}/{inner}" for inner in subfolders(root, folder))


def _is_image(entry: os.DirEntry[str]) -> bool:
    name = entry.name.lower()
    if name.startswith(".") or name in CLUTTER or os.path.splitext(name)[1] not in IMAGE_SUFFIXES:  # noqa: PTH122
        return False
    try:
        return entry.is_file()
    except OSError:  # a link that leads round in a circle
        return True  # it stands there, so verification reports it as unreadable


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
