"""The display in a terminal: a bar, the jobs at work, the time left and the tables being made."""

import sys
import time
from dataclasses import dataclass, field
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from snakemake_logger_plugin_vreid.display import Tone
from snakemake_logger_plugin_vreid.progress import Estimate, Job, Progress, duration, time_left
from snakemake_logger_plugin_vreid.tables import name_tables

_STYLES: dict[Tone, str] = {
    "done": "green",
    "failed": "red",
    "note": "default",
    "warning": "yellow",
}
_BAR_WIDTH = 40
_LINES_BESIDE_JOBS = 6  # bar, counts, tables, "and 3 more", and room for the prompt


class LiveDisplay:
    """Lines of finished and failed jobs scroll by; under them stands the state of the run.

    The lower part is there only while jobs run, so hooks of the Snakefile print undisturbed.
    """

    def __init__(self, stream: TextIO, *, nocolor: bool) -> None:
        self._console = Console(
            file=stream, no_color=nocolor or None, highlight=False, markup=False, emoji=False
        )
        self._live: Live | None = None
        self._state = _State()
        self._error: Exception | None = None

    def write(self, line: str, tone: Tone) -> None:
        """Write a line above the display; starts are left out, the display shows them."""
        if tone != "start":
            self._console.print(Text(line, style=_STYLES[tone]), soft_wrap=True)

    def show(self, progress: Progress, now: float) -> None:
        """Take the state of the run; it is drawn twice a second, with the time gone on.

        Raises:
            Exception: what drawing raised since the last call.
        """
        if self._error is not None:
            raise self._error
        self._state = _State.of(progress, now)
        if self._state.running and self._live is None:
            self._live = Live(
                get_renderable=self._draw,
                console=self._console,
                refresh_per_second=2,
                transient=True,
                redirect_stdout=sys.stdout.isatty(),  # a hook's print must not be wiped
            )
            self._live.start()
        elif not self._state.running:
            self.close()

    def close(self) -> None:
        """Wipe the display and show the cursor again."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def _draw(self) -> RenderableType:
        try:  # drawn by rich's thread, where an exception would reach nobody
            room = max(self._console.height - _LINES_BESIDE_JOBS, 1)
            return self._state.render(time.time(), room)
        except Exception as error:
            self._error = error
            return Text("")


@dataclass(frozen=True)
class _State:
    """What was true at the time `taken`; handed whole to the thread that draws."""

    taken: float = 0.0
    began: float = 0.0
    done: int = 0
    total: int = 0
    failed: int = 0
    running: tuple[Job, ...] = field(default=())
    left: Estimate | None = None

    @classmethod
    def of(cls, progress: Progress, now: float) -> "_State":
        return cls(
            taken=now,
            began=now if progress.first_start is None else progress.first_start,
            done=progress.done,
            total=progress.total,
            failed=len(progress.failed),
            running=tuple(progress.running.values()),
            left=progress.left(now),
        )

    def render(self, now: float, room: int) -> RenderableType:
        """Draw the state as it is at the time `now`, with at most `room` jobs."""
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            ProgressBar(
                total=max(self.total, 1),
                completed=self.done,
                width=_BAR_WIDTH,
                complete_style="green",
                finished_style="green",
            ),
            f"{self.done}/{self.total} jobs",
        )
        counts = [f"{len(self.running)} running", f"{self.failed} failed"]
        counts.append(f"{duration(now - self.began)} elapsed")
        counts.append(time_left(self.left, since=now - self.taken))
        lines: list[RenderableType] = [bar, _line(", ".join(filter(None, counts)))]
        tables = dict.fromkeys(table for job in self.running for table in job.tables)
        if tables:
            lines.append(_line(f"making {name_tables(tuple(tables))}", "bold"))
        jobs = Table.grid(padding=(0, 2))
        jobs.add_column(no_wrap=True, overflow="ellipsis")
        jobs.add_column(no_wrap=True, justify="right")
        for job in self.running[:room]:
            jobs.add_row(Text(f"  {job.title}", style="cyan"), duration(now - job.started))
        lines.append(jobs)
        if len(self.running) > room:
            lines.append(_line(f"  and {len(self.running) - room} more"))
        return Group(*lines)


def _line(text: str, style: str = "default") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")
