import io
import re

import pytest

from vreid.bundle import display
from vreid.bundle.display import display_on


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_file_gets_lines_and_a_line_on_the_state_now_and_then(monkeypatch):
    monkeypatch.setattr(display, "_SECONDS_BETWEEN_LINES", 0.0)
    stream = io.StringIO()
    shown = display_on(stream)
    shown.note("making a run")
    shown.show(1, 3, ["a run: step 5 of 9", "another begins"])
    shown.close()
    first, second = stream.getvalue().splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d  making a run", first)
    assert second.endswith("  1 of 3 runs done; a run: step 5 of 9; another begins")


def test_the_state_is_not_shown_at_every_look():
    stream = io.StringIO()
    shown = display_on(stream)
    for done in range(100):
        shown.show(done, 100, [])
    assert stream.getvalue() == ""


def test_a_terminal_gets_a_bar_where_rich_is(monkeypatch):
    pytest.importorskip("rich", reason="rich is not installed: requirements.lock has it")
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    shown = display_on(stream)
    shown.note("[not markup] begins")
    shown.show(1, 3, ["a run: [5/9]"])
    shown.close()
    text = stream.getvalue()
    assert "[not markup] begins" in text
    assert "1/3" in text
    assert "a run: [5/9]" in text


def test_a_terminal_without_rich_gets_lines(monkeypatch):
    monkeypatch.setattr(display.importlib.util, "find_spec", lambda name: None)
    stream = Terminal()
    display_on(stream).note("begins")
    assert stream.getvalue().endswith("  begins\n")
