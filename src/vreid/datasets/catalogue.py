"""Finds the adapter of a dataset and lets it read the dataset's folder."""

import importlib
from pathlib import Path
from typing import Protocol, cast

from vreid.datasets.scan import Scan
from vreid.params.dataset import DatasetSpec
from vreid.params.errors import UserError


class AdapterModule(Protocol):
    """What each module of `vreid.datasets.adapters` offers."""

    def scan(self, root: Path, spec: DatasetSpec) -> Scan:
        """Read the layout below `root`; decode nothing."""


def scan_dataset(spec: DatasetSpec, root: Path) -> Scan:
    """Return all images of the dataset below `root`, in index order.

    The adapter is imported by name, so that the digest of one adapter's code leaves the others out.

    Raises:
        UserError: the folder does not hold the dataset; the sentence names the file and, if it can, the line.
    """
    if root.is_file():
        raise UserError(
            f"{root} is a file, not a folder: if it is an archive, unpack it and name the "
            "folder that comes out."
        )
    adapter = cast(AdapterModule, importlib.import_module(f"vreid.datasets.adapters.{spec.adapter}"))
    scan = adapter.scan(root, spec).ordered()
    if not scan.records:
        raise UserError(f"{root} holds no image that belongs to {spec.title}.")
    return scan
