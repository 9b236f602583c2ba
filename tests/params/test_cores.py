"""The cores of this process, from its affinity and from control groups written here as Linux shows them."""

import os
import subprocess
import sys

import pytest

from vreid.params import cores
from vreid.params.cores import available_cores

V1 = "31 24 0:27 {top} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
V2 = "31 24 0:27 {top} /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
HYBRID = (
    "30 24 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    "32 24 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" + V1
)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Return a function that writes what the kernel of a machine with 16 cores would show."""
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: set(range(16)), raising=False)

    def write(mounts, groups, files):
        proc = tmp_path / "proc" / "self"
        proc.mkdir(parents=True)
        (proc / "mountinfo").write_text(f"24 1 8:1 / / rw - ext4 /dev/root rw\n{mounts}")
        (proc / "cgroup").write_text(groups)
        for name, text in files.items():
            file = tmp_path / "sys" / "fs" / "cgroup" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{text}\n")
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("max 100000", 16),
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("10000 100000", 1),
        ("9900000 100000", 16),
    ],
)
def test_a_container_with_version_2_sees_its_own_group_as_the_top(machine, limit, expected):
    assert available_cores(machine(V2.format(top="/"), "0::/\n", {"cpu.max": limit})) == expected


@pytest.mark.parametrize(("quota", "expected"), [("-1", 16), ("400000", 8), ("60000", 2)])
def test_a_container_with_version_1_is_named_as_outside_and_mounted_as_inside(machine, quota, expected):
    files = {"cpu,cpuacct/cpu.cfs_quota_us": quota, "cpu,cpuacct/cpu.cfs_period_us": "50000"}
    groups = "5:memory:/docker/4f\n4:cpu,cpuacct:/docker/4f\n0::/docker/4f\n"
    assert available_cores(machine(HYBRID.format(top="/docker/4f"), groups, files)) == expected


def test_the_tightest_of_the_groups_around_a_process_counts(machine):
    files = {
        "user.slice/cpu.max": "300000 100000",
        "user.slice/job.scope/cpu.max": "600000 100000",
        "system.slice/cpu.max": "100000 100000",
    }
    assert available_cores(machine(V2.format(top="/"), "0::/user.slice/job.scope\n", files)) == 3


def test_a_mount_that_shows_other_groups_is_read_at_its_top(machine):
    """As in a container that sees its own group as `/` in a folder that was mounted from outside."""
    root = machine(V2.format(top="/kubepods/pod"), "0::/\n", {"cpu.max": "500000 100000"})
    assert available_cores(root) == 5


def test_where_there_are_no_control_groups_the_affinity_counts(tmp_path):
    assert available_cores(tmp_path) == len(os.sched_getaffinity(0))


def test_a_process_that_is_kept_to_one_core_has_one():
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from vreid.params.cores import available_cores; print(available_cores())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
