"""Decodes every image of a dataset once, writes its index, and says what is wrong with it."""

from pathlib import Path
from typing import Literal

from vreid.datasets.catalogue import scan_dataset
from vreid.datasets.index import index_writer
from vreid.datasets.indexing import write_rows
from vreid.datasets.own_checks import check_own
from vreid.datasets.parallel import Progress
from vreid.datasets.report import Report, make_report
from vreid.params.atomic import write_json, write_text
from vreid.params.dataset import DatasetSpec
from vreid.params.errors import UserError
from vreid.params.listing import listing_digest, table_digest


def verify_dataset(
    spec: DatasetSpec,
    root: Path,
    index_out: Path,
    report_out: Path,
    *,
    source: Literal["real", "synthetic"] = "real",
    workers: int = 1,
    progress: Progress | None = None,
) -> Report:
    """Decode all images below `root`, write the index, and report.

    Writes `index_out` (Parquet, see `vreid.datasets.index`), `report_out` (JSON) and the same as Markdown
    beside it. Published counts are compared for real data only: the size of a rendered set is the preset's.
    Images that `spec.allow` names and that are missing or unreadable are left out of the index. When
    something else is damaged, or the copy is incomplete, neither of the two is written, but the report is,
    with `.damaged` in its name.

    Raises:
        UserError: the folder holds no such dataset, or it is damaged or incomplete; names the first files.
    """
    scan = scan_dataset(spec, root)
    if scan.strict:
        scan.remarks += check_own(spec, scan)
    damaged_out = report_out.with_suffix(".damaged.json")
    with index_writer(index_out) as writer:
        content = write_rows(scan, spec, root, writer, workers, progress)
        report = make_report(spec, source, content_listing(spec, root), scan, content)
        if report.status != "verified":
            write_json(damaged_out, report.as_json())
            write_text(damaged_out.with_suffix(".md"), report.markdown())
            raise UserError(f"{root}: {report.complaint()} The report is {damaged_out.with_suffix('.md')}.")
        if not content.kept.any():
            raise UserError(f"{root}: none of its {len(scan.records)} images can be read.")
    for path in (damaged_out, damaged_out.with_suffix(".md")):
        path.unlink(missing_ok=True)
    write_text(report_out.with_suffix(".md"), report.markdown())
    write_json(report_out, report.as_json())
    return report


def content_listing(spec: DatasetSpec, root: Path) -> str:
    """Return the cheap digest (names, sizes) that tells whether a folder is still the one verified."""
    return table_digest(root / spec.table) if spec.table else listing_digest(root)
