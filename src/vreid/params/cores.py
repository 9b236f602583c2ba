"""How many processor cores this process may use."""

import math
import os
from collections.abc import Iterator
from pathlib import Path


def available_cores(root: Path = Path("/")) -> int:
    """Return the number of cores that this process may use, at least 1.

    These are the cores of its affinity (`taskset`, a scheduler's or container's set of CPUs), but no more
    than the quotas of its control groups (version 1 or 2) keep busy: two for a quota of 1.5.

    Args:
        root: the folder below which proc/ and the control groups are looked for.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [quota for folder in _control_groups(root) if (quota := _quota(folder)) is not None]
    return max(1, min([cores, *map(math.ceil, quotas)]))


def _control_groups(root: Path) -> Iterator[Path]:
    """Yield the folders of this process's control groups and of the groups around them."""
    groups = [line.split(":", 2) for line in _text(root / "proc/self/cgroup").splitlines()]
    for line in _text(root / "proc/self/mountinfo").splitlines():
        place, _, system = line.partition(" - ")
        top, mount = place.split(" ")[3:5]
        kind, _, options = system.split(" ", 2)
        for _, controllers, group in groups:
            version_1 = kind == "cgroup" and "cpu" in controllers.split(",") and "cpu" in options.split(",")
            version_2 = kind == "cgroup2" and not controllers
            if version_1 or version_2:
                yield from _from_inside(root / mount.lstrip("/"), Path(top), Path(group))


def _from_inside(mount: Path, top: Path, group: Path) -> Iterator[Path]:
    """Yield the folders of `group` and of the groups around it, in a `mount` that shows what is in `top`."""
    inside = group.relative_to(top) if group.is_relative_to(top) else Path()
    yield mount / inside
    yield from (mount / around for around in inside.parents)


def _quota(folder: Path) -> float | None:
    """Return how many cores a control group may keep busy, or None if it has no limit."""
    files = ("cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us")  # the first in version 2, the others in 1
    words = " ".join(_text(folder / name) for name in files).split()
    if len(words) != 2 or words[0] in ("max", "-1"):
        return None
    return int(words[0]) / int(words[1])


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
