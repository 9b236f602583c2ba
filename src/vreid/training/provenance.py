"""run.json: with what a run was computed, and what it cost."""

import platform
import resource
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import torch

import vreid
from vreid.training.client import in_bytes


def provenance() -> dict[str, Any]:
    """Return the versions of what computes; nothing names the machine or its user."""
    return {
        "vreid": vreid.__version__,
        "git_commit": git_commit(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.machine()}",
    }


def peak_memory() -> int:
    """Return the most memory that this process has held so far, in bytes."""
    return in_bytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def git_commit() -> str | None:
    """Return the commit of the checkout that this package lies in, or None outside of one.

    In a bundle, whose code was copied from a checkout, it is the one that commit.txt beside the code names.
    """
    noted = Path(vreid.__file__).with_name("commit.txt")
    if noted.is_file():
        return noted.read_text(encoding="utf-8").strip() or None
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(vreid.__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
