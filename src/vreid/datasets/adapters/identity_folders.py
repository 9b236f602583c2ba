"""Your own data: a folder for each identity, either below `train`, `query` and `gallery`, or without a split.

    train/<identity>/*.jpg  query/<identity>/*.jpg  gallery/<identity>/*.jpg
    <identity>/*.jpg

Without a split the first `train_classes` identities (sorted by name) are trained on, and the others are
tested on: a protocol that forms query and gallery itself (`all_vs_all`, `gallery_one`) fits. Cameras are not
known.
"""

from pathlib import Path

from vreid.datasets.scan import (
    NO_CAMERA,
    SPLITS,
    Record,
    Scan,
    Split,
    first_of,
    image_names,
    subfolders,
)
from vreid.params.dataset import DatasetSpec
from vreid.params.errors import UserError


def scan(root: Path, spec: DatasetSpec) -> Scan:
    """Read the folders; names of identities are sorted and numbered from 0, unless all are whole numbers.

    Raises:
        UserError: the folder does not exist or has no folders; `train_classes` is missing, or leaves no
            identity to test on.
    """
    if not root.is_dir():
        raise UserError(f"The folder {root} does not exist.")
    parts = _parts(root, spec)
    names = sorted({name for _, _, identities in parts for name in identities})
    numbers = _numbers(names)
    result = Scan([], strict=True)
    for split, prefix, identities in parts:
        for name in identities:
            folder = "/".join(filter(None, (prefix, name)))
            images = image_names(root, folder)
            result.records += [Record(f"{folder}/{x}", numbers[name], NO_CAMERA, split) for x in images]
            if not images:
                result.remarks.append(f"The folder {folder} holds no image.")
    if any(str(number) != name for name, number in numbers.items()):
        result.identities = {number: name for name, number in numbers.items()}
        listed = first_of(f"{name!r} is {number}" for name, number in numbers.items())
        result.remarks.append(f"The identities are named by their folders: {listed}.")
    return result


def _parts(root: Path, spec: DatasetSpec) -> list[tuple[Split, str, list[str]]]:
    """Return (split, folder, names of the identities in it)."""
    there = subfolders(root, "")
    if "train" in there and {"query", "gallery"} & set(there):
        return [(split, split, subfolders(root, split)) for split in SPLITS]
    if not there:
        raise UserError(f"{root} has no folders; a folder for each identity was expected.")
    last = spec.train_classes
    if last is None:
        raise UserError(
            f"{root} has no folders train, query and gallery, so `train_classes` in the dataset's file "
            f"must say how many of the {len(there)} identities are trained on."
        )
    if last >= len(there):
        raise UserError(
            f"{root} has {len(there)} folders ({first_of(there)}), taken for one identity each; with "
            f"train_classes {last} none is left to test on."
        )
    return [("train", "", there[:last]), ("gallery", "", there[last:])]


def _numbers(names: list[str]) -> dict[str, int]:
    whole = all(name.isascii() and name.isdecimal() and len(name) <= 18 for name in names)
    if whole and len({int(name) for name in names}) == len(names):
        return {name: int(name) for name in names}
    return {name: number for number, name in enumerate(names)}
