"""The description of a dataset that somebody brings along as a table, without a file in params/."""

from pathlib import Path

from vreid.datasets.adapters.own_table import has_cameras
from vreid.datasets.catalogue import scan_dataset
from vreid.datasets.own_checks import check_own
from vreid.params.dataset import ByHand, DatasetSpec, Junk, Protocol

__all__ = ["check_table", "has_cameras", "table_spec"]


def check_table(table: Path) -> list[str]:
    """Check a table before anything is made of it; return remarks about what works but deserves a look.

    Images are looked for, not decoded: `verify_dataset` does that.

    Raises:
        UserError: the first thing that is wrong, with the line number.
    """
    spec = table_spec(table)
    scan = scan_dataset(spec, table.parent)
    return [*scan.remarks, *check_own(spec, scan)]


def table_spec(table: Path, name: str = "own") -> DatasetSpec:
    """Describe the dataset of a table: one protocol, `name`, with query and gallery as the table has them.

    Where the table knows cameras, gallery images of the query's identity and camera are junk; where it does
    not, nothing is. The dataset's folder (the `root` of `verify_dataset`) is the table's folder.

    Raises:
        UserError: the table is missing, cannot be read, or lacks a column.
    """
    junk: Junk = "same_camera" if has_cameras(table) else "none"
    return DatasetSpec(
        title=table.name,
        citation="your own data",
        terms="your own data",
        acquire=ByHand(kind="by_hand"),
        adapter="own_table",
        table=table.name,
        protocols=(Protocol(name=name, form="given", junk=junk),),
    )
