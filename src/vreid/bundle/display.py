"""What somebody sees who waits for a bundle: a bar in a terminal if rich is there, else lines."""

import importlib.util
import time
from collections.abc import Sequence
from typing import Any, Protocol, TextIO

_SECONDS_BETWEEN_LINES = 30.0


class Display(Protocol):
    """Shows what happens and how far it is."""

    def note(self, text: str) -> None:
        """Show that something happened, with the time of day."""

    def show(self, done: int, total: int, now: Sequence[str]) -> None:
        """Show how many runs are done, and what is being worked on; cheap enough for a few times a second."""

    def close(self) -> None:
        """Show no more."""


def display_on(stream: TextIO) -> Display:
    """Return a display on `stream`."""
    if stream.isatty() and importlib.util.find_spec("rich") is not None:
        return _Bar(stream)
    return _Lines(stream)


class _Lines:
    """A line for everything that happens, and one on how far it is now and then."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = time.monotonic()

    def note(self, text: str) -> None:
        self._stream.write(f"{time.strftime('%H:%M:%S')}  {text}\n")
        self._stream.flush()

    def show(self, done: int, total: int, now: Sequence[str]) -> None:
        if time.monotonic() - self._shown >= _SECONDS_BETWEEN_LINES:
            self._shown = time.monotonic()
            self.note("; ".join([f"{done} of {total} runs done", *now]))

    def close(self) -> None:
        pass


class _Bar:
    """A bar with what is being worked on beneath it."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console  # noqa: PLC0415 -- it may be absent
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

        columns = ("runs", BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        self._bar: Any = Progress(*columns, console=Console(file=stream))
        self._task = self._bar.add_task("")
        self._bar.start()

    def note(self, text: str) -> None:
        self._bar.console.print(f"{time.strftime('%H:%M:%S')}  {text}", markup=False, highlight=False)

    def show(self, done: int, total: int, now: Sequence[str]) -> None:
        shown = "\n".join(now).replace("[", r"\[")
        self._bar.update(self._task, completed=done, total=total, description=shown)

    def close(self) -> None:
        self._bar.stop()
