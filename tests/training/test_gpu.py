import os
import signal
import subprocess
import sys
import time
from itertools import combinations

import pytest

from vreid.params.errors import UserError
from vreid.training.gpu import hold_gpus, usable_gpus

HOLDER = """
import os, sys, time
from pathlib import Path
from vreid.training.gpu import hold_gpus
hold_gpus(Path(sys.argv[1]), int(sys.argv[3]))
device, begin = os.environ.get("CUDA_VISIBLE_DEVICES"), time.time()
print(device, flush=True)
time.sleep(float(sys.argv[2]))
print(begin, time.time(), flush=True)
"""


def holder(folder, seconds, devices, number=1):
    environment = {k: v for k, v in os.environ.items() if k != "CUDA_VISIBLE_DEVICES"}
    if devices is not None:
        environment["CUDA_VISIBLE_DEVICES"] = devices
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), str(seconds), str(number)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_devices_serve_five_jobs_and_never_two_at_a_time_on_one(tmp_path):
    jobs = [holder(tmp_path, 0.3, "3,GPU-1f") for _ in range(5)]
    held = []
    for job in jobs:
        device, times = job.communicate(timeout=30)[0].splitlines()
        held.append((device, *map(float, times.split())))
    assert {device for device, _, _ in held} == {"3", "GPU-1f"}
    for (one, begin, end), (other, later, last) in combinations(sorted(held, key=lambda h: h[1]), 2):
        assert one != other or end <= later < last, (begin, end)


def test_jobs_that_need_several_devices_wait_for_all_of_them(tmp_path):
    jobs = [holder(tmp_path, 0.2, "0,1,2", number) for number in (2, 2, 1, 2)]
    held = []
    for job in jobs:
        devices, times = job.communicate(timeout=30)[0].splitlines()
        held += [(device, *map(float, times.split())) for device in devices.split(",")]
    assert len(held) == 7
    for (one, begin, end), (other, later, last) in combinations(sorted(held, key=lambda h: h[1]), 2):
        assert one != other or end <= later < last, (begin, end)


def test_too_few_devices_are_a_sentence(tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA H200 (UUID: GPU-5f0ea9ca-0001)'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with pytest.raises(UserError, match="2 GPUs are wanted and there are 1"):
        hold_gpus(tmp_path / "locks", 2)


def test_a_killed_job_frees_its_device(tmp_path):
    first, second = (holder(tmp_path, 60, "0,1") for _ in range(2))
    devices = {job.stdout.readline().strip() for job in (first, second)}
    third = holder(tmp_path, 0, "0,1")
    with pytest.raises(subprocess.TimeoutExpired):
        third.wait(timeout=0.7)
    first.send_signal(signal.SIGKILL)
    assert third.communicate(timeout=30)[0].splitlines()[0] in devices
    second.kill()
    for job in (first, second):
        job.communicate()


@pytest.mark.parametrize("given", ["", "-1", "NoDevFiles", "2", "GPU-7a", "1,-1,0"])
def test_what_a_scheduler_has_decided_stays(tmp_path, monkeypatch, given):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    hold_gpus(tmp_path / "locks")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == given
    assert not (tmp_path / "locks").exists()


def test_without_gpus_nothing_happens(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    hold_gpus(tmp_path / "locks")
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
    assert not (tmp_path / "locks").exists()


def test_the_installed_gpus_are_asked_for_when_nobody_has_decided(tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text(
        "#!/bin/sh\n"
        "echo 'GPU 0: NVIDIA H200 (UUID: GPU-5f0ea9ca-0001)'\n"
        "echo 'GPU 1: NVIDIA H200 (UUID: GPU-5f0ea9ca-0002)'\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    jobs = [holder(tmp_path / "locks", 0.2, None) for _ in range(2)]
    devices = {job.communicate(timeout=30)[0].splitlines()[0] for job in jobs}
    assert devices == {"GPU-5f0ea9ca-0001", "GPU-5f0ea9ca-0002"}


def test_importing_it_is_cheap():
    code = "import sys, vreid.training.gpu; print('torch' in sys.modules or 'numpy' in sys.modules)"
    begin = time.monotonic()
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False", time.monotonic() - begin


def test_a_driver_that_hangs_is_a_sentence(tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\nexec sleep 30\n")
    tool.chmod(0o755)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr("vreid.training.gpu._PATIENCE", 0.2)
    with pytest.raises(UserError, match="nvidia-smi did not answer"):
        usable_gpus()
