"""RGBN300 and RGBNT100: file names `<identity>_c<camera>…`, spectra side by side in one file.

RGBN300 holds visible and near-infrared light, RGBNT100 thermal infrared as well, from left to right, equally
wide (`spectra` in the dataset's file names them; the boxes are computed when the width is known). Query
images are copies of gallery images. The hundred identities of RGBNT100 are identities of RGBN300, whose split
is not documented to be the same: never initialise a model of one with a model of the other.
"""

import re
from pathlib import Path

from vreid.datasets.named_folders import Parts, scan_named_folders
from vreid.datasets.scan import Scan
from vreid.params.dataset import DatasetSpec

NAME = re.compile(r"(?P<pid>-?[0-9]{1,18})_c(?P<camid>[0-9]{1,18})")
PARTS: Parts = (("train", "bounding_box_train"), ("query", "query"), ("gallery", "bounding_box_test"))


def scan(root: Path, spec: DatasetSpec) -> Scan:
    """Read the three folders, each sorted by file name.

    Raises:
        UserError: a folder is missing.
    """
    return scan_named_folders(root, PARTS, NAME)
