"""UAV-VeID: two incompatible layouts circulate, one with label lists, one with labels in file names.

With lists: lines of `path identity`, of which the base name counts; the images may lie anywhere below. The
lists have the names of the official description (test_q_label.txt …) or of a loader (test_query_label.txt …),
in the folder itself or in `UAV-labels`; others are named by `label_files` in the dataset's file. With names:
folders `train`, `query`, `gallery` and files `<camera>_<identity>…`. Every identity has one gallery image;
cameras mean nothing.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from vreid.datasets.named_folders import Parts, scan_named_folders
from vreid.datasets.scan import (
    IMAGE_SUFFIXES,
    NO_CAMERA,
    SPLITS,
    Line,
    Record,
    Scan,
    Split,
    find_root,
    first_of,
    read_lines,
)
from vreid.params.dataset import DatasetSpec
from vreid.params.errors import UserError

NAME = re.compile(r"(?P<camid>[0-9]{1,18})_(?P<pid>[0-9]{1,18})")
NAMED_FOLDERS: Parts = (
    ("train", "train"),
    ("query", "query"),
    ("gallery", "gallery"),
)
LISTS: dict[Split, tuple[str, ...]] = {
    "train": ("train_id_label.txt", "train_label.txt", "train_list.txt"),
    "query": ("test_query_label.txt", "test_q_label.txt"),
    "gallery": ("test_gallery_label.txt", "test_g_label.txt"),
}
LABEL_FOLDERS = ("UAV-labels", "")


def scan(root: Path, spec: DatasetSpec) -> Scan:
    """Read the lists, in their order, if there are any; else the named folders.

    Raises:
        UserError: neither is there, a line is not `path identity`, or an image cannot be told from others of
            the same name.
    """
    base, lists = _find_lists(root, spec)
    if lists:
        return _scan_lists(root, base, lists)
    try:
        return scan_named_folders(root, NAMED_FOLDERS, NAME)
    except UserError:
        names = first_of(names[0] for names in LISTS.values())
        raise UserError(
            f"{root} has neither the label lists {names} (in it or in UAV-labels) nor the folders "
            "train, query and gallery; lists of other names can be given as `label_files` in the "
            "dataset's file."
        ) from None


def _find_lists(root: Path, spec: DatasetSpec) -> tuple[str, dict[Split, str]]:
    """Return the folder to which the lists are relative and the list of each split, if there are any."""
    if spec.label_files is not None:
        return "", {split: getattr(spec.label_files, split) for split in SPLITS}
    for folder in LABEL_FOLDERS:
        for test in LISTS["query"]:
            try:
                base = find_root(root, ["/".join(filter(None, (folder, test)))])
            except UserError:
                continue
            return base, {split: _first_there(root / base, folder, names) for split, names in LISTS.items()}
    return "", {}


def _first_there(base: Path, folder: str, names: tuple[str, ...]) -> str:
    paths = ["/".join(filter(None, (folder, name))) for name in names]
    return next((path for path in paths if (base / path).is_file()), paths[0])


def _scan_lists(root: Path, base: str, lists: dict[Split, str]) -> Scan:
    files: dict[str, list[str]] = {}
    for path in _images_below(root):
        files.setdefault(path.rsplit("/", 1)[-1], []).append(path)
    result = Scan([])
    used: set[str] = set()
    for split in SPLITS:
        seen: set[str] = set()
        for line in read_lines(root / base, lists[split]):
            text, pid = _path_and_identity(line)
            found = _locate(text, files, line)
            if found is None:
                result.missing.append((text, str(line)))
            elif found in seen:
                result.repeated.append(f"{line} ({found})")
            else:
                seen.add(found)
                result.records.append(Record(found, pid, NO_CAMERA, split))
        used |= seen
    # Other lists (those of the validation part) name images that belong to no split.
    others = {line.text.split()[0].rsplit("/", 1)[-1] for line in _other_lines(root / base, lists)}
    rest = {path for paths in files.values() for path in paths} - used
    result.unlisted = sorted(path for path in rest if path.rsplit("/", 1)[-1] not in others)
    return result


def _path_and_identity(line: Line) -> tuple[str, int]:
    path, _, pid = line.text.rpartition(" ")
    if not path.strip() or not (pid.isascii() and pid.isdecimal()) or len(pid) > 18:
        raise UserError(f"{line}: {line.text!r} is not `path identity` such as `images/0001.jpg 17`.")
    return path.strip().replace("\\", "/"), int(pid)


def _locate(text: str, files: dict[str, list[str]], line: Line) -> str | None:
    """Return the file that a list means: the one of that base name; of several, the best match of folders."""
    parts = text.split("/")
    candidates = files.get(parts[-1], [])
    if len(candidates) <= 1:
        return candidates[0] if candidates else None
    agreement = [_common_end(candidate.split("/"), parts) for candidate in candidates]
    best = max(agreement)
    if agreement.count(best) > 1:
        raise UserError(f"{line}: {text} could be any of {first_of(candidates)}.")
    return candidates[agreement.index(best)]


def _common_end(a: list[str], b: list[str]) -> int:
    """Return how many of the last parts of two paths agree."""
    same = [x == y for x, y in zip(reversed(a), reversed(b), strict=False)]
    return (*same, False).index(False)


def _images_below(base: Path) -> Iterator[str]:
    """Yield all image files below `base` (posix, relative, sorted); links to folders are followed once."""
    entered: set[str] = set()
    for folder, folders, names in os.walk(base, followlinks=True):
        real = os.path.realpath(folder)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = Path(folder).relative_to(base)
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES:
                yield (inside / name).as_posix()


def _other_lines(base: Path, lists: dict[Split, str]) -> Iterator[Line]:
    """Yield the lines of label lists that stand beside those that are read."""
    for folder in {Path(name).parent for name in lists.values()}:
        for path in sorted((base / folder).glob("*label*.txt")):
            name = path.relative_to(base).as_posix()
            if name not in lists.values():
                yield from read_lines(base, name)
