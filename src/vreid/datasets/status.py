"""Which datasets are there, and in what state."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from vreid.datasets.catalogue import scan_dataset
from vreid.datasets.verify import content_listing
from vreid.params.dataset import DatasetSpec
from vreid.params.errors import UserError

Word = Literal["absent", "present", "incomplete", "damaged", "verified"]


@dataclass(frozen=True)
class State:
    """One dataset from one source; `images` and `identities` are None until counted, `why` explains."""

    dataset: str
    source: Literal["real", "synthetic"]
    folder: Path
    word: Word
    images: int | None = None
    identities: int | None = None
    why: str = ""


def states(specs: dict[str, DatasetSpec], data: Path) -> Iterator[State]:
    """Yield the state of each dataset, real and rendered, below the folder `data`.

    A dataset is verified if a report tells of a folder with these names and sizes of files; nothing is
    decoded here. There may be several renderings of one dataset, in different sizes.
    """
    for name, spec in specs.items():
        yield _state(name, spec, "real", data / "raw" / "real" / name, data)
        rendered = sorted((data / "raw" / "synthetic").glob(f"{name}-*"))
        for folder in rendered or [data / "raw" / "synthetic" / name]:
            yield _state(name, spec, "synthetic", folder, data)


def _state(
    name: str, spec: DatasetSpec, source: Literal["real", "synthetic"], folder: Path, data: Path
) -> State:
    if not folder.is_dir():
        return State(name, source, folder, "absent")
    listing = content_listing(spec, folder)
    reports = [_report(path) for path in sorted((data / "index" / source).glob(f"{name}-*.json"))]
    fitting = [report for report in reports if report.get("listing") == listing]
    if fitting:
        best = max(fitting, key=lambda report: report["status"] == "verified")
        measured = best["measured"]
        return State(
            name, source, folder, best["status"], measured["images"], measured["identities"], _why(best)
        )
    try:
        records = scan_dataset(spec, folder).records
    except UserError as error:
        return State(name, source, folder, "incomplete", why=str(error))
    return State(name, source, folder, "present", len(records), len({r.pid for r in records}))


def _report(path: Path) -> dict[str, Any]:
    try:
        report = json.loads(path.read_bytes())
        return report if {"listing", "status", "measured"} <= report.keys() else {}
    except (OSError, ValueError, AttributeError):
        return {}


def _why(report: dict[str, Any]) -> str:
    damaged = report.get("damage", {}).get("number", 0)
    parts = [*report.get("incomplete", []), *([f"{damaged} files missing or damaged"] if damaged else [])]
    return "; ".join(parts)
