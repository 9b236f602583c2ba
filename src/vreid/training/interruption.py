"""Signals that ask a run to end: it comes to a good place first."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from vreid.params.errors import UserError

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


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

    with _handling(note, once=True):
        yield interruption


@contextmanager
def relaying_signals(send: Callable[[int], None]) -> Iterator[None]:
    """Pass SIGTERM and SIGINT on by `send` instead of ending."""
    with _handling(send, once=False):
        yield


@contextmanager
def _handling(act: Callable[[int], None], *, once: bool) -> Iterator[None]:
    """Let `act` handle the signals; outside of the main thread, which alone may do so, change nothing."""
    before: dict[signal.Signals, Any] = {}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(number: int, _: FrameType | None) -> None:
        act(number)
        if once:
            restore()

    if threading.current_thread() is threading.main_thread():
        before |= {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        restore()
