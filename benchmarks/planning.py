"""What planning costs: `snakemake -n` of all papers from nothing, with the list of jobs.

python benchmarks/planning.py [--presets demo headline] [--times 3] [--against OTHER_CHECKOUT]

Each line is the fastest of several dry runs in a folder that holds neither runs nor what Snakemake remembers.
With another checkout, as of an older commit, the two take turns, and its time and the ratio follow.
"""

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parents[1]


@dataclass(frozen=True, order=True)
class Cost:
    """CPU seconds of user and system, seconds on the clock, and the number of jobs."""

    cpu: float
    wall: float
    jobs: int


def main() -> None:
    """Plan each preset several times and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presets", nargs="+", default=["demo"])
    parser.add_argument("--times", type=int, default=3, help="dry runs of each, the fastest of which counts")
    parser.add_argument("--against", type=Path, help="another checkout to compare with")
    arguments = parser.parse_args()
    beside = f"{'other':>8}{'ratio':>7}" if arguments.against else ""
    print(f"{'preset':12}{'jobs':>6}{'CPU s':>8}{'seconds':>9}{beside}")
    for preset in arguments.presets:
        turns = [
            [_plan(checkout, preset) for checkout in (HERE, arguments.against) if checkout]
            for _ in range(arguments.times)
        ]
        ours, *others = (min(costs) for costs in zip(*turns, strict=True))
        compared = "".join(f"{other.cpu:8.2f}{ours.cpu / other.cpu:7.2f}" for other in others)
        print(f"{preset:12}{ours.jobs:6}{ours.cpu:8.2f}{ours.wall:9.2f}{compared}", flush=True)


def _plan(checkout: Path, preset: str) -> Cost:
    """Dry-run a copy of a checkout's rules and parameters; its code is executed where it is."""
    with tempfile.TemporaryDirectory() as folder:
        for part in ("params", "workflow"):
            shutil.copytree(checkout / part, Path(folder) / part)
        shutil.copytree(checkout / "workflow" / "profiles", Path(folder) / "profiles")
        shutil.copy(checkout / "Snakefile", folder)
        start, before = time.perf_counter(), _cpu_seconds()
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", "-n", "--cores", "2", "--config", f"preset={preset}"],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(checkout.resolve() / "src")},
            capture_output=True,
            text=True,
            check=True,
        )
        cpu, wall = _cpu_seconds() - before, time.perf_counter() - start
    total = re.search(r"^total +([0-9]+)", done.stdout + done.stderr, flags=re.MULTILINE)
    return Cost(cpu, wall, int(total[1]) if total else 0)


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
