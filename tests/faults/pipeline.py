"""Kills a running pipeline in any way at any moment, starts it again until it is done, and keeps a record."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.workflow.project import Project

COMMAND = ("snakemake", "--cores", "8", "--resources", "gpu=2")  # as documented; a target may follow
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)
VICTIMS = ("snakemake", "worker", "everything")
ATTEMPTS = 200  # starts after which a pipeline counts as one that never ends
LONGEST = 90.0  # seconds until a Snakemake that was asked to end has to be gone
WHOLE = 6 * 3600.0  # seconds that a pipeline may take


@dataclass(frozen=True)
class Kill:
    """One signal: after how many seconds of work, which, and to whom."""

    after: float
    number: signal.Signals
    victim: str


@dataclass
class Record:
    """What was done to a pipeline, line by line, and how often it was started and struck."""

    lines: list[str] = field(default_factory=list)
    struck: int = 0
    starts: int = 0
    seconds: float = 0.0

    def tell(self, line: str) -> None:
        self.lines.append(line)
        print(line, flush=True)


def draw(seed: int, kills: int, span: float) -> list[Kill]:
    """Draw `kills` moments in `span` seconds of work; every signal meets every victim equally often."""
    rng = random.Random(seed)  # noqa: S311 -- moments, no secrets
    kinds = [(number, victim) for number in SIGNALS for victim in VICTIMS]
    wanted = [kind for _ in range(-(-kills // len(kinds))) for kind in rng.sample(kinds, len(kinds))]
    moments = sorted(rng.uniform(0, span) for _ in range(kills))
    return [Kill(moment, *kind) for moment, kind in zip(moments, wanted, strict=False)]


def run_struck(project: Project, targets: list[str], kills: list[Kill], record: Record) -> None:
    """Run the documented command to its end, struck by `kills`; whenever it ends early it is started again.

    The moments count from the first job of an attempt on, so that starting up does not use them up. A kill
    that finds nobody to hit, or a pipeline that is done, is left out.
    """
    rng = random.Random(len(kills))  # noqa: S311 -- chooses among workers
    waiting, worked = list(kills), 0.0
    for _ in range(ATTEMPTS):
        attempt = _Attempt(project, targets)
        record.starts += 1
        began = time.monotonic()
        while waiting and attempt.runs():
            if worked + attempt.worked() >= waiting[0].after:
                kill = waiting.pop(0)
                hit, moment = attempt.strike(kill, rng), worked + attempt.worked()
                if hit:
                    record.struck += 1
                    record.tell(
                        f"{record.struck:3}. {kill.number.name} to {hit} after {moment:.1f} s of work"
                    )
            time.sleep(0.02)
        status = attempt.end()
        worked += attempt.worked()
        record.seconds += time.monotonic() - began
        if status == 0:
            record.tell(f"     done, after {record.starts} starts and {record.seconds:.0f} s in all")
            return
        said = "" if attempt.was_struck else f", by itself: {attempt.text()[-2000:]}"
        record.tell(f"     ended with {status}{said}; started again")
        assert attempt.was_struck, attempt.text()
    raise AssertionError(f"not done after {ATTEMPTS} starts")


class _Attempt:
    """One start of the command, in a session of its own."""

    def __init__(self, project: Project, targets: list[str]) -> None:
        self.folder = project.folder
        self.was_struck = self._asked = False
        self._log = self.folder / "logs" / "attempt.log"
        self._log.parent.mkdir(exist_ok=True)
        with self._log.open("wb") as out:
            self._snakemake = subprocess.Popen(
                [*COMMAND, *targets],
                cwd=self.folder,
                env=project.variables(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_heed_interrupts,  # noqa: PLW1509 -- one thread, as in all tests
            )
        self._first_job: float | None = None

    def runs(self) -> bool:
        return self._snakemake.poll() is None

    def worked(self) -> float:
        """Seconds since the first job began."""
        if self._first_job is None and b"] start " in self._log.read_bytes():
            self._first_job = time.monotonic()
        return 0.0 if self._first_job is None else time.monotonic() - self._first_job

    def text(self) -> str:
        return self._log.read_text(errors="replace")

    def end(self) -> int:
        try:
            return self._snakemake.wait(LONGEST if self._asked else WHOLE)
        finally:
            if self.runs():
                os.killpg(self._snakemake.pid, signal.SIGKILL)
                self._snakemake.wait()

    def strike(self, kill: Kill, rng: random.Random) -> str | None:
        """Send the signal; return who got it, or None if there was nobody."""
        if kill.victim == "snakemake":
            hit = [(self._snakemake.pid, "Snakemake")]
        elif kill.victim == "everything":
            hit = [(pid, "everything") for pid in _processes_in(self.folder)]
        else:
            workers = dict(self._workers())
            kind = rng.choice(sorted(set(workers.values()))) if workers else ""
            hit = [(pid, found) for pid, found in workers.items() if found == kind][:1]
        sent = [name for pid, name in hit if _send(pid, kill.number)]
        self.was_struck = self.was_struck or bool(sent)
        self._asked = self._asked or (bool(sent) and kill.victim != "worker")
        return f"{sent[0]} ({len(sent)} processes)" if len(sent) > 1 else (sent or [None])[0]

    def _workers(self) -> Iterator[tuple[int, str]]:
        """Yield the processes that work for Snakemake, with what they are."""
        found = _processes_in(self.folder)
        servers = {pid for pid, (parent, words) in found.items() if "vreid.training.server" in words}
        for pid, (parent, words) in found.items():
            if pid in servers:
                yield pid, "a job in a fork" if parent in servers else "the fork server"
            elif any(Path(word).name == "vreid" for word in words[:2]):
                yield pid, f"vreid {' '.join(words[2:4])}"


def _processes_in(folder: Path) -> dict[int, tuple[int, list[str]]]:
    """Return the processes that work in `folder`: parent and command line by process id."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() != folder:
                continue
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):  # it has just ended
            continue
        found[int(entry.name)] = (parent, words)
    return found


def _send(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _heed_interrupts() -> None:
    # A shell starts what runs in its background with SIGINT ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


if sys.platform != "linux":
    raise ImportError("the processes of a pipeline are found in /proc, which only Linux has")
