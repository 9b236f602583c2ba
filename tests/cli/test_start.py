"""Which commands go to a fork server, and the line on what a command used."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vreid.cli import start
from vreid.training.client import Ended
from vreid.training.interruption import PIPELINE


def called(*arguments: str, record: Path) -> subprocess.CompletedProcess[str]:
    code = "from vreid.cli.start import main; main()"
    environment = {**os.environ, start.RECORD: str(record)}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def lines(record: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in record.read_text().splitlines()]


def test_each_attempt_leaves_a_line_on_what_it_used(tmp_path: Path):
    record = tmp_path / "used.jsonl"
    began = time.monotonic()
    assert called("--version", record=record).returncode == 0
    assert called("no-such-command", record=record).returncode == 2
    took = time.monotonic() - began
    first, second = lines(record)
    assert (first["status"], second["status"]) == (0, 2)
    # An interpreter with typer and pydantic: more than Python alone takes, no more than went by.
    assert 0 < first["seconds"] + second["seconds"] <= took
    assert 0.05 < first["cpu_seconds"] < took
    assert 20 < first["peak_mib"] < 200


def test_a_file_that_cannot_be_written_changes_nothing_of_the_command(tmp_path: Path):
    done = called("--version", record=tmp_path / "no" / "folder")
    assert (done.returncode, done.stderr) == (0, "")


def test_what_ran_in_a_server_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    record = tmp_path / "used.jsonl"
    monkeypatch.setenv(PIPELINE, "1")
    monkeypatch.setenv(start.RECORD, str(record))
    monkeypatch.setattr(sys, "argv", ["vreid", "table", "alsa", "table3"])
    asked = []

    def in_server(entry: str, arguments: list[str], modules: tuple[str, ...], folder: Path) -> Ended:
        asked.append((entry, arguments, modules))
        return Ended(3, cpu_seconds=1000.0, peak_memory=1 << 40)

    monkeypatch.setattr(start, "run_in_server", in_server)
    with pytest.raises(SystemExit) as end:
        start.main()
    assert end.value.code == 3
    assert asked == [("vreid.cli.main:main", ["table", "alsa", "table3"], start.SERVERS["table"])]
    (line,) = lines(record)
    assert line["status"] == 3
    assert 1000 < line["cpu_seconds"] < 1000 + time.process_time() + 600
    assert line["peak_mib"] == 1 << 20


@pytest.mark.parametrize("arguments", [["track", "sync"], ["plan"], ["run"], []])
def test_commands_that_no_server_is_for(arguments: list[str]):
    assert start.modules_for(arguments) is None


def test_by_hand_nothing_goes_to_a_server(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(PIPELINE, raising=False)
    monkeypatch.setattr(sys, "argv", ["vreid", "table", "--help"])
    monkeypatch.setattr(start, "run_in_server", lambda *_: pytest.fail("asked a server"))
    with pytest.raises(SystemExit) as end:
        start.main()
    assert end.value.code == 0
