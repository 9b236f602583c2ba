"""The handler in process: what it says of made-up records, and that no failure gets out."""

import contextlib
import io
import logging
import time

import pytest
from snakemake.logging import LoggerManager
from snakemake.settings.enums import Quietness
from snakemake.settings.types import OutputSettings
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase

from snakemake_logger_plugin_vreid import LogHandler
from snakemake_logger_plugin_vreid.display import PlainDisplay
from snakemake_logger_plugin_vreid.handler import choose_display, stands_aside
from snakemake_logger_plugin_vreid.live import LiveDisplay
from snakemake_logger_plugin_vreid.narrator import title


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    return Terminal()


@pytest.mark.parametrize(
    ("settings", "aside"),
    [
        ({}, False),
        ({"quiet": {Quietness.HOST, Quietness.REASON}}, False),
        ({"printshellcmds": True, "show_failed_logs": True}, False),
        ({"dryrun": True}, True),
        ({"verbose": True}, True),
        ({"debug_dag": True}, True),
        ({"quiet": {Quietness.PROGRESS, Quietness.RULES}}, True),
        ({"quiet": {Quietness.ALL}}, True),
    ],
)
def test_where_snakemakes_own_text_serves_better_it_is_left_to_it(settings, aside):
    assert stands_aside(OutputSettings(**settings)) is aside
    assert LogHandler(OutputSettings(**settings), None).writes_to_stream is not aside


def test_snakemake_keeps_its_own_stream_handler_only_where_the_plugin_stands_aside():
    for dryrun, names in ((False, set()), (True, {"DefaultStreamHandler"})):
        logger = logging.Logger("try")
        manager = LoggerManager(
            logger, OutputSettings(log_handler_settings={"vreid": LogHandlerSettingsBase()}, dryrun=dryrun)
        )
        assert {handler.name for handler in logger.handlers if handler.name} == names
        manager.stop()


def test_a_run_in_plain_lines():
    stream = io.StringIO()
    handler = _handler(stream)
    for record in _run():
        handler.handle(record)
    handler.close()
    handler.close()
    lines = [line.partition("] ")[2] or line for line in stream.getvalue().splitlines()]
    assert lines == [
        "Building DAG of jobs...",
        "3 jobs to do: 2 train, 1 table",
        "start  1/3  train se_densenet-proposed-veri776-s0",
        "start  2/3  train se_densenet-baseline-veri776-s0",
        "done   1/3  train se_densenet-proposed-veri776-s0 in 10 s",
        "FAILED train se_densenet-baseline-veri776-s0 after 12 s (exit status 3)",
        "    rule: train",
        "    command: vreid train baseline",
        "    log: logs/baseline.log, which was not written",
        "    To do: run the command above by hand to see its message, mend that, then give the "
        "same snakemake command again; what is finished stays.",
        "Trying to restart job 2.",
        "start  2/3  train se_densenet-baseline-veri776-s0",
        "FAILED train se_densenet-baseline-veri776-s0 after 2 s",
        "MissingOutputException in rule train:",
        "Job 2  completed successfully, but some output files are missing.",
        "start  3/3  table se_densenet/table1 (for se_densenet/table1)",
        "1 of 3 jobs done, 1 failed, 1 broken off, in 15 s.",
        "  failed: train se_densenet-baseline-veri776-s0 (log: logs/baseline.log)",
    ]


def test_an_error_that_names_an_output_fails_its_job_and_other_errors_none():
    stream = io.StringIO()
    handler = _handler(stream)
    handler.handle(_record(event=LogEvent.RUN_INFO, stats={"train": 1, "total": 1}))
    handler.handle(_start(1, "train", {"run": "x"}))
    handler.handle(_error("WorkflowError:\nChecksum of out/1 is wrong."))
    handler.handle(_error("WorkflowError:\nThe disk is full."))
    handler.close()
    text = stream.getvalue()
    assert text.count("FAILED train x") == 1
    assert "Checksum of out/1 is wrong." in text
    assert "The disk is full." in text


def test_a_command_that_is_no_jobs_is_told_in_snakemakes_words():
    stream = io.StringIO()
    handler = _handler(stream)
    message = "RuleException:\nCommand 'onstart hook' returned non-zero exit status 1."
    handler.handle(_error(message))
    assert message in stream.getvalue()


def test_a_display_that_breaks_gives_way_to_snakemakes_text(monkeypatch):
    stream = io.StringIO()

    def break_down(*_):
        raise ZeroDivisionError("oh")

    handler = _handler(stream)
    monkeypatch.setattr(PlainDisplay, "show", break_down)
    for record in _run():
        handler.handle(record)
    handler.close()
    text = stream.getvalue()
    assert text.count("The progress display stopped (ZeroDivisionError: oh).") == 1
    assert "Finished jobid: 1" in text
    assert "Error in rule train:" in text


def test_records_without_the_expected_fields_do_not_get_out_either():
    stream = io.StringIO()
    handler = _handler(stream)
    handler.handle(_record("half", event=LogEvent.JOB_STARTED))
    handler.handle(_record("Finished", event=LogEvent.JOB_FINISHED))
    assert "The progress display stopped (KeyError: 'job_id')." in stream.getvalue()


def test_a_closed_stream_stops_nothing():
    stream = io.StringIO()
    handler = _handler(stream)
    stream.close()
    for record in _run():
        handler.handle(record)
    handler.close()
    assert stream.closed  # and nothing was raised on the way


def test_a_terminal_gets_the_live_display(terminal, monkeypatch):
    assert isinstance(choose_display(terminal, nocolor=False), LiveDisplay)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(choose_display(terminal, nocolor=False), PlainDisplay)
    assert isinstance(choose_display(io.StringIO(), nocolor=False), PlainDisplay)


