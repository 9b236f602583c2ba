"""Checks of a user's own data before anything is decoded: can one train and test on it?"""

from collections import Counter

import numpy as np

from vreid.datasets.scan import Scan, first_of
from vreid.datasets.split import Labels, count_matches, explain_loss, trials
from vreid.params.dataset import DatasetSpec
from vreid.params.errors import UserError


def check_own(spec: DatasetSpec, scan: Scan) -> list[str]:
    """Return remarks about things that work but deserve a look.

    Raises:
        UserError: no training image; no training identity with two images; a query without a match left under
            one of the protocols (it names the lines, and which junk rule removed what).
    """
    remarks = _check_training(scan)
    labels = labels_of(scan)
    for protocol in spec.protocols:
        trial = next(trials(protocol, labels))
        found = count_matches(protocol, labels, trial)
        if protocol.form in ("given", "all_vs_all") and found.lost.any():
            lost = [_where(scan, int(row)) for row in trial.query[found.lost]]
            raise UserError(
                f"Under the protocol {protocol.name}, {len(lost)} of {len(trial.query)} queries have "
                f"no match in the gallery ({first_of(lost)}): "
                f"{explain_loss(protocol, labels, trial, found)} Remove these queries, or add gallery "
                "images."
            )
        if protocol.form == "given" and protocol.junk == "none":
            remarks += _check_copies(scan, trial.query, trial.gallery)
    return remarks


def labels_of(scan: Scan) -> Labels:
    """Return the labels of records that are not in an index yet."""
    records = scan.records
    names = sorted({name for record in records for name in record.lists})
    return Labels(
        pids=np.array([record.pid for record in records], dtype=np.int64),
        camids=np.array([record.camid for record in records], dtype=np.int64),
        splits=np.array([record.split for record in records], dtype=np.str_),
        lists={name: np.array([name in record.lists for record in records]) for name in names},
    )


def _check_training(scan: Scan) -> list[str]:
    images = Counter(record.pid for record in scan.records if record.split == "train")
    if not images:
        raise UserError(
            "No image has the split `train`, so there is nothing to learn from; give some identities that "
            "split."
        )
    single = sorted(pid for pid, number in images.items() if number == 1)
    if len(single) == len(images):
        raise UserError(
            "Every training identity has a single image, but learning to tell vehicles apart needs at "
            "least two images of some."
        )
    if not single:
        return []
    names = [scan.identities.get(pid, str(pid)) for pid in single]
    return [
        f"{len(single)} of {len(images)} training identities have a single image ({first_of(names)}): "
        "they serve as negatives only."
    ]


def _check_copies(scan: Scan, query: np.ndarray, gallery: np.ndarray) -> list[str]:
    paths = {scan.records[int(row)].path for row in gallery}
    copies = [_where(scan, int(row)) for row in query if scan.records[int(row)].path in paths]
    if not copies:
        return []
    return [
        f"{len(copies)} queries are in the gallery themselves and the junk rule `none` leaves them there "
        f"({first_of(copies)}), so they find themselves at rank 1."
    ]


def _where(scan: Scan, row: int) -> str:
    record = scan.records[row]
    return record.where or record.path
