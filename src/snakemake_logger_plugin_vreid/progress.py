"""What is known of a run: which jobs wait, run, are done or failed, and how long is left."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Job:
    """One job as Snakemake announced it.

    Attributes:
        number: Snakemake's job number, the same again when the job is retried.
        rule: name of its rule.
        title: what is shown: rule and wildcards, or the rule's `message:`.
        started: time of its start, seconds since the epoch.
        command: its shell command, if it has one.
        log: path of its first log, or nothing.
        outputs: paths of its output files.
        tables: the tables this job is made for, as `se_densenet/table1`.
    """

    number: int
    rule: str
    title: str
    started: float
    command: str = ""
    log: str = ""
    outputs: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Estimate:
    """Seconds left of a run; `whole` is False if most waiting jobs have no finished sibling."""

    seconds: float
    whole: bool


@dataclass
class Progress:
    """The state of a run, fed by Snakemake's events.

    Attributes:
        planned: number of jobs per rule.
        total: number of jobs of the run.
        running: jobs at work, by number.
        failed: jobs that failed and were not started again, by number.
        finished: duration in seconds of every finished job, by rule.
        first_start: when the first job began, seconds since the epoch; None before that.
    """

    planned: Counter[str] = field(default_factory=Counter)
    total: int = 0
    running: dict[int, Job] = field(default_factory=dict)
    failed: dict[int, Job] = field(default_factory=dict)
    finished: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    first_start: float | None = None
    _numbers: set[int] = field(default_factory=set)

    @property
    def begun(self) -> int:
        """Number of different jobs started so far."""
        return len(self._numbers)

    @property
    def done(self) -> int:
        """Number of finished jobs."""
        return sum(len(durations) for durations in self.finished.values())

    def plan(self, counts: Mapping[str, int]) -> None:
        """Take the number of jobs per rule; the entry `total`, which Snakemake adds, is read."""
        self.planned = Counter({rule: n for rule, n in counts.items() if rule != "total"})
        self.total = self.planned.total()

    def start(self, job: Job) -> None:
        """A job begins, or begins again after a failure."""
        self.first_start = job.started if self.first_start is None else self.first_start
        self._numbers.add(job.number)
        self.failed.pop(job.number, None)
        self.running[job.number] = job
        self.total = max(self.total, self.begun)

    def finish(self, number: int, now: float) -> Job | None:
        """A job is done; returns it, or None if its start was never seen."""
        job = self.running.pop(number, None) or self.failed.pop(number, None)
        if job is not None:
            self.finished[job.rule].append(max(now - job.started, 0.0))
        return job

    def fail(self, number: int) -> Job | None:
        """A job failed; returns it, or None if its start was never seen."""
        job = self.running.pop(number, None)
        if job is not None:
            self.failed[number] = job
        return job

    def left(self, now: float) -> Estimate | None:
        """Time left, from the finished jobs of each rule; None while nothing can be said.

        A waiting job is expected to take the mean of its rule's finished jobs, a running one what
        that mean leaves of it. The sum is divided by the mean number of jobs that ran at a time
        so far. Rules of which no job has finished add nothing; `Estimate.whole` tells whether
        they hold the smaller part of the jobs that are left.
        """
        work, known, unknown = 0.0, 0, 0
        for rule, planned in self.planned.items():
            running = [job for job in self.running.values() if job.rule == rule]
            failed = sum(job.rule == rule for job in self.failed.values())
            durations = self.finished.get(rule, [])
            left = max(planned - len(durations) - failed, len(running))
            if not durations:
                unknown += left
                continue
            known += left
            mean = sum(durations) / len(durations)
            work += mean * (left - len(running))
            work += sum(max(mean - (now - job.started), 0.0) for job in running)
        if not known or self.first_start is None:
            return None
        return Estimate(work / self._at_a_time(now), whole=known >= unknown)

    def _at_a_time(self, now: float) -> float:
        """Mean number of jobs that ran at the same time since the first began, at least 1."""
        busy = sum(sum(durations) for durations in self.finished.values())
        busy += sum(now - job.started for job in self.running.values())
        elapsed = 0.0 if self.first_start is None else now - self.first_start
        return max(busy / elapsed, 1.0) if elapsed > 0 else 1.0


def duration(seconds: float) -> str:
    """`42 s`, `3 min 10 s`, `1 h 05 min`."""
    whole = max(round(seconds), 0)
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left:02d} min" if hours else f"{minutes} min {rest:02d} s"


def time_left(estimate: Estimate | None, since: float = 0.0) -> str:
    """`about 3 min 10 s left`, `at least 40 s left`; empty if nothing is known or no second left.

    Args:
        estimate: what `Progress.left` said.
        since: seconds that have passed since it was said.
    """
    if estimate is None or estimate.seconds - since < 1:
        return ""
    word = "about" if estimate.whole else "at least"
    return f"{word} {duration(estimate.seconds - since)} left"
