"""Makes the runs of a bundle: prepares their data, and keeps every GPU, or every core, at one of them.

Runs are made in the order of `vreid.bundle.order`. One dataset at a time is rendered, on all cores and with
less right to them than trainings have; as soon as it is packed its runs may begin. Each run is a process of
its own; that one fails does not stop the others. Everything that is made appears whole, and what is there is
not made again: called again after any interruption, it goes on.
"""

import fcntl
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from vreid.bundle import results, sums
from vreid.bundle.children import Child
from vreid.bundle.contents import Bundle, Places, done_runs
from vreid.bundle.display import Display, display_on
from vreid.bundle.job import INTERRUPTED
from vreid.bundle.order import complete, ordered
from vreid.bundle.prepare import is_prepared
from vreid.bundle.results import Results, RunResult
from vreid.params.cores import available_cores
from vreid.params.digest import file_digest
from vreid.params.errors import UserError
from vreid.training.gpu import usable_gpus
from vreid.training.interruption import Interruption, watching_for_signals

_SECONDS_BETWEEN_LOOKS = 0.2
_SECONDS_FOR_CHECKPOINTS = 120.0


def run_bundle(folder: Path, out: Path, *, jobs: int | None = None, max_minutes: float | None = None) -> int:
    """Make the runs of the bundle in `folder`, whose digests were checked, in `out`; return the exit status.

    `out` gets runs/ and data/ as a checkout has them, logs/bundle/ and results.json. `jobs` are the processes
    that render, and without GPUs the trainings at a time; all cores if None. After `max_minutes`, or when
    SIGTERM or SIGINT asks for it, trainings write a checkpoint and end. The status is 0 if every run is done,
    1 if one failed, else 75.

    Raises:
        UserError: there is no bundle in `folder`, or another process works in `out`.
    """
    bundle = Bundle.read(folder)
    cores = jobs or available_cores()
    deadline = None if max_minutes is None else time.monotonic() + 60 * max_minutes
    out.mkdir(parents=True, exist_ok=True)
    with _alone_in(out), watching_for_signals() as interruption:
        display = display_on(sys.stdout)
        work = _Work(bundle, Places(folder, out), cores, display)
        try:
            work.go_on(interruption, deadline)
        finally:
            work.end()
            display.close()
    return work.report()


