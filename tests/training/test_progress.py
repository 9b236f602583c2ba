import io

import pytest

from vreid.training import progress
from vreid.training.progress import progress_on


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_log_file_gets_a_line_every_few_seconds_and_a_last_one(clock):
    stream = io.StringIO()
    shown = progress_on(stream, "a-run", total=1000, done=100)
    for step in range(101, 401):
        clock[0] += 0.125
        shown.show(step, f"loss {step}")
    shown.close("epoch 5/5")
    assert stream.getvalue().splitlines() == [
        "a-run: step 220 of 1000, loss 220, about 98 s left",
        "a-run: step 340 of 1000, loss 340, about 82 s left",
        "a-run: epoch 5/5",
    ]


def test_a_terminal_gets_a_bar():
    stream = Terminal()
    shown = progress_on(stream, "a-run", total=10, done=0)
    shown.show(5, "epoch 1/2")
    shown.close("epoch 2/2, done")
    assert "epoch 1/2" in stream.getvalue()
    assert "50%" in stream.getvalue()
    assert "epoch 2/2, done" in stream.getvalue()
