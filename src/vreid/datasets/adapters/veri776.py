"""VeRi-776: three folders of images, lists of their names, ground truth by row numbers, XML labels."""

import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from vreid.datasets.scan import (
    Record,
    Scan,
    Split,
    find_root,
    first_of,
    image_names,
    match_name,
    read_lines,
)
from vreid.params.dataset import DatasetSpec
from vreid.params.errors import UserError

NAME = re.compile(r"([0-9]{1,18})_c([0-9]{1,18})")
EXAMPLE = "0001_c001_00016450_0.jpg (identity, camera)"
PARTS: tuple[tuple[Split, str, str], ...] = (
    ("train", "image_train", "name_train.txt"),
    ("query", "image_query", "name_query.txt"),
    ("gallery", "image_test", "name_test.txt"),
)
LABELS = ("train_label.xml", "test_label.xml")
GROUND_TRUTH = "gt_index.txt"
JUNK = "jk_index.txt"


class Label(NamedTuple):
    """One `Item` of train_label.xml or test_label.xml; a type of 0 means that none was given."""

    image: str
    vehicle: int
    camera: int
    color: int
    kind: int


def scan(root: Path, spec: DatasetSpec) -> Scan:
    """Read the lists, in their order; query images are copies of gallery images and stay in both.

    The ground truth (`gt_index.txt`, `jk_index.txt`) and the XML labels are not needed; where they are there
    they are compared with the file names, and the outcome is a remark.

    Raises:
        UserError: a list or folder is missing or empty, or a name says no identity.
    """
    base = find_root(root, [part for _, folder, names in PARTS for part in (folder, names)])
    result = Scan([])
    for split, folder, names in PARTS:
        _read_part(root / base, base, split, folder, names, result)
    result.remarks += _compare_ground_truth(root / base, result.records)
    result.remarks += _compare_labels(root / base, result.records)
    return result


def read_labels(path: Path) -> list[Label]:
    """Return the labels of an XML file that declares gb2312 and need not be it.

    Python's XML parser knows no gb2312, so the bytes are decoded here and the declaration is dropped. Bytes
    that gb18030 (gb2312's superset) cannot decode are replaced: names and numbers are ASCII.

    Raises:
        UserError: the file cannot be read as labels.
    """
    try:
        text = path.read_bytes().decode("gb18030", "replace")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text.removeprefix("\ufeff"))
    if "<!" in re.sub(r"<!--.*?-->", "", text, flags=re.S):
        raise UserError(f"{path} declares a document type or entities, which labels do not need.")
    try:
        items = ElementTree.fromstring(text).iter("Item")  # noqa: S314 -- entities were refused above
        return [_label(item) for item in items]
    except (ElementTree.ParseError, KeyError, ValueError) as error:
        raise UserError(f"{path} is no list of VeRi-776 labels: {error}.") from None


def _read_part(base: Path, prefix: str, split: Split, folder: str, names: str, result: Scan) -> None:
    there = set(image_names(base, folder))
    listed: set[str] = set()
    for line in read_lines(base, names):
        name = re.split(r"[\\/]", line.text)[-1]
        found = match_name(NAME, name, line, EXAMPLE)
        path = "/".join(filter(None, (prefix, folder, name)))
        if name in listed:
            result.repeated.append(f"{line} ({name})")
            continue
        listed.add(name)
        if name not in there:
            result.missing.append((path, str(line)))
            continue
        result.records.append(Record(path, int(found[1]), int(found[2]), split))
    result.unlisted += ["/".join(filter(None, (prefix, folder, name))) for name in sorted(there - listed)]


def _compare_ground_truth(base: Path, records: list[Record]) -> list[str]:
    """Compare the published row numbers (from 1, into name_test.txt) with the same-camera rule."""
    if not (base / GROUND_TRUTH).exists() or not (base / JUNK).exists():
        return []
    gallery = [record for record in records if record.split == "gallery"]
    seen: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for row, record in enumerate(gallery, start=1):
        seen[record.pid][record.camid].add(row)
    queries = [record for record in records if record.split == "query"]
    try:
        published = [_row_numbers(base, name) for name in (GROUND_TRUTH, JUNK)]
    except UserError as error:
        return [f"The published ground truth could not be compared: {error}"]
    if {len(rows) for rows in published} != {len(queries)}:
        return [
            f"{GROUND_TRUTH} has {len(published[0])} and {JUNK} {len(published[1])} lines "
            f"for {len(queries)} queries, so they were not compared with the same-camera rule."
        ]
    agree = 0
    for query, good, junk in zip(queries, *published, strict=True):
        cameras = seen[query.pid]
        others = set().union(*(rows for camera, rows in cameras.items() if camera != query.camid))
        agree += good == others and junk == cameras[query.camid]
    return [f"The published ground truth is the same-camera rule for {agree} of {len(queries)} queries."]


def _row_numbers(base: Path, name: str) -> list[set[int]]:
    try:
        text = (base / name).read_text(encoding="utf-8-sig")
        return [{int(row) for row in line.split()} for line in text.splitlines() if line.strip()]
    except (OSError, ValueError):
        raise UserError(f"{name} is no list of row numbers.") from None


def _compare_labels(base: Path, records: list[Record]) -> list[str]:
    remarks = []
    names = {record.path.rsplit("/", 1)[-1]: (record.pid, record.camid) for record in records}
    for file in LABELS:
        if not (base / file).exists():
            continue
        try:
            labels = read_labels(base / file)
        except UserError as error:
            remarks.append(
                f"The labels could not be compared: {str(error).replace(str(base), '').lstrip('/')}"
            )
            continue
        wrong = [x.image for x in labels if x.image in names and names[x.image] != (x.vehicle, x.camera)]
        if wrong:
            remarks.append(
                f"{file} and the file names disagree on {len(wrong)} images ({first_of(wrong)}); the names "
                "count."
            )
        untyped = Counter(label.vehicle for label in labels if label.kind == 0)
        if untyped:
            remarks.append(f"{file} gives no vehicle type for the identities {first_of(sorted(untyped))}.")
    return remarks


def _label(item: ElementTree.Element) -> Label:
    kind = item.get("typeID", "0")
    return Label(
        image=item.attrib["imageName"],
        vehicle=int(item.attrib["vehicleID"]),
        camera=int(item.attrib["cameraID"].removeprefix("c")),
        color=int(item.get("colorID", "0")),
        kind=int(kind),
    )
