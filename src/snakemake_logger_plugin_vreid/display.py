"""Where the narrator's lines go; here as plain text, in `live` as a terminal display."""

from typing import Literal, Protocol, TextIO

from snakemake_logger_plugin_vreid.progress import Progress

Tone = Literal["start", "done", "failed", "note", "warning"]


class Display(Protocol):
    """Takes lines and the state of the run."""

    def write(self, line: str, tone: Tone) -> None:
        """Write a line that stays."""

    def show(self, progress: Progress, now: float) -> None:
        """Show the state of the run at the time `now` (seconds since the epoch)."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class PlainDisplay:
    """One line of text after the other, for log files and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: str, tone: Tone) -> None:
        """Write the line at once, so that a follower of the log sees it."""
        self._stream.write(f"{line}\n")
        self._stream.flush()

    def show(self, progress: Progress, now: float) -> None:
        """Nothing: the lines have said it."""

    def close(self) -> None:
        """Nothing to give back."""
