"""One GPU for one job, by lock files; called before torch is imported, so it imports nothing heavy."""

import fcntl
import os
import platform
import re
import shutil
import subprocess
import time
from pathlib import Path

_SECONDS_BETWEEN_TRIES = 0.5
_held: list[int] = []  # lock files of this process, open until it ends


def hold_gpu(lock_folder: Path) -> None:
    """Wait for a GPU that no other job holds, keep it until this process ends, and show torch only that.

    The candidates are the devices that CUDA_VISIBLE_DEVICES lists, or all that nvidia-smi knows. Each
    has a lock file in `lock_folder`; the operating system frees the lock however the holder ends,
    SIGKILL included. CUDA_VISIBLE_DEVICES is set to the device that was got, for this process and
    those that it starts. If it names one device or none when this is called, that is somebody's
    decision (a scheduler's, the user's, or an earlier call's): it stays as it is and nothing is locked.
    Without GPUs nothing happens.
    """
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    devices = _installed() if given is None else _listed(given)
    if not devices or (given is not None and len(devices) == 1):
        return
    lock_folder.mkdir(parents=True, exist_ok=True)
    os.environ["CUDA_VISIBLE_DEVICES"] = _wait_for_one(devices, lock_folder)


def _wait_for_one(devices: list[str], lock_folder: Path) -> str:
    while True:
        for device in devices:
            if _lock(lock_folder / f"{platform.node()}-{re.sub('[^A-Za-z0-9-]', '_', device)}.lock"):
                return device
        time.sleep(_SECONDS_BETWEEN_TRIES)


def _lock(path: Path) -> bool:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return False
    _held.append(handle)
    return True


def _listed(given: str) -> list[str]:
    """Return the devices named in CUDA_VISIBLE_DEVICES; as for CUDA, -1 ends the list."""
    devices = [device.strip() for device in given.split(",")]
    if "-1" in devices:
        devices = devices[: devices.index("-1")]
    return [device for device in devices if device]


def _installed() -> list[str]:
    """Return the UUIDs of the machine's GPUs that this job may see; none if nvidia-smi is absent or fails."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    answer = subprocess.run([tool, "-L"], capture_output=True, text=True, check=False)
    return re.findall(r"^GPU .*\(UUID: (GPU-[0-9a-f-]+)\)", answer.stdout, re.MULTILINE)
