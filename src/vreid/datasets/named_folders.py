"""Reads datasets whose labels are the base names of the files, in one folder for each split."""

import re
from collections.abc import Sequence
from pathlib import Path

from vreid.datasets.scan import Record, Scan, Split, find_root, first_of, image_names

Parts = Sequence[tuple[Split, str]]


def scan_named_folders(root: Path, parts: Parts, pattern: re.Pattern[str]) -> Scan:
    """Return the images of the folders of `parts`, each folder sorted by file name.

    `pattern` is matched at the beginning of base names and has the groups `pid` and `camid`. Files that do
    not match are unlisted. A negative identity marks junk (distractors of detectors); such files are left
    out.

    Raises:
        UserError: a folder is missing.
    """
    base = find_root(root, [folder for _, folder in parts])
    result = Scan([])
    junk = []
    for split, folder in parts:
        prefix = "/".join(filter(None, (base, folder)))
        for name in image_names(root / base, folder):
            path = f"{prefix}/{name}"
            found = pattern.match(name)
            if found is None:
                result.unlisted.append(path)
            elif int(found["pid"]) < 0:
                junk.append(path)
            else:
                result.records.append(Record(path, int(found["pid"]), int(found["camid"]), split))
    if junk:
        result.remarks.append(f"{len(junk)} files with a negative identity are left out ({first_of(junk)}).")
    return result
