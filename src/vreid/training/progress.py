"""How far a run is: a bar in a terminal, a plain line now and then in a log file."""

import time
from typing import Any, Protocol, TextIO

_SECONDS_BETWEEN_LINES = 15.0
_SECONDS_BETWEEN_DRAWINGS = 0.2


class Progress(Protocol):
    """Shows how many of a known number of steps are done."""

    def show(self, done: int, text: str) -> None:
        """Show that `done` steps are done, with `text` beside it; cheap enough for every step."""

    def close(self, text: str) -> None:
        """Show `text` as the last word."""


def progress_on(stream: TextIO, title: str, total: int, done: int) -> Progress:
    """Return a display on `stream` of `total` steps, `done` of which were done before."""
    if stream.isatty():
        return _Bar(stream, title, total, done)
    return _Lines(stream, title, total, done)


class _Lines:
    """At most one line every few seconds, and a last one."""

    def __init__(self, stream: TextIO, title: str, total: int, done: int) -> None:
        self._stream, self._title, self._total, self._first = stream, title, total, done
        self._started = self._shown = time.monotonic()

    def show(self, done: int, text: str) -> None:
        now = time.monotonic()
        if now - self._shown < _SECONDS_BETWEEN_LINES:
            return
        self._shown = now
        left = (now - self._started) / (done - self._first) * (self._total - done)
        self._write(f"step {done} of {self._total}, {text}, about {left:.0f} s left")

    def close(self, text: str) -> None:
        self._write(text)

    def _write(self, text: str) -> None:
        self._stream.write(f"{self._title}: {text}\n")
        self._stream.flush()


class _Bar:
    """A bar with the time left, drawn a few times a second by this thread."""

    def __init__(self, stream: TextIO, title: str, total: int, done: int) -> None:
        from rich.console import Console  # noqa: PLC0415  (in a terminal only)
        from rich.progress import Progress as Bar  # noqa: PLC0415

        self._bar: Any = Bar(console=Console(file=stream), auto_refresh=False)
        self._task = self._bar.add_task(title, total=total, completed=done)
        self._shown = 0.0
        self._bar.start()

    def show(self, done: int, text: str) -> None:
        now = time.monotonic()
        if now - self._shown >= _SECONDS_BETWEEN_DRAWINGS:
            self._shown = now
            self._bar.update(self._task, completed=done, description=text, refresh=True)

    def close(self, text: str) -> None:
        self._bar.update(self._task, description=text, refresh=True)
        self._bar.stop()
