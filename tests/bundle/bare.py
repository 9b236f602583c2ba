"""A second environment with a few of this one's libraries and nothing else, made without downloading."""

import re
import sys
import venv
from collections.abc import Iterable
from importlib.metadata import distribution, requires
from pathlib import Path

from packaging.requirements import Requirement

PYTORCH = ("torch", "torchvision", "timm", "numpy")


def bare_environment(folder: Path, libraries: Iterable[str]) -> Path:
    """Make an environment with links to the installed `libraries` and what they require; its Python."""
    venv.create(folder, symlinks=True, with_pip=False)
    site = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    for library in sorted(_with_required(libraries)):
        found = distribution(library)
        for top in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
            link = site / top
            if not link.exists():
                link.symlink_to(Path(str(found.locate_file(top))))
    return folder / "bin" / "python"


def _with_required(libraries: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(libraries)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name not in found:
            found.add(name)
            for one in map(Requirement, requires(name) or []):
                if one.marker is None or one.marker.evaluate({"extra": ""}):
                    waiting.append(one.name)
    return found
