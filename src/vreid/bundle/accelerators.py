"""Asks the torch of this machine what it can use, before anything is begun.

It is asked in a process of its own: this one goes on for days and needs no torch.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass

from vreid.params.errors import UserError
from vreid.training.gpu import usable_gpus

_VARIABLE = "CUDA_VISIBLE_DEVICES"

_PATIENCE = 300  # seconds; importing torch from a slow network disk takes a minute

# What is new in torch 2.5, and used: the name of the error, and optimizers that are fused on the CPU too.
_QUESTION = """
import json, torch, torchvision
print()
print(json.dumps({
    "version": torch.__version__,
    "cuda": torch.version.cuda,
    "devices": torch.cuda.device_count() if torch.cuda.is_available() else 0,
    "recent": hasattr(torch, "OutOfMemoryError"),
}))
"""


@dataclass(frozen=True)
class Torch:
    """The torch that is installed: its version, the CUDA it is built for, and how many devices it sees."""

    version: str
    cuda: str | None
    devices: int
    recent: bool


def check_accelerators() -> None:
    """See to it that trainings find the GPUs of this machine, each of them one.

    Where no list of GPUs is to be had (`vreid.training.gpu.usable_gpus`) and torch sees some all the same,
    CUDA_VISIBLE_DEVICES is set to all of them: else every training would take the first.

    Raises:
        UserError: torch cannot be imported, is too old, or cannot use the GPUs that are there.
    """
    found, gpus = installed_torch(), len(usable_gpus())
    if not found.recent:
        raise UserError(f"torch {found.version} is too old: install 2.5 or a later one.")
    if gpus and not found.devices:
        built = f"is built for CUDA {found.cuda}" if found.cuda else "is built without CUDA"
        named = f"{_VARIABLE} names GPUs" if _VARIABLE in os.environ else "this machine has GPUs"
        raise UserError(
            f"{named} ({gpus}), but torch {found.version}, which {built}, cannot use them: "
            "install a torch that fits their driver (`nvidia-smi` names the newest CUDA it runs), or set "
            f"{_VARIABLE} to nothing to train on the CPU."
        )
    if not gpus and found.devices and _VARIABLE not in os.environ:
        os.environ[_VARIABLE] = ",".join(map(str, range(found.devices)))


def installed_torch() -> Torch:
    """Return what torch says of itself.

    Raises:
        UserError: it cannot be imported, or torchvision beside it.
    """
    asked = [sys.executable, "-c", _QUESTION]
    try:
        answer = subprocess.run(
            asked, capture_output=True, text=True, errors="replace", check=False, timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(
            f"torch did not answer within {_PATIENCE} seconds: a GPU's driver may hang; see `nvidia-smi`."
        ) from error
    if answer.returncode:
        said = (answer.stderr.strip().splitlines() or [f"it ended with {answer.returncode}"])[-1]
        raise UserError(f"torch and torchvision cannot be imported here ({said}): install a pair that fits.")
    return Torch(**json.loads(answer.stdout.splitlines()[-1]))
