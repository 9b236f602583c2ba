"""Why a number is missing: in words, with the file that says more."""

from collections.abc import Sequence
from pathlib import Path

from vreid.reporting.events import read_events


def why_not_planned(status: str, dataset: str, preset: str) -> str:
    """Say why nothing was run; `status` is that of a planned cell or side."""
    if status == "dataset absent":
        return f"dataset absent: docs/datasets.md says where {dataset} belongs"
    return f"{status}: {preset} leaves it out"


def why_failed(absent: Sequence[str], planned: int, root: Path) -> str:
    """Say how many of the `planned` seeds are missing, and how each of their runs ended.

    `absent` are files of runs/<run>/<evaluation>/, relative to `root`, that are not there.
    """
    count = "failed" if len(absent) == planned else f"{len(absent)} of {planned} seeds failed"
    logs: dict[str, list[str]] = {}
    for run in dict.fromkeys(Path(name).parent.parent for name in absent):
        log = run / "events.jsonl"
        logs.setdefault(_ending(root / log), []).append(log.as_posix())
    return "; ".join([count, *(f"{ending} ({', '.join(files)})" for ending, files in logs.items())])


def _ending(log: Path) -> str:
    ends = [event for event in read_events(log) if event["type"] == "end"]
    error = str(ends[-1].get("error") or "").strip() if ends else ""
    return error.splitlines()[-1] if error else "no evaluation was left"
