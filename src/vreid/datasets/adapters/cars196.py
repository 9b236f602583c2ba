"""Cars196: classes instead of vehicles, annotations in Matlab files, split by class as metric learning does.

Two layouts circulate: `cars_annos.mat` with all images in `car_ims`, and the devkit with `cars_train`,
`cars_test` and an annotation file for each. Their own division into training and test images (8,144 / 8,041)
is one of a classifier, in which all classes are known; here the first classes train and the others test. The
boxes are not used.
"""

from dataclasses import dataclass
from pathlib import Path

from vreid.datasets.matlab import MatlabError, Value, read_structs
from vreid.datasets.scan import NO_CAMERA, Record, Scan, Split, find_root, image_names, subfolders
from vreid.params.dataset import DatasetSpec
from vreid.params.errors import UserError

LARGEST_CLASS = 2**31
ALL_IN_ONE = (("cars_annos.mat", "car_ims", "relative_im_path"),)
DEVKIT = (
    ("cars_train_annos.mat", "cars_train", "fname"),
    ("cars_test_annos_withlabels.mat", "cars_test", "fname"),
)


@dataclass(frozen=True, slots=True)
class Annotation:
    """One entry of an annotation file: where ("cars_annos.mat, entry 7"), base name, class from 1."""

    where: str
    name: str
    car_class: int


def scan(root: Path, spec: DatasetSpec) -> Scan:
    """Read the annotations; classes up to `spec.train_classes` are trained on, the others tested on.

    Raises:
        UserError: an annotation file or a folder of images is missing, or a file holds no such annotations.
    """
    base, parts = _find(root)
    last = spec.train_classes or 0
    result = Scan([])
    for file, folder, field in parts:
        where = next(path for path in _places(root / base, file) if path.is_file())
        prefix = "/".join(filter(None, (base, folder)))
        there = set(image_names(root / base, folder))
        listed = set()
        for entry in read_annotations(where, field):
            path = f"{prefix}/{entry.name}"
            if entry.name in listed:
                result.repeated.append(f"{entry.where} ({entry.name})")
            elif entry.name in there:
                split: Split = "train" if entry.car_class <= last else "gallery"
                result.records.append(Record(path, entry.car_class, NO_CAMERA, split))
            else:
                result.missing.append((path, entry.where))
            listed.add(entry.name)
        result.unlisted += [f"{prefix}/{name}" for name in sorted(there - listed)]
    return result


def read_annotations(path: Path, field: str) -> list[Annotation]:
    """Return the entries of `annotations` in a Matlab file; `field` names the one with the image.

    Raises:
        UserError: the file cannot be read, or holds no annotations with an image and a class.
    """
    try:
        entries = read_structs(path, "annotations")
    except (MatlabError, OSError) as error:
        raise UserError(f"{path} holds no annotations of Cars196: {error}.") from None
    return [
        _annotation(f"{path.name}, entry {number}", entry.get(field), entry.get("class"))
        for number, entry in enumerate(entries, start=1)
    ]


def _annotation(where: str, image: Value, car_class: Value) -> Annotation:
    name = image.replace("\\", "/").rsplit("/", 1)[-1] if isinstance(image, str) else ""
    if not name or not isinstance(car_class, int | float) or not 1 <= car_class <= LARGEST_CLASS:
        raise UserError(f"{where} names no image or no class.")
    return Annotation(where, name, int(car_class))


def _find(root: Path) -> tuple[str, tuple[tuple[str, str, str], ...]]:
    """Return the folder that holds the dataset, and which of the two layouts it has."""
    problems = []
    for parts in (ALL_IN_ONE, DEVKIT):
        try:
            base = find_root(root, [folder for _, folder, _ in parts])
        except UserError as error:
            problems.append(str(error))
            continue
        absent = [
            file for file, _, _ in parts if not any(path.is_file() for path in _places(root / base, file))
        ]
        if not absent:
            return base, parts
        problems.append(f"{root / base} has no {' and no '.join(absent)}.")
    raise UserError(" ".join(dict.fromkeys(problems)))


def _places(base: Path, file: str) -> list[Path]:
    """Return where an annotation file may lie: beside the images, or in the devkit's folder."""
    folders = [folder for folder in subfolders(base, "") if "devkit" in folder]
    inner = [f"{folder}/{name}" for folder in folders for name in subfolders(base, folder)]
    return [base / folder / file for folder in ("", *folders, *inner)]
