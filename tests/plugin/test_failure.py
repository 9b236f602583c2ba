"""What is shown of a failed job."""

from types import SimpleNamespace

import pytest

from snakemake_logger_plugin_vreid.failure import TAIL, explain, printable, read_cause, read_tail


def test_the_last_twenty_lines_are_read(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("".join(f"line {i}\n" for i in range(30)))
    lines, note = read_tail(log, TAIL)
    assert lines == [f"line {i}" for i in range(10, 30)]
    assert note == "its last 20 lines:"


def test_a_short_log_is_shown_whole_and_a_long_one_on_request(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("one\ntwo")
    assert read_tail(log, TAIL) == (["one", "two"], "all of it:")
    log.write_text("x\n" * 50)
    assert read_tail(log, None) == (["x"] * 50, "all of it:")


def test_of_a_huge_log_only_the_end_is_read_and_no_line_is_cut_at_its_front(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("".join(f"{i:07d}\n" for i in range(100_000)))
    assert read_tail(log, 3)[0] == ["0099997", "0099998", "0099999"]
    log.write_text("".join(f"{i:07d}{'.' * 9000}\n" for i in range(10)))
    assert [line[:8] for line in read_tail(log, TAIL)[0]] == [f"{i:07d}." for i in range(3, 10)]


def test_logs_that_are_no_readable_text(tmp_path):
    log = tmp_path / "job.log"
    assert read_tail(log, TAIL) == ([], "which was not written")
    assert read_tail(tmp_path, TAIL) == ([], "which was not written")
    log.write_bytes(b" \n\n")
    assert read_tail(log, TAIL) == ([], "which is empty")
    log.write_bytes(b"a\xffb\n\x1b[31mred\x1b[0m \x1b]0;title\x07bell\x07\n")
    assert read_tail(log, TAIL)[0] == ["a\ufffdb", "red bell"]


def test_of_a_progress_bar_the_last_state_is_kept(tmp_path):
    log = tmp_path / "job.log"
    log.write_bytes(b"0%\r50%\r100%\r\nerror\r\n")
    assert read_tail(log, TAIL)[0] == ["100%", "error"]


def test_long_lines_are_cut():
    assert printable("x" * 500) == "x" * 400 + "…"


@pytest.mark.parametrize(
    ("end", "ended"),
    [
        ("returned non-zero exit status 3.", "exit status 3"),
        ("died with <Signals.SIGKILL: 9>.", "SIGKILL"),
    ],
)
def test_the_end_of_a_command_is_read(end, ended):
    message = (
        'RuleException:\nCalledProcessError in file "Snakefile", line 8:\n'
        f"Command 'set -euo pipefail;  a 'b'\nc' {end}"
    )
    cause = read_cause(message)
    assert (cause.command, cause.ended) == ("set -euo pipefail;  a 'b'\nc", ended)
    assert read_cause("WorkflowError:\nsomething else") is None


def test_a_failure_is_explained(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("Error: no such column\n")
    lines = explain("train", "vreid train\n", [str(log), "events.jsonl"], "exit status 2")
    assert lines[:5] == [
        "rule: train",
        "command: vreid train",
        f"log: {log}, all of it:",
        "| Error: no such column",
        "log: events.jsonl",
    ]
    assert "mend what the lines above name" in lines[5]


def test_the_advice_fits_the_failure(tmp_path):
    empty = tmp_path / "empty.log"
    empty.touch()
    assert "by hand" in explain("train", "vreid train", [str(empty)], "exit status 1")[-1]
    for ended in ("SIGKILL", "exit status 137"):
        assert "memory" in explain("train", "vreid train", [str(empty)], ended)[-1]
    assert "mend" in explain("plot", None, [], None)[-1]


def test_a_full_disk_takes_no_message_and_is_named(tmp_path, monkeypatch):
    log = tmp_path / "job.log"
    log.touch()
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=0))
    assert "the disk is full" in explain("train", "vreid train", [str(log)], "exit status 1")[-1]
    log.write_text("vreid: there is no such run\n")  # then the log says what it is
    assert "the disk is full" not in explain("train", "vreid train", [str(log)], "exit status 1")[-1]
