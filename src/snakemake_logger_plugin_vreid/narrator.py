"""Turns Snakemake's log records into the state of the run and into sentences about it."""

import re
import time
from collections.abc import Callable, Mapping
from logging import ERROR, WARNING, LogRecord
from textwrap import indent
from typing import Any

from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_vreid.display import Display, Tone
from snakemake_logger_plugin_vreid.failure import explain, printable, read_cause
from snakemake_logger_plugin_vreid.progress import Job, Progress, duration, time_left
from snakemake_logger_plugin_vreid.tables import TableFinder, name_tables

_DIGEST = re.compile(r"(?:^|-)(?=[0-9a-f]*[0-9])[0-9a-f]{8,}(?=-|$)")
_JOB_IN_TEXT = re.compile(r"\bJob (\d+)\s+completed successfully, but")
_SAID_OTHERWISE = (  # texts of Snakemake that repeat what the narrator says
    "Assuming unrestricted shared filesystem usage",
    "Using shell:",
    "Select jobs to execute",
    "Conda environments: ignored",
    "Singularity containers: ignored",
    "Elapsed time:",
    "Exiting because a job execution failed.",
    "WorkflowError:\nAt least one job did not complete successfully.",
)


class Narrator:
    """Tells a run as it goes.

    Args:
        display: where lines and state go.
        stock_text: Snakemake's own text of a record, used for all that is told in its words.
        whole_logs: show the logs of failed jobs whole instead of their last lines.
    """

    def __init__(
        self,
        display: Display,
        *,
        stock_text: Callable[[LogRecord], str],
        whole_logs: bool,
    ) -> None:
        self.display = display
        self.progress = Progress()
        self._stock_text = stock_text
        self._whole_logs = whole_logs
        self._tables = TableFinder()
        self._ended: dict[int, str] = {}
        self._now = 0.0
        self._tellers: dict[LogEvent | None, Callable[[LogRecord], None]] = {
            LogEvent.RUN_INFO: self._tell_plan,
            LogEvent.JOB_INFO: self._tell_start,
            LogEvent.JOB_FINISHED: self._tell_finish,
            LogEvent.JOB_ERROR: self._tell_failure,
            LogEvent.PROGRESS: self._take_total,
            LogEvent.ERROR: self._tell_error,
            LogEvent.WORKFLOW_STARTED: _pass_over,
            LogEvent.RESOURCES_INFO: _pass_over,
            LogEvent.JOB_STARTED: _pass_over,
        }

    def tell(self, record: LogRecord) -> None:
        """Tell one record."""
        self._now = record.created
        event = getattr(record, "event", None)
        self._tellers.get(event, self._tell_in_stock_words)(record)
        self.display.show(self.progress, record.created)

    def close(self) -> None:
        """Close the display and say how the run ended."""
        self.display.close()
        progress = self.progress
        if progress.first_start is None:
            return
        words = [f"{progress.done} of {progress.total} jobs done"]
        if progress.failed:
            words.append(f"{len(progress.failed)} failed")
        if progress.running:
            words.append(f"{len(progress.running)} broken off")
        took = duration(self._now - progress.first_start)
        self.display.write(f"{', '.join(words)}, in {took}.", "failed" if progress.failed else "note")
        for job in progress.failed.values():
            log = f" (log: {job.log})" if job.log else ""
            self.display.write(f"  failed: {job.title}{log}", "failed")

    def _tell_plan(self, record: LogRecord) -> None:
        self.progress.plan(vars(record)["stats"])
        rules = ", ".join(f"{n} {rule}" for rule, n in self.progress.planned.items())
        jobs = "job" if self.progress.total == 1 else "jobs"
        self.display.write(f"{self.progress.total} {jobs} to do: {rules}", "note")

    def _tell_start(self, record: LogRecord) -> None:
        said = vars(record)
        wildcards = {name: str(value) for name, value in said["wildcards"].items()}
        job = Job(
            number=said["jobid"],
            rule=said["rule_name"],
            title=title(said["rule_name"], wildcards, said["rule_msg"]),
            started=record.created,
            command=(said["shellcmd"] or "").strip(),
            log=next(iter(said["log"]), ""),
            outputs=tuple(said["output"]),
            tables=self._tables.tables_of(wildcards, said["shellcmd"]),
        )
        self.progress.start(job)
        made_for = f" (for {name_tables(job.tables)})" if job.tables else ""
        self._write(record, "start", self.progress.begun, f"{job.title}{made_for}")

    def _tell_finish(self, record: LogRecord) -> None:
        job = self.progress.finish(vars(record)["job_id"], record.created)
        if job is None:
            return
        left = time_left(self.progress.left(record.created))
        words = f"{job.title} in {duration(record.created - job.started)}"
        self._write(record, "done", self.progress.done, f"{words}; {left}" if left else words)

    def _tell_failure(self, record: LogRecord) -> None:
        said = vars(record)
        job = self.progress.fail(said["jobid"])
        ended = self._ended.pop(said["jobid"], None)
        self._write_failed(record, job, said["rule_name"], ended)
        lines = explain(said["rule_name"], said["shellcmd"], said["log"], ended, whole_logs=self._whole_logs)
        if said["rule_msg"]:
            lines.insert(0, str(said["rule_msg"]))
        self.display.write(indent("\n".join(lines), "    "), "failed")

    def _tell_error(self, record: LogRecord) -> None:
        """An exception: of a shell command (its job's error follows), of a job, or of the run."""
        text = record.getMessage()
        cause = read_cause(text)
        running = self.progress.running.values()
        if cause is not None:
            caused = (job for job in running if job.command and job.command in cause.command)
            job = next(caused, None)
            if job is not None:
                self._ended[job.number] = cause.ended
                return
        else:
            job = self._job_with_refused_outputs(text)
            if job is not None:
                self.progress.fail(job.number)
                self._write_failed(record, job, job.rule, None)
        self._tell_in_stock_words(record)

    def _job_with_refused_outputs(self, text: str) -> Job | None:
        """The running job an error is about; Snakemake tells no event when outputs are missing."""
        running = self.progress.running
        numbered = _JOB_IN_TEXT.search(text)
        if numbered:
            return running.get(int(numbered[1]))
        named = (job for job in running.values() if any(path in text for path in job.outputs))
        return next(named, None)

    def _take_total(self, record: LogRecord) -> None:
        """The number of jobs changes when a checkpoint has run."""
        self.progress.total = vars(record)["total"]

    def _tell_in_stock_words(self, record: LogRecord) -> None:
        text = self._stock_text(record)
        if text in {"", "None"} or text.startswith(_SAID_OTHERWISE):
            return
        tone: Tone = "note"
        if record.levelno >= WARNING:
            tone = "failed" if record.levelno >= ERROR else "warning"
        self.display.write(text, tone)

    def _write(self, record: LogRecord, word: Tone, count: int, text: str) -> None:
        width = len(str(self.progress.total))
        place = f"{count:>{width}}/{self.progress.total}"
        self.display.write(f"[{_clock(record)}] {word:<6} {place}  {text}", word)

    def _write_failed(self, record: LogRecord, job: Job | None, rule: str, ended: str | None) -> None:
        took = f" after {duration(record.created - job.started)}" if job else ""
        how = f" ({ended})" if ended else ""
        self.display.write(f"[{_clock(record)}] FAILED {job.title if job else rule}{took}{how}", "failed")


def title(rule: str, wildcards: Mapping[str, str], message: Any = None) -> str:
    """What a job is called: `train se_densenet-proposed-veri776-s0`, `table se_densenet/table1`.

    The digests by which runs and evaluations are named say nothing to a reader and are left out.
    A rule's own `message:` is taken as it stands.
    """
    if message:
        return printable(" ".join(str(message).split()))
    words = [_DIGEST.sub("", value) for value in wildcards.values()]
    return printable(f"{rule} {'/'.join(filter(None, words))}".strip())


def _clock(record: LogRecord) -> str:
    return time.strftime("%H:%M:%S", time.localtime(record.created))


def _pass_over(record: LogRecord) -> None:
    """Said otherwise, or of no use on a screen; Snakemake's file log has it."""
