"""Lets Snakemake come to its end when it is sent SIGTERM, whatever it is doing at that moment.

The handler of Snakemake 9.27 waits for the scheduler's lock. A handler runs in the main thread, between two
steps of what that was doing; if it was in the scheduler and held the lock, it waits for itself for ever. In a
thread of its own the same handler gets the lock as soon as the scheduler has let go of it.
"""

import functools
import threading
from typing import Any


def install() -> None:
    """Let the scheduler's handler of SIGTERM work in a thread; a second call changes nothing."""
    try:
        from snakemake.scheduling.job_scheduler import JobScheduler  # noqa: PLC0415 -- only runs need it
    except ImportError:  # a Snakemake built differently: it ends as it knows how to
        return
    handler = getattr(JobScheduler, "exit_gracefully", None)
    if handler is None or hasattr(handler, "__wrapped__"):
        return

    @functools.wraps(handler)
    def exit_gracefully(self: Any, *arguments: Any) -> None:
        threading.Thread(target=handler, args=(self, *arguments), daemon=True).start()

    JobScheduler.exit_gracefully = exit_gracefully
