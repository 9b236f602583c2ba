"""What asks a run to end, a signal or the end of its pipeline: it comes to a good place first."""

import os
import select
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from vreid.params.errors import UserError

PIPELINE = "VREID_PIPELINE"  # environment variable of jobs: the process id of the Snakemake they belong to

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_heard = threading.Event()  # a signal came that somebody here heeds


class InterruptedRunError(UserError):
    """The run was asked to end, and has put away how far it is."""


class Interruption:
    """Whether the run was asked to end, and by which signal."""

    name: str | None = None


@contextmanager
def watching_for_signals() -> Iterator[Interruption]:
    """Note SIGTERM and SIGINT instead of ending; a second signal acts as it did before."""
    interruption = Interruption()

    def note(number: int) -> None:
        interruption.name = signal.Signals(number).name

    with _handling(_SIGNALS, note, once=True):
        yield interruption


@contextmanager
def relaying_signals(
    send: Callable[[int], None], signals: Sequence[signal.Signals] = _SIGNALS
) -> Iterator[None]:
    """Pass `signals` on by `send` instead of ending."""
    with _handling(signals, send, once=False):
        yield


def end_with_pipeline() -> None:
    """Interrupt this process, as from the keyboard, when the Snakemake that started it ends before it does.

    A Snakemake that is killed leaves its jobs behind; they would go on beside those of the next one. Without
    the environment variable PIPELINE, or where the system cannot watch processes, nothing happens. The
    variable is taken away: what this process starts ends with it and need not watch too.
    """
    named = os.environ.pop(PIPELINE, "")
    if not named.isdecimal() or not hasattr(os, "pidfd_open"):
        return
    try:
        pipeline = os.pidfd_open(int(named))
    except ProcessLookupError:
        _interrupt()
    except OSError:  # an old or a confined system
        return
    else:
        threading.Thread(target=_end_after, args=(pipeline,), daemon=True).start()


def _end_after(pipeline: int) -> None:
    watched = select.poll()
    watched.register(pipeline, select.POLLIN)
    watched.poll()
    if not _heard.is_set():  # else it is about to end, and a second signal would break that off
        _interrupt()


def _interrupt() -> None:
    """Let the main thread tidy up and end; where interrupts are ignored, just end."""
    ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    os.kill(os.getpid(), signal.SIGTERM if ignored else signal.SIGINT)


@contextmanager
def _handling(signals: Sequence[signal.Signals], act: Callable[[int], None], *, once: bool) -> Iterator[None]:
    """Let `act` handle the signals; outside of the main thread, which alone may do so, change nothing."""
    before: dict[signal.Signals, Any] = {}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(number: int, _: FrameType | None) -> None:
        _heard.set()
        act(number)
        if once:
            restore()

    if threading.current_thread() is threading.main_thread():
        before |= {number: signal.signal(number, handle) for number in signals}
    try:
        yield
    finally:
        restore()
