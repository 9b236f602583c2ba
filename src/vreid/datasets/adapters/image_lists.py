"""VehicleID and VRU: numbered images, and lists of `<image> <vehicle>` lines for training and testing.

VehicleID keeps its images in `image`, VRU in `Pic`; everything else is the same. There are no cameras. A test
list says nothing about query and gallery: protocols draw them, so all test images are gallery in the index.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vreid.datasets.scan import NO_CAMERA, Line, Record, Scan, Split, find_root, image_names, read_lines
from vreid.params.dataset import DatasetSpec
from vreid.params.errors import UserError

FOLDERS = ("image", "Pic")
LISTS = "train_test_split"
TRAIN = f"{LISTS}/train_list.txt"


@dataclass(slots=True)
class Entry:
    """An image of one or several lists: the line that named it first, its vehicle, the names of the lists."""

    line: Line
    pid: int
    lists: list[str]


def scan(root: Path, spec: DatasetSpec) -> Scan:
    """Read the training list and the test lists that `spec.lists` names, such as "800" (test_list_800.txt).

    Test images come in the order of the lists, each once, with all lists that it is on. Other test lists only
    count when it comes to files that no list names.

    Raises:
        UserError: a list or the folder of images is missing, a line is not `<image> <vehicle>`, one image is
            said to show two vehicles, or two files have the name of one image.
    """
    base, folder = _find(root)
    prefix = "/".join(filter(None, (base, folder)))
    files = _by_stem(root / base, folder)
    result = Scan([], files=len(files))
    train = _read(root / base, [("", TRAIN)], result)
    test = _read(root / base, [(size, f"{LISTS}/test_list_{size}.txt") for size in spec.lists], result)
    parts: tuple[tuple[Split, dict[str, Entry]], ...] = (("train", train), ("gallery", test))
    for split, entries in parts:
        for name, entry in entries.items():
            if name in files:
                path = f"{prefix}/{files[name]}"
                result.records.append(
                    Record(path, entry.pid, NO_CAMERA, split, tuple(filter(None, entry.lists)))
                )
            else:
                result.missing.append((f"{prefix}/{name}.jpg", str(entry.line)))
    listed = set(train) | set(test) | _on_other_lists(root / base, spec)
    result.unlisted = [f"{prefix}/{files[name]}" for name in sorted(set(files) - listed)]
    return result


def _find(root: Path) -> tuple[str, str]:
    """Return the folder that holds the dataset, and the name of its folder of images."""
    base = find_root(root, [TRAIN])
    for folder in FOLDERS:
        if (root / base / folder).is_dir():
            return base, folder
    raise UserError(f"{root / base} has neither a folder {' nor '.join(FOLDERS)} with the images.")


def _by_stem(base: Path, folder: str) -> dict[str, str]:
    """Return the names of the images by what the lists call them, which is without their endings."""
    files: dict[str, str] = {}
    for name in image_names(base, folder):
        other = files.setdefault(Path(name).stem, name)
        if other != name:
            raise UserError(
                f"{base / folder} holds {other} and {name}, and lists name images without their endings: "
                "take one of the two away."
            )
    return files


def _read(base: Path, lists: Iterable[tuple[str, str]], result: Scan) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for label, file in lists:
        for line in read_lines(base, file):
            name, pid = _image_and_vehicle(line)
            entry = entries.setdefault(name, Entry(line, pid, []))
            if entry.pid != pid:
                raise UserError(
                    f"{base / file}, line {line.number}: image {name} shows vehicle {pid} here, "
                    f"but {entry.pid} in {entry.line}."
                )
            if label in entry.lists:
                result.repeated.append(f"{line} ({name})")
            else:
                entry.lists.append(label)
    return entries


def _image_and_vehicle(line: Line) -> tuple[str, int]:
    parts = line.text.split()
    if len(parts) != 2 or not (parts[1].isascii() and parts[1].isdecimal()) or len(parts[1]) > 18:
        raise UserError(f"{line}: {line.text!r} is not `<image> <vehicle>` such as `0000001 8273`.")
    return Path(parts[0]).stem, int(parts[1])


def _on_other_lists(base: Path, spec: DatasetSpec) -> set[str]:
    """Return the images on test lists that nobody asked for."""
    read = {f"test_list_{size}.txt" for size in spec.lists}
    others = [path.name for path in (base / LISTS).glob("test_list_*.txt") if path.name not in read]
    return {
        _image_and_vehicle(line)[0] for name in sorted(others) for line in read_lines(base, f"{LISTS}/{name}")
    }
