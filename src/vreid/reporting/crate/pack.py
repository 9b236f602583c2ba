"""Packs a preset's reports with their provenance into one ZIP file, a Workflow Run RO-Crate.

What belongs to it is said in `vreid.reporting.crate.files`, what is told of it in
`vreid.reporting.crate.metadata`; docs/crate.md says how to read it.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from vreid.params.atomic import atomic_path
from vreid.params.errors import UserError
from vreid.params.plan import Plan
from vreid.reporting.crate.files import Member, find_members
from vreid.reporting.crate.metadata import METADATA, describe
from vreid.reporting.history import RunHistory, read_history

CHUNK = 1 << 20


@dataclass(frozen=True)
class Packed:
    """What was packed: `left_out` are sentences about files that a reader may miss."""

    files: int
    runs: int
    size: int
    left_out: tuple[str, ...]


def write_crate(plan: Plan, out: Path, root: Path = Path(), *, weights: bool = False) -> Packed:
    """Write the crate of the plan's reports, runs and parameters below `root` to the ZIP file `out`.

    It appears whole or not at all. The same files and records give the same bytes: members are in the order
    of their names after the metadata, and carry the time at which the last run ended.

    Args:
        plan: of the preset; its reports must be there and be what it asks for.
        out: ends in .zip.
        root: of the project.
        weights: Also pack the trained weights of each run.

    Raises:
        UserError: If a report is missing or stale, no run is recorded, a file may not be packed (its name
            would leave the archive, it is a link, it names a folder of this machine), or one changes while
            it is packed.
    """
    if out.suffix != ".zip" or out.is_dir():
        raise UserError(f"{out}: a crate is a ZIP file; give a name that ends in .zip")
    members, left_out = find_members(plan, root, weights=weights)
    histories = list(_histories(plan, root))
    if not histories:
        raise UserError(f"{root / 'runs'} records no run of preset {plan.preset}: run the pipeline first")
    ended = datetime.fromtimestamp(max(run.end for run in histories) // 1000, UTC)
    metadata = describe(plan, members, histories, root, ended)
    with atomic_path(out) as temporary:
        _write_zip(temporary, metadata, members, ended)
    return Packed(len(members) + 1, len(histories), out.stat().st_size, left_out)


def _histories(plan: Plan, root: Path) -> Iterator[RunHistory]:
    for run in plan.present_runs():
        history = read_history(root / "runs" / run.name)
        if history is not None:
            yield history


def _write_zip(path: Path, metadata: dict[str, object], members: Sequence[Member], ended: datetime) -> None:
    text = json.dumps(metadata, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(_entry(METADATA, len(text.encode()), ended), text.encode())
        for member in members:
            with archive.open(_entry(member.name, member.size, ended), "w") as target:
                digest = hashlib.sha256()
                for chunk in member.chunks(CHUNK):
                    digest.update(chunk)
                    target.write(chunk)
            if digest.hexdigest() != member.sha256:
                raise UserError(f"{member.name} changed while it was packed: pack again when nothing runs")


def _entry(name: str, size: int, ended: datetime) -> zipfile.ZipInfo:
    """Describe a member; nothing of it depends on the machine or on when it is packed."""
    entry = zipfile.ZipInfo(name, (max(ended.year, 1980), *ended.timetuple()[1:6]))
    entry.create_system = 3  # Unix, wherever it is written
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.file_size = size
    return entry
