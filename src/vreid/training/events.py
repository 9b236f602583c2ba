"""What happens during a run, line by line in events.jsonl, for whoever tracks runs."""

import json
import os
import time
from pathlib import Path
from typing import Any


class EventLog:
    """Appends events to a JSON-lines file, each line handed to the system as soon as it is written.

    Lines: {"type": "start", "time", "run", "config", "device", "git_commit", "resumed": steps done before},
    {"type": "metrics", "time", "epoch", "step", "values": {name: number}} and
    {"type": "end", "time", "status": "FINISHED" or "FAILED", "error": sentence or null}. `time` is
    in seconds since 1970. A run that was killed has no end; when it is taken up again another start
    follows, and metrics of epochs after its last checkpoint appear a second time, with the same
    epoch and step.
    """

    def __init__(self, path: Path) -> None:
        """Open `path` for appending; a last line that a kill cut short is removed first."""
        path.parent.mkdir(parents=True, exist_ok=True)
        _cut_broken_line(path)
        self._path = path
        self.started = False

    def start(
        self, run: str, config: dict[str, Any], device: str, git_commit: str | None, resumed: int
    ) -> None:
        """Note that the run begins, or goes on after `resumed` steps."""
        self.started = True
        self._write("start", run=run, config=config, device=device, git_commit=git_commit, resumed=resumed)

    def metrics(self, epoch: int, step: int, values: dict[str, float]) -> None:
        """Note finite `values` after `epoch` epochs and `step` steps in all."""
        self._write("metrics", epoch=epoch, step=step, values=values)

    def end(self, status: str, error: str | None = None) -> None:
        """Note how the run ended: FINISHED, or FAILED with the error's text."""
        self._write("end", status=status, error=error)

    def _write(self, kind: str, **content: Any) -> None:
        line = {"type": kind, "time": round(time.time(), 3), **content}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")


def _cut_broken_line(path: Path) -> None:
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
