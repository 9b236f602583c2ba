"""GPUs for one job alone, by lock files; called before torch is imported, so it imports nothing heavy."""

import fcntl
import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from vreid.params.errors import UserError

_SECONDS_BETWEEN_TRIES = 0.5
_PATIENCE = 60  # seconds that nvidia-smi has
_held: list[int] = []  # lock files of this process, open until it ends


def hold_gpus(lock_folder: Path, number: int = 1) -> None:
    """Wait for `number` GPUs that no other job holds, keep them to this process's end, show torch only those.

    The candidates are the devices that CUDA_VISIBLE_DEVICES lists, or all that nvidia-smi knows. Each
    has a lock file in `lock_folder`; the operating system frees the lock however the holder ends,
    SIGKILL included. CUDA_VISIBLE_DEVICES is set to the devices that were got, for this process and
    those that it starts. If it names no more than `number` when this is called, that is somebody's
    decision (a scheduler's, the user's, or an earlier call's): it stays as it is and nothing is locked.
    Without GPUs nothing happens.

    Raises:
        UserError: there are fewer GPUs than `number`.
    """
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    devices = usable_gpus()
    if not devices or (given is not None and len(devices) <= number):
        return
    if len(devices) < number:
        raise UserError(f"{number} GPUs are wanted and there are {len(devices)}: start fewer processes")
    lock_folder.mkdir(parents=True, exist_ok=True)
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(_wait_for(number, devices, lock_folder))


def usable_gpus() -> list[str]:
    """Return the devices that CUDA_VISIBLE_DEVICES lists or, if it is not set, all that nvidia-smi knows."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    return _installed() if given is None else _listed(given)


def gpu_locks() -> Path:
    """Return the folder for `hold_gpus`, one for all pipelines of this user: they share the GPUs."""
    return Path(tempfile.gettempdir()) / f"vreid-gpus-{os.getuid()}"


def _wait_for(number: int, devices: list[str], lock_folder: Path) -> list[str]:
    """Take `number` devices at once, or none: two jobs that hold one each would wait for each other."""
    while True:
        got = {}
        for device in devices:
            name = f"{platform.node()}-{re.sub('[^A-Za-z0-9-]', '_', device)}.lock"
            handle = _lock(lock_folder / name)
            if handle is not None:
                got[device] = handle
            if len(got) == number:
                _held.extend(got.values())
                return list(got)
        for handle in got.values():
            os.close(handle)
        time.sleep(_SECONDS_BETWEEN_TRIES)


def _lock(path: Path) -> int | None:
    """Return the open file of a lock that this process has got, or None."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _listed(given: str) -> list[str]:
    """Return the devices named in CUDA_VISIBLE_DEVICES; as for CUDA, what names none ends the list."""
    devices = [device.strip() for device in given.split(",")]
    for end in ("-1", "NoDevFiles"):  # the second is what SLURM gives to jobs without a GPU
        if end in devices:
            devices = devices[: devices.index(end)]
    return [device for device in devices if device]


def _installed() -> list[str]:
    """Return the UUIDs of the machine's GPUs that this job may see; none if nvidia-smi is absent or fails.

    Slices of a GPU (MIG) are not looked for: CUDA_VISIBLE_DEVICES has to name them.

    Raises:
        UserError: nvidia-smi does not answer.
    """
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    try:
        answer = subprocess.run([tool, "-L"], capture_output=True, text=True, check=False, timeout=_PATIENCE)
    except subprocess.TimeoutExpired as error:
        raise UserError(f"nvidia-smi did not answer within {_PATIENCE} seconds: its driver hangs") from error
    return re.findall(r"^GPU .*\(UUID: (GPU-[0-9a-f-]+)\)", answer.stdout, re.MULTILINE)
