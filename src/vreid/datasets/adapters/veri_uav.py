"""VeRi-UAV: three folders, file names `<identity>_<camera, two digits>…`, cameras 0 to 7."""

import re
from pathlib import Path

from vreid.datasets.named_folders import Parts, scan_named_folders
from vreid.datasets.scan import Scan
from vreid.params.dataset import DatasetSpec

NAME = re.compile(r"(?P<pid>[0-9]{1,18})_(?P<camid>[0-9]{2})")
PARTS: Parts = (("train", "image_train"), ("query", "image_query"), ("gallery", "image_test"))


def scan(root: Path, spec: DatasetSpec) -> Scan:
    """Read the three folders, each sorted by file name.

    Raises:
        UserError: a folder is missing.
    """
    return scan_named_folders(root, PARTS, NAME)
