"""Puts the wheels that a bundle carries on the path of modules; says which libraries are missing.

Standard library alone: it runs before anything else of a bundle does.
"""

import importlib
import importlib.util
import os
import platform
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from vreid.datasets.unpack import unpack_into
from vreid.params.errors import UserError


def use_wheels(folder: Path, place: Path) -> list[Path]:
    """Unpack those wheels of `folder` that fit this Python into `place`, once each; put them on the path.

    They come before what is installed: they are of the versions that the runs were planned with. Returns the
    folders that were added.

    Raises:
        UserError: a wheel is damaged or unsafe, or the disk is full.
    """
    added = [_unpacked(wheel, place) for wheel in sorted(folder.glob("*.whl")) if fits(wheel.name)]
    sys.path[:0] = [str(path) for path in added]
    importlib.invalidate_caches()
    return added


def fits(wheel: str, python: tuple[int, int] | None = None) -> bool:
    """Tell by a wheel's name whether it can be used by `python` (this one if None) on this kind of machine.

    The name ends in -<pythons>-<ABIs>-<platforms>.whl, each several joined by dots (PEP 425).
    """
    minor = (python or sys.version_info)[1]
    pythons, abis, platforms = (part.split(".") for part in wheel.removesuffix(".whl").split("-")[-3:])
    own = f"cp3{minor}"
    stable = "abi3" in abis and any(
        (found := re.fullmatch(r"cp3(\d+)", tag)) is not None and int(found[1]) <= minor for tag in pythons
    )
    pure = "none" in abis and bool({"py3", f"py3{minor}", own} & set(pythons))
    return (pure or stable or (own in pythons and own in abis)) and any(map(_runs_here, platforms))


def missing(needs: Mapping[str, list[str]]) -> list[str]:
    """Return the names of those libraries of which a module is not to be found; `needs` lists the modules."""
    return [
        library
        for library, modules in needs.items()
        if any(importlib.util.find_spec(module) is None for module in modules)
    ]


def _runs_here(tag: str) -> bool:
    """Tell whether a platform tag is of this system, processor and, on Linux, C library."""
    if tag == "any":
        return True
    machine = platform.machine()
    if sys.platform == "darwin":
        return tag.startswith("macosx_") and tag.endswith((machine, "universal2"))
    versioned = re.fullmatch(rf"manylinux_(\d+)_(\d+)_{re.escape(machine)}", tag)
    if versioned is not None:
        return (int(versioned[1]), int(versioned[2])) <= _c_library()
    return tag in {f"{kind}_{machine}" for kind in ("linux", "manylinux1", "manylinux2010", "manylinux2014")}


def _c_library() -> tuple[int, int]:
    """Return the version of the GNU C library; (0, 0) where there is another one."""
    name, version = platform.libc_ver()
    parts = re.match(r"(\d+)\.(\d+)", version)
    return (int(parts[1]), int(parts[2])) if name == "glibc" and parts else (0, 0)


def _unpacked(wheel: Path, place: Path) -> Path:
    """Return the folder with the modules of a wheel, unpacked now if it was not yet, whole or not at all."""
    out = place / wheel.stem
    if out.is_dir():
        return out
    work = place / f".{wheel.stem}.{os.getpid()}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        unpack_into(wheel, work)
        for apart in sorted(work.glob("*.data/*lib")):  # purelib or platlib, which are put beside the rest
            shutil.copytree(apart, work, dirs_exist_ok=True)
        try:
            work.rename(out)
        except OSError:
            if not out.is_dir():  # else another process was faster
                raise UserError(f"{wheel} cannot be unpacked to {out}.") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return out
