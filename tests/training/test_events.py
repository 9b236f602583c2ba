import json
import time

import pytest

from vreid.training.events import EventLog


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_events_are_lines_of_json(tmp_path):
    path = tmp_path / "new" / "events.jsonl"
    log = EventLog(path)
    log.start("a-run", {"lr": 0.1}, "cpu", "c0ffee", resumed=0)
    log.metrics(1, 20, {"loss": 0.5})
    assert len(lines(path)) == 2  # written at once
    log.end("FAILED", "UserError: …")
    times = [line.pop("time") for line in lines(path)]
    assert all(abs(t - time.time()) < 60 for t in times)
    assert [{k: v for k, v in line.items() if k != "time"} for line in lines(path)] == [
        {
            "type": "start",
            "run": "a-run",
            "config": {"lr": 0.1},
            "device": "cpu",
            "git_commit": "c0ffee",
            "resumed": 0,
        },
        {"type": "metrics", "epoch": 1, "step": 20, "values": {"loss": 0.5}},
        {"type": "end", "status": "FAILED", "error": "UserError: …"},
    ]


def test_a_line_cut_short_by_a_kill_is_removed_and_the_rest_kept(tmp_path):
    path = tmp_path / "events.jsonl"
    EventLog(path).metrics(1, 2, {})
    with path.open("a") as file:
        file.write('{"type": "metr')
    EventLog(path).end("FINISHED")
    assert [line["type"] for line in lines(path)] == ["metrics", "end"]


def test_numbers_that_json_does_not_know_are_refused(tmp_path):
    path = tmp_path / "events.jsonl"
    with pytest.raises(ValueError, match="JSON compliant"):
        EventLog(path).metrics(1, 2, {"loss": float("nan")})
    assert not path.exists() or not path.read_text()
