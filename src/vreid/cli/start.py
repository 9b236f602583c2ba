"""Where `vreid` begins: jobs that need torch go to the fork server, which has it loaded."""

import sys
from pathlib import Path

from vreid.training.client import run_in_server

FORKED = (["run", "train"], ["run", "extract"], ["run", "evaluate"])

PRELOADED = (
    "torchvision",
    "vreid.cli.main",
    "vreid.cli.runs",
    "vreid.params.plan",
    "vreid.training.train",
    "vreid.training.extract",
)


def main() -> None:
    """Run the command line, in a fork of the server where that saves starting torch anew."""
    if sys.argv[1:3] in FORKED and "--help" not in sys.argv:
        status = run_in_server("vreid.cli.main:main", sys.argv[1:], PRELOADED, Path(".vreid/server"))
        if status is not None:
            sys.exit(status)
    from vreid.cli.main import main as run_here

    run_here()