def test_the_live_display_shows_what_runs_and_gives_the_terminal_back(terminal):
    handler = _handler(terminal, nocolor=True)
    for record in _run():
        handler.handle(record)
    handler.close()
    text = terminal.getvalue()
    for words in (
        "0/3 jobs",
        "1 running, 0 failed",
        "1 running, 1 failed",
        "  table se_densenet/table1",
        "making se_densenet/table1",
        "done   1/3  train se_densenet-proposed-veri776-s0 in 10 s",
        "    rule: train",
        "1 of 3 jobs done, 1 failed, 1 broken off",
    ):
        assert words in text
    assert "start  1/3" not in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") > 0  # the cursor is back


def test_a_drawing_that_fails_gives_way_to_snakemakes_text(terminal, monkeypatch):
    monkeypatch.setattr("snakemake_logger_plugin_vreid.live.duration", lambda _: 1 / 0)
    handler = _handler(terminal)
    for record in _run():
        handler.handle(record)
    handler.close()
    text = terminal.getvalue()
    assert "The progress display stopped (ZeroDivisionError" in text
    assert "Finished jobid: 1" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h")


def test_many_jobs_do_not_fill_the_screen(terminal, monkeypatch):
    monkeypatch.setenv("LINES", "10")
    handler = _handler(terminal, nocolor=True)
    for number in range(9):
        handler.handle(_start(number, "train", {"run": f"run{number}"}))
    handler.close()
    assert "  and 5 more" in terminal.getvalue()


@pytest.mark.parametrize(
    ("wildcards", "message", "name"),
    [
        ({"run": "dpa-own-veri776-s0-0123456789"}, None, "train dpa-own-veri776-s0"),
        ({"run": "dpa-own-s1-01234567ab", "evaluation": "eval-89abcdef0"}, None, "train dpa-own-s1/eval"),
        ({"pack": "veri776-1a2b3c4d-64x64"}, None, "train veri776-64x64"),
        ({"name": "facade-defaced-12"}, None, "train facade-defaced-12"),
        ({}, None, "train"),
        ({"run": "x"}, "Train \x1b[1mone\n network", "Train one network"),
    ],
)  # fmt: skip
def test_titles(wildcards, message, name):
    assert title("train", wildcards, message) == name


def _handler(stream, **settings):
    settings = OutputSettings(log_handler_settings={"vreid": LogHandlerSettingsBase()}, **settings)
    with contextlib.redirect_stderr(stream):
        manager = LoggerManager(logging.Logger("try"), settings)
    manager.queue_listener.stop()
    return manager.plugin_handlers[0]


def _run():
    """Two trainings, one of which fails, is tried again and leaves no output; then a table."""
    proposed = {"run": "se_densenet-proposed-veri776-s0-0123456789"}
    baseline = {"run": "se_densenet-baseline-veri776-s0-abcdef0123"}
    fields = {"log": ["logs/baseline.log"], "shellcmd": "vreid train baseline"}
    failed = {**fields, "rule_name": "train", "rule_msg": None, "input": [], "output": ["out/2"]}
    return [
        _record("Building DAG of jobs..."),
        _record("Using shell: /usr/bin/bash"),
        _record("table", event=LogEvent.RUN_INFO, stats={"train": 2, "table": 1, "total": 3}),
        _record("Execute 2 jobs...", event=LogEvent.JOB_STARTED, jobs=[1, 2]),
        _start(1, "train", proposed),
        _record("Shell command: x", event=LogEvent.SHELLCMD, shellcmd="x", indent=False),
        _start(2, "train", baseline, **fields),
        _record("Finished jobid: 1", after=10, event=LogEvent.JOB_FINISHED, job_id=1),
        _record("None", after=10, event=LogEvent.PROGRESS, done=1, total=3),
        _error("Command 'set -e; vreid train baseline' returned non-zero exit status 3.", after=12),
        _record(
            "Error in rule train",
            after=12,
            level=logging.ERROR,
            event=LogEvent.JOB_ERROR,
            jobid=2,
            conda_env=None,
            container_img=None,
            aux={},
            indent=False,
            **failed,
        ),
        _record("Trying to restart job 2.", after=12),
        _start(2, "train", baseline, after=12, **fields),
        _error(
            "MissingOutputException in rule train:\n"
            "Job 2  completed successfully, but some output files are missing.",
            after=14,
        ),
        _start(3, "table", {"paper": "se_densenet", "table": "table1"}, after=14),
        _error("WorkflowError:\nAt least one job did not complete successfully.", after=15),
    ]


def _start(number, rule, wildcards, after=0, **fields):
    defaults = {"log": [], "shellcmd": None, "rule_msg": None, "input": [], "benchmark": None}
    return _record(
        f" Rule: {rule}, Jobid: {number}",
        after=after,
        event=LogEvent.JOB_INFO,
        jobid=number,
        rule_name=rule,
        wildcards=wildcards,
        output=[f"out/{number}"],
        local=True,
        is_checkpoint=False,
        reason="",
        priority=0,
        threads=1,
        resources={},
        **{**defaults, **fields},
    )


def _error(text, after=0):
    return _record(text, after=after, level=logging.ERROR, event=LogEvent.ERROR, exception="RuleException")


_NOW = time.time()


def _record(text="None", after=0, level=logging.INFO, **fields):
    record = logging.LogRecord("snakemake.logging", level, "", 0, text, None, None)
    record.created = _NOW + after
    vars(record).update(fields)
    return record
