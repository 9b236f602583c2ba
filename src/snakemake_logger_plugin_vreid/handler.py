"""The class Snakemake asks for: hands records to the narrator, and never lets one stop a run.

Every start of Snakemake imports this module, so what only a display needs is imported with it.
"""

import contextlib
import os
import sys
from logging import LogRecord
from typing import TYPE_CHECKING, TextIO

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.settings import OutputSettingsLoggerInterface

if TYPE_CHECKING:
    from snakemake_logger_plugin_vreid.display import Display
    from snakemake_logger_plugin_vreid.narrator import Narrator

_MUTING = {"ALL", "PROGRESS", "RULES"}


class LogHandler(LogHandlerBase):
    """Shows a run on standard error: a live display in a terminal, plain lines elsewhere.

    For a dry run, `--verbose`, `--debug-dag` and a `--quiet` that mutes progress or rules it
    stands aside and Snakemake writes its usual text. Snakemake's file log is its own in any case.
    If anything goes wrong in here, the run goes on with Snakemake's text.
    """

    _narrator: "Narrator | None"

    def __post_init__(self) -> None:
        """Choose the display; called by the base class."""
        self._stream = sys.stderr
        self._narrator = None
        self._stands_aside = stands_aside(self.common_settings)
        if not self._stands_aside:
            from snakemake_logger_plugin_vreid.narrator import Narrator  # noqa: PLC0415

            self._narrator = Narrator(
                choose_display(self._stream, nocolor=self.common_settings.nocolor),
                stock_text=self.format,
                whole_logs=self.common_settings.show_failed_logs,
            )

    def emit(self, record: LogRecord) -> None:
        """Tell one record; called in the listener's thread, after Snakemake's own filter."""
        if self._stands_aside:
            return
        if self._narrator is not None:
            try:
                self._narrator.tell(record)
            except Exception as error:
                self._give_up(error)
            else:
                return
        with contextlib.suppress(Exception):  # an odd record, a closed pipe: the run goes on
            text = self.format(record)
            if text not in {"", "None"}:  # Snakemake logs events that have no text
                print(text, file=self._stream, flush=True)

    def close(self) -> None:
        """Write the closing line and give the terminal back; a second call does nothing."""
        narrator, self._narrator = self._narrator, None
        if narrator is not None:
            with contextlib.suppress(Exception):
                narrator.close()
        super().close()

    @property
    def writes_to_stream(self) -> bool:
        """Whether Snakemake should leave the terminal to this handler."""
        return not self._stands_aside

    @property
    def writes_to_file(self) -> bool:
        """No: Snakemake's file log stays."""
        return False

    @property
    def has_filter(self) -> bool:
        """No: Snakemake's filter (`--quiet`, `--printshellcmds`) applies."""
        return False

    @property
    def has_formatter(self) -> bool:
        """No: Snakemake's formatter writes what the display has no words for."""
        return False

    @property
    def needs_rulegraph(self) -> bool:
        """No."""
        return False

    def _give_up(self, error: Exception) -> None:
        narrator, self._narrator = self._narrator, None
        if narrator is not None:
            with contextlib.suppress(Exception):
                narrator.display.close()
        with contextlib.suppress(Exception):
            print(
                f"The progress display stopped ({type(error).__name__}: {error}). "
                "The run goes on; from here on Snakemake's own messages follow.",
                file=self._stream,
                flush=True,
            )


def stands_aside(settings: OutputSettingsLoggerInterface) -> bool:
    """Whether Snakemake's usual text serves better: dry runs, debugging, and muted runs."""
    muted = {getattr(item, "name", str(item)).upper() for item in settings.quiet or ()}
    return bool(settings.dryrun or settings.verbose or settings.debug_dag or muted & _MUTING)


def choose_display(stream: TextIO, *, nocolor: bool) -> "Display":
    """A live display if `stream` is a terminal that can move its cursor, else plain lines."""
    if stream.isatty() and os.environ.get("TERM", "dumb") not in {"", "dumb", "unknown"}:
        with contextlib.suppress(Exception):
            from snakemake_logger_plugin_vreid.live import LiveDisplay  # noqa: PLC0415

            return LiveDisplay(stream, nocolor=nocolor)
    from snakemake_logger_plugin_vreid.display import PlainDisplay  # noqa: PLC0415

    return PlainDisplay(stream)
