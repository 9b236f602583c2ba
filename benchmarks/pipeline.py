"""What a pipeline costs in CPU seconds, by kind of work, with every process that it starts.

python benchmarks/pipeline.py [--cores 2] [--preset demo] [TARGET ...]

Runs Snakemake in the current folder, which makes what is missing there: `make clean` comes first to see all.
Whatever is started becomes a child of this process when its parent ends, fork servers too, so nothing is left
out of the sum. What the jobs used they have recorded themselves (logs/benchmarks/), and of that the trainings
in their run.json. Linux only.
"""

import argparse
import ctypes
import json
import os
import resource
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
RECORDS = Path("logs/benchmarks")
SERVER = "vreid.training.server"
TICK = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Run the pipeline and print what it used."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", default="2")
    parser.add_argument("--preset", default="demo")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    asked = parser.parse_args()
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise SystemExit("the system cannot hand orphaned processes to this one")
    seen = {file: len(file.read_text().splitlines()) for file in RECORDS.rglob("*.jsonl")}
    limits = ["--cores", asked.cores, f"--resources=gpu={asked.cores}", "--config", f"preset={asked.preset}"]
    began = time.monotonic()
    long_lived = run(["snakemake", *limits, "--", *asked.targets])
    took = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    show(rows(seen, long_lived), used.ru_utime + used.ru_stime, took)


def run(command: list[str]) -> Counter[str]:
    """Run `command` and end the servers that it leaves; return the own CPU seconds of it and of them."""
    snakemake = subprocess.Popen(command)
    own: dict[tuple[int, str], tuple[str, float]] = {}
    ended = False
    while True:
        processes = list(descendants(os.getpid()))
        servers = {pid for pid, _, line, _, _ in processes if SERVER in line}
        for pid, parent, _, start, seconds in processes:
            if pid == snakemake.pid:
                own[pid, start] = ("Snakemake, planning included", seconds)
            elif pid in servers and parent not in servers:
                own[pid, start] = ("servers, what they import", seconds)
                if ended:
                    os.kill(pid, signal.SIGTERM)
        try:
            reaped, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            break
        ended = ended or reaped == snakemake.pid
        if not reaped:
            time.sleep(0.2)
    totals: Counter[str] = Counter()
    for what, seconds in own.values():
        totals[what] += seconds
    return totals


def descendants(root: int) -> Iterator[tuple[int, int, str, str, float]]:
    """Yield (process, parent, command line, start, own CPU seconds) of all processes below `root`."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended
            continue
        seconds = (int(fields[11]) + int(fields[12])) / TICK
        found[int(folder.name)] = (int(fields[1]), line, fields[19], seconds)
    below = {root}
    while more := {pid for pid, (parent, *_) in found.items() if parent in below} - below:
        below |= more
    yield from ((pid, *found[pid]) for pid in below - {root} if pid in found)


def rows(seen: dict[Path, int], long_lived: Counter[str]) -> dict[str, tuple[int, float]]:
    """Return, by kind of work, how many jobs and CPU seconds; the trainings come first."""
    counts: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    trained = 0.0
    for file in sorted(RECORDS.rglob("*.jsonl")):
        rule = file.relative_to(RECORDS).parts[0]
        lines = file.read_text().splitlines()[seen.get(file, 0) :]
        counts[rule] += len(lines)
        seconds[rule] += sum(json.loads(line)["cpu_seconds"] for line in lines)
        if rule == "train" and lines:
            trained += json.loads(Path("runs", file.stem, "run.json").read_text())["cpu_seconds"]
    inside = {"trainings": (counts["train"], trained)}
    around = {f"`{rule}`": (counts[rule], seconds[rule]) for rule in seconds if counts[rule]}
    if "`train`" in around:
        around["`train`, around the trainings"] = (counts["train"], around.pop("`train`")[1] - trained)
    return inside | around | {what: (0, value) for what, value in long_lived.items()}


def show(parts: dict[str, tuple[int, float]], total: float, took: float) -> None:
    """Print a table, the dearest first, and how all relates to the trainings."""
    trained = parts["trainings"][1]
    rest = total - sum(seconds for _, seconds in parts.values())
    parts |= {"shells, what is told at the end": (0, rest)}
    print("\n| what | jobs | CPU seconds |\n| :-- | --: | --: |")
    for what, (jobs, seconds) in sorted(parts.items(), key=lambda part: -part[1][1]):
        print(f"| {what} | {jobs or ''} | {seconds:.1f} |")
    ratio = f", {total / trained:.2f} times the trainings'" if trained else ""
    print(f"| all | | {total:.1f} |\n\n{total:.0f} CPU seconds{ratio}; {took:.0f} s by the clock.")


if __name__ == "__main__":
    main()
