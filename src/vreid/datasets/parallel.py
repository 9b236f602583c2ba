"""Work spread over processes, block by block, with results in order and bounded memory."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from vreid.params.errors import UserError

Block = TypeVar("Block")
Result = TypeVar("Result")

Progress = Callable[[int, int], None]
"""Called with (images done, images in total)."""

WAITING_PER_WORKER = 4
WORTH_A_WORKER = 1024  # images; decoding fewer takes no longer than starting a process


def map_blocks(work: Callable[[Block], Result], blocks: Iterable[Block], workers: int) -> Iterator[Result]:
    """Yield `work(block)` for each block, in order, computed by `workers` processes (in this one if 1).

    `work` must be importable by name (a module's function, or a partial of one). At most a few blocks per
    worker are in flight, so memory does not grow with their number. Processes rather than threads: for
    small pictures half of the time is Python's own.

    Raises:
        UserError: a worker process was killed from outside.
    """
    if workers <= 1:
        yield from map(work, blocks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_worker) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for block in blocks:
                waiting.append(pool.submit(work, block))
                if len(waiting) >= workers * WAITING_PER_WORKER:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise UserError(
                "A worker process was killed, perhaps for lack of memory; try again with fewer workers."
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _begin_worker() -> None:
    # An interruption from the keyboard reaches the parent alone, which then ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """End this process when its parent has ended: a parent that is killed cannot call its workers back."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def useful_workers(workers: int, images: int) -> int:
    """Return how many of `workers` processes are worth starting for that many images (at least 1)."""
    return max(1, min(workers, images // WORTH_A_WORKER))
