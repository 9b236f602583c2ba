"""Reads what a run wrote down while it trained: `events.jsonl`, one JSON object per line."""

import json
from pathlib import Path
from typing import Any


def read_events(path: Path) -> list[dict[str, Any]]:
    """Return a run's events in the order in which they were written; none if there is no file.

    Every event has a `type` (`start`, `metrics`, `end`). A line that is not whole is passed over: a
    killed run may have left half of one.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [event for line in lines if (event := _parsed(line)) is not None]


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "type" in event else None
