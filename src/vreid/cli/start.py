"""Where `vreid` begins: the jobs of a pipeline go to fork servers, which have loaded what they import.

To import what a table needs costs more CPU time than the table. Which server loads what is listed below; its
jobs import nothing else that takes long (tests/workflow/test_servers.py). Nothing heavy is imported here.
"""

import json
import os
import re
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from vreid.training.client import Ended, in_bytes, run_in_server
from vreid.training.interruption import PIPELINE

RECORD = "VREID_RECORD"
"""Environment variable of jobs: the file to which a line on what the job used is added."""

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
    with _recorded(os.environ.pop(RECORD, None)) as ended:
        modules = modules_for(sys.argv[1:]) if PIPELINE in os.environ else None
        if modules is not None:
            done = run_in_server("vreid.cli.main:main", sys.argv[1:], modules, Path(".vreid/server"))
            if done is not None:
                ended.append(done)
                sys.exit(done.status)
        from vreid.cli.main import main as run_here

        run_here()


def modules_for(arguments: Sequence[str]) -> tuple[str, ...] | None:
    """Return what the server of a command imports; None if the command has none."""
    return SERVERS.get(" ".join(arguments[:2])) or SERVERS.get(" ".join(arguments[:1]))


@contextmanager
def _recorded(file: str | None) -> Iterator[list[Ended]]:
    """Add a line to `file` on the command that runs in the block, and on what ended in a server meanwhile.

    It holds the exit status, seconds by the clock and of the CPU, and the peak of memory in MiB; forks of a
    server and processes that were waited for count.
    """
    began, elsewhere, status = time.monotonic(), list[Ended](), 1
    try:
        yield elsewhere
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise
    finally:
        if file is not None:
            jobs = [*elsewhere, *_own()]
            line = {
                "status": status,
                "seconds": round(time.monotonic() - began, 3),
                "cpu_seconds": round(sum(job.cpu_seconds for job in jobs), 3),
                "peak_mib": round(max(job.peak_memory for job in jobs) / 2**20, 1),
            }
            # A full disk is what the command itself has to say something about.
            with suppress(OSError), Path(file).open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(line) + "\n")


def _own() -> Iterator[Ended]:
    """Yield what this process and those that it waited for have used."""
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        used = resource.getrusage(who)
        peak = in_bytes(used.ru_maxrss)
        if who == resource.RUSAGE_SELF:  # Linux counts what the program held that was replaced by this one
            held = re.search(r"^VmHWM:\s*(\d+) kB", _status(), flags=re.MULTILINE)
            peak = 1024 * int(held[1]) if held else peak
        yield Ended(0, used.ru_utime + used.ru_stime, peak)


def _status() -> str:
    try:
        return Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return ""
