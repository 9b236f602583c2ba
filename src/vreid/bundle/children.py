"""The processes that work for a bundle, each with a log of its own."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vreid.bundle.contents import Places
from vreid.training.interruption import PIPELINE

LOGS = Path("logs") / "bundle"
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONSAFEPATH": "1"}
"""One thread for each process, as the workflow's rules have it: results on the CPU depend on their number."""


@dataclass
class Child:
    """A process that prepares a dataset or makes a run."""

    kind: Literal["prepare", "job"]
    name: str
    process: subprocess.Popen[bytes]
    log: Path
    said_before: int
    began: float = field(default_factory=time.monotonic)

    @classmethod
    def start(cls, kind: Literal["prepare", "job"], name: str, places: Places, *arguments: str) -> "Child":
        """Start `python -m vreid.bundle KIND BUNDLE NAME …` in the folder that is worked in.

        It ends when this process does, even when this one is killed.
        """
        log = places.out / LOGS / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as file:
            said_before = file.tell()
            process = subprocess.Popen(
                [sys.executable, "-m", "vreid.bundle", kind, str(places.bundle), name, *arguments],
                cwd=places.out,
                env={**os.environ, **_ENVIRONMENT, PIPELINE: str(os.getpid())},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # an interrupt from the keyboard comes to the caller alone
            )
        return cls(kind, name, process, log, said_before)

    def last_line(self) -> str:
        """Return the last thing that it said."""
        with self.log.open("rb") as file:
            file.seek(max(self.said_before, self.log.stat().st_size - 4096))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""

    def age(self) -> str:
        """Return for how long it has been there."""
        return f"{time.monotonic() - self.began:.0f} s"