class _Work:
    """The state of everything: what is done, what is under way, what waits."""

    def __init__(self, bundle: Bundle, places: Places, cores: int, display: Display) -> None:
        self._bundle, self._places, self._cores, self._display = bundle, places, cores, display
        self._gpus = len(usable_gpus())
        self._slots = self._gpus or cores
        self._began = time.monotonic()
        self._children: list[Child] = []
        self._unprepared = {
            name for name, data in bundle.datasets.items() if not is_prepared(bundle, data, places)
        }
        self._identity = file_digest(places.bundle / sums.NAME)
        before = self._earlier()
        self._seconds = before.seconds if before else 0.0
        done = done_runs(bundle.runs, places.out / "runs")
        self._results = {name: RunResult(state="waiting") for name in bundle.runs}
        for name in done:
            known = before.runs.get(name) if before else None
            whole = known is not None and known.state == "done"
            self._results[name] = known if known and whole else results.result_of(bundle.runs[name], places)
        self._waiting = ordered(bundle.groups, bundle.costs, done)

    def go_on(self, interruption: Interruption, deadline: float | None) -> None:
        """Work until nothing is left, somebody asks for an end, or the time is up."""
        place = f"{self._gpus} GPUs" if self._gpus else f"{self._slots} trainings at a time on the CPU"
        self._display.note(f"{len(self._waiting)} of {len(self._results)} runs to be made; {place}")
        while self._waiting or self._children:
            late = deadline is not None and time.monotonic() >= deadline
            if interruption.name is not None or late:
                self._stop("the time is up" if late else f"{interruption.name} came")
                return
            self._reap()
            self._start()
            self._display.show(self._count("done"), len(self._results), list(self._under_way()))
            time.sleep(_SECONDS_BETWEEN_LOOKS)

    def end(self) -> None:
        """Leave no process behind, and the results on disk."""
        for child in self._children:
            child.process.kill()
            child.process.wait()
        self._write()

    def report(self) -> int:
        """Say how far it is, and return the exit status."""
        self._display.note(self._summary().in_words())
        if self._count("failed"):
            return 1
        return 0 if self._count("done") == len(self._results) else INTERRUPTED

    def _start(self) -> None:
        """Give every free place a run whose data is there, and prepare data if none is being prepared."""
        kinds = [child.kind for child in self._children]
        for name in list(self._waiting):
            dataset = self._bundle.runs[name].config.dataset
            if dataset in self._unprepared:
                if "prepare" not in kinds:
                    self._begin("prepare", dataset, str(self._cores))
                    kinds.append("prepare")
            elif kinds.count("job") < self._slots:
                self._waiting.remove(name)
                self._begin("job", name)
                self._results[name] = RunResult(state="running")
                kinds.append("job")

    def _begin(self, kind: Literal["prepare", "job"], name: str, *arguments: str) -> None:
        self._children.append(Child.start(kind, name, self._places, *arguments))
        self._display.note(f"{'preparing' if kind == 'prepare' else 'making'} {name}")

    def _reap(self) -> None:
        ended = [child for child in self._children if child.process.poll() is not None]
        for child in ended:
            self._children.remove(child)
            (self._prepared if child.kind == "prepare" else self._made)(child)
        if ended:
            self._write()

    def _prepared(self, child: Child) -> None:
        name = child.name
        if child.process.returncode == 0 and is_prepared(
            self._bundle, self._bundle.datasets[name], self._places
        ):
            self._unprepared.discard(name)
            self._display.note(f"prepared {name} ({child.age()})")
            return
        error = f"its data could not be prepared: {child.last_line()}"
        self._display.note(f"FAILED {name}: {error}")
        for run in [run for run in self._waiting if self._bundle.runs[run].config.dataset == name]:
            self._waiting.remove(run)
            self._results[run] = RunResult(state="failed", error=error)

    def _made(self, child: Child) -> None:
        name = child.name
        if child.process.returncode == 0:
            self._results[name] = results.result_of(self._bundle.runs[name], self._places)
            self._display.note(f"done {name} ({child.age()})")
        elif child.process.returncode == INTERRUPTED:
            self._results[name] = RunResult(state="stopped")
            self._display.note(f"stopped {name}: {child.last_line()}")
        else:
            said = child.last_line() or f"it ended with {child.process.returncode}"
            self._results[name] = RunResult(state="failed", error=said)
            self._display.note(f"FAILED {name}: {said} (its log is {child.log})")

    def _stop(self, why: str) -> None:
        """Ask every process to end, and wait for the checkpoints."""
        self._display.note(f"stopping, because {why}; the same command goes on from here")
        for child in self._children:
            child.process.send_signal(signal.SIGTERM)
        end = time.monotonic() + _SECONDS_FOR_CHECKPOINTS
        for child in self._children:
            try:
                child.process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
            if child.kind == "job" and child.process.returncode == 0:
                self._made(child)
            elif child.kind == "job":
                self._results[child.name] = RunResult(state="stopped")
        self._children.clear()

    def _under_way(self) -> Iterator[str]:
        for child in self._children:
            yield child.last_line() or f"{child.name} begins"

    def _count(self, state: str) -> int:
        return sum(result.state == state for result in self._results.values())

    def _earlier(self) -> Results | None:
        """Return what an earlier call left, if it was one of this bundle."""
        try:
            earlier = Results.read(self._places.out)
        except UserError:
            return None
        return earlier if earlier.bundle == self._identity else None

    def _summary(self) -> Results:
        done = [name for name, result in self._results.items() if result.state == "done"]
        return Results(
            bundle=self._identity,
            preset=self._bundle.preset,
            commit=self._bundle.commit,
            environment=results.environment(),
            seconds=round(self._seconds + time.monotonic() - self._began, 1),
            complete=complete(self._bundle.groups, done),
            runs=self._results,
        )

    def _write(self) -> None:
        self._summary().write(self._places.out)


@contextmanager
def _alone_in(out: Path) -> Iterator[None]:
    """Hold `out` against other calls.

    Raises:
        UserError: one of them works there.
    """
    (out / ".vreid").mkdir(exist_ok=True)
    with (out / ".vreid" / "bundle.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another process makes runs in {out}: wait for it, or stop it.") from None
        yield
