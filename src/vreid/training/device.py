"""Where a run computes: the device, its threads, and arithmetic that repeats itself."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.utils.deterministic
from numpy.typing import NDArray
from torch import Tensor, nn

from vreid.params.errors import UserError

_memory: Any = torch.utils.deterministic  # its attribute is a property that type checkers do not see


def job_threads() -> int:
    """Return the CPU threads this job was given: OMP_NUM_THREADS, which the pipeline sets, or 1.

    Raises:
        UserError: OMP_NUM_THREADS is not a positive whole number.
    """
    given = os.environ.get("OMP_NUM_THREADS", "1")
    if not given.isdecimal() or int(given) < 1:
        raise UserError(f"OMP_NUM_THREADS is {given!r}: give a number of CPU threads, or leave it out for 1")
    return int(given)


def sent(values: NDArray[Any], device: torch.device) -> Tensor:
    """Return `values` as a tensor on `device`; to CUDA from pinned memory, so that the CPU need not wait."""
    tensor = torch.from_numpy(values)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


def device_name(device: torch.device) -> str:
    """Return the accelerator's product name, or cpu."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def memory_layout(channels_last: bool) -> torch.memory_format:
    """Return how a batch of images lies in memory: pixel by pixel, or channel by channel."""
    return torch.channels_last if channels_last else torch.contiguous_format


def placed(model: nn.Module, device: torch.device, layout: torch.memory_format) -> nn.Module:
    """Return `model`, moved to `device`, its filters in the `layout` of its images."""
    moved: nn.Module = model.to(device=device, memory_format=layout)  # type: ignore[call-overload]
    return moved


@contextmanager
def computing_on(name: str | None) -> Iterator[torch.device]:
    """Yield the device `name` (None: a CUDA device if there is one, else the CPU), set up.

    Of several CUDA devices it is the first, or that of this process's number if torchrun has started it.

    Inside, torch uses the job's threads and, on the CPU, deterministic algorithms alone, so that a
    configuration always gives the same bytes. On CUDA the fastest algorithms are searched for
    (`cudnn.benchmark`), and runs differ in the last digits. Afterwards all is as it was before.
    """
    device = torch.device(name or _found_device())
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UserError("there is no usable CUDA device here: leave the device out, or name cpu")
    threads = torch.get_num_threads()
    strictness = torch.get_deterministic_debug_mode()
    fill = _memory.fill_uninitialized_memory
    benchmark = torch.backends.cudnn.benchmark
    torch.set_num_threads(job_threads())
    # As torch.use_deterministic_algorithms, which would import the compiler (seconds of CPU time).
    torch.set_deterministic_debug_mode("error" if device.type == "cpu" else "default")
    _memory.fill_uninitialized_memory = False  # costs time, hides nothing here
    torch.backends.cudnn.benchmark = device.type == "cuda"
    try:
        yield device
    finally:
        torch.set_num_threads(threads)
        torch.set_deterministic_debug_mode(strictness)
        _memory.fill_uninitialized_memory = fill
        torch.backends.cudnn.benchmark = benchmark


def _found_device() -> str:
    if not torch.cuda.is_available():
        return "cpu"
    number, found = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if number >= found:
        raise UserError(
            f"this is process {number + 1} on this machine, but it may use only {found} CUDA devices: start "
            "as many processes as there are devices"
        )
    return f"cuda:{number}"
