"""Where `vreid` begins: the jobs of a pipeline go to fork servers, which have loaded what they import.

To import what a table needs costs more CPU time than the table. Which server loads what is listed below; its
jobs import nothing else that takes long (tests/workflow/test_servers.py). Nothing heavy is imported here.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from vreid.training.client import run_in_server
from vreid.training.interruption import PIPELINE

_COMMON = ("vreid.cli.main", "vreid.params.plan", "pandas", "pyarrow.parquet", "pyarrow.compute")
"""pandas, because pyarrow imports it where it meets the first array."""

_DATA = (
    *_COMMON,
    "vreid.datasets.darken",
    "vreid.datasets.pack",
    "vreid.datasets.show",
    "vreid.datasets.split",
    "vreid.datasets.verify",
    "vreid.evaluation.baselines",
    "vreid.synthetic.render",
)
"""Needed at once, while the other server still loads torch."""

_RUNS = (
    *_COMMON,
    "torchvision",
    "timm.models.inception_resnet_v2",
    "vreid.cli.runs",
    "vreid.evaluation.audit",
    "vreid.evaluation.run",
    "vreid.training.extract",
    "vreid.training.gpu",
    "vreid.training.train",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_pdf",
    "scipy.sparse",
    "seaborn",
    "sklearn.manifold",
    "sklearn.metrics",
    "vreid.reporting.claims",
    "vreid.reporting.collect",
    "vreid.reporting.deviations",
    "vreid.reporting.figures.audit",
    "vreid.reporting.figures.draw",
    "vreid.reporting.own",
    "vreid.reporting.site.build",
    "vreid.reporting.tables",
)
"""Trainings and reports share a server: some figures need torch, which is most of what there is to load."""

SERVERS = {
    **dict.fromkeys((f"data {step}" for step in ("acquire", "verify", "split", "darken")), _DATA),
    **dict.fromkeys(("data pack", "data show", "baselines"), _DATA),
    **dict.fromkeys((f"run {step}" for step in ("train", "extract", "evaluate", "report")), _RUNS),
    **dict.fromkeys(("table", "figure", "claims", "audit", "page", "site"), _RUNS),
}
"""What the server of a command imports before the first job."""


def main() -> None:
    """Run the command line, as a job of a pipeline in a fork of a server where one has what it needs."""
    modules = modules_for(sys.argv[1:]) if PIPELINE in os.environ else None
    if modules is not None:
        status = run_in_server("vreid.cli.main:main", sys.argv[1:], modules, Path(".vreid/server"))
        if status is not None:
            sys.exit(status)
    from vreid.cli.main import main as run_here

    run_here()


def modules_for(arguments: Sequence[str]) -> tuple[str, ...] | None:
    """Return what the server of a command imports; None if the command has none."""
    return SERVERS.get(" ".join(arguments[:2])) or SERVERS.get(" ".join(arguments[:1]))
