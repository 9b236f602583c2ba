"""What a bundle has to bring along: the modules that its runs execute, and the libraries they import."""

import ast
import importlib.metadata
import importlib.util
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from packaging.requirements import Requirement

from vreid.bundle.wheels import fits
from vreid.params.digest import file_digest
from vreid.params.errors import UserError
from vreid.params.fingerprint import PACKAGE, import_closure
from vreid.params.plan import DatasetPlan, RunPlan

PRESENT = ("torch", "torchvision", "timm", "numpy")
"""What is there on a machine for PyTorch; everything else is brought."""

OPTIONAL = ("rich",)
"""Used where it is there, and not missed where it is not."""

ENTRIES = ("bundle.__main__", "bundle.run", "bundle.job", "bundle.prepare", "training.server")


def executed_modules(runs: Iterable[RunPlan], datasets: Iterable[DatasetPlan]) -> set[str]:
    """Return the modules of this package that making `runs` from nothing executes.

    What is imported by name is what runs and datasets name: models, losses, adapters, writers.
    """
    roots = {f"{PACKAGE}.{entry}" for entry in ENTRIES}
    for run in runs:
        roots |= {f"{PACKAGE}.models.{run.config.model.name}"}
        roots |= {f"{PACKAGE}.losses.{loss.name}" for loss in run.config.losses}
    for dataset in datasets:
        roots.add(f"{PACKAGE}.datasets.adapters.{dataset.spec.adapter}")
        if dataset.source == "synthetic":
            roots.add(f"{PACKAGE}.synthetic.writers.{dataset.name}")
    return import_closure(roots)


def needed_libraries(modules: Iterable[str]) -> dict[str, list[str]]:
    """Return the libraries that `modules` import, and those that these require, but for the `PRESENT` ones.

    They go by their names in an index; each with the modules of it that can be imported.
    """
    provided = importlib.metadata.packages_distributions()
    imported = {name for module in modules for name in _imported(module) if name in provided}
    names = {_canonical(library) for name in imported for library in provided[name]}
    found: dict[str, list[str]] = {}
    for library in sorted(_with_required(names)):
        offered = [name for name, of in provided.items() if library in map(_canonical, of)]
        direct = [name for name in offered if name in imported]
        found[library] = sorted(direct or [name for name in offered if not name.startswith("_")])
    return found


def locked(lock: Path, libraries: Iterable[str]) -> str:
    """Return those lines of a lock file that pin `libraries`, with their digests, for `pip --require-hashes`.

    Raises:
        UserError: the file is missing, or one of the libraries is not in it.
    """
    try:
        text = re.sub(r"^ +#.*\n", "", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)
    except OSError:
        raise UserError(f"{lock} is missing: run this in a clone of vreid.") from None
    blocks: dict[str, str] = {}
    for block in re.findall(r"^[A-Za-z0-9].*\n(?: .*\n)*", text, flags=re.MULTILINE):
        name = _canonical(re.split("[=\\[ ]", block, maxsplit=1)[0])
        blocks[name] = blocks.get(name, "") + block
    if absent := [library for library in libraries if library not in blocks]:
        raise UserError(f"{lock} pins no {', '.join(absent)}: `make lock` resolves it anew.")
    return "".join(blocks[library] for library in libraries)


def gather_wheels(requirements: str, folder: Path, pythons: Iterable[tuple[int, int]]) -> list[Path]:
    """Return the wheels of `folder` that `requirements` (`locked`) ask for, for each of the `pythons`.

    Those that `folder` lacks are fetched into it by pip, from the index that pip is set to use. A wheel
    counts only if its digest is one of the lock's.

    Raises:
        UserError: wheels are missing and cannot be fetched.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pins = _pins(requirements)
    found: set[Path] = set()
    for python in pythons:
        absent = [name for name in pins if _wheel_of(name, pins, folder, python) is None]
        if absent:
            complaint = _fetch(requirements, folder, python)
            absent = [name for name in pins if _wheel_of(name, pins, folder, python) is None]
        if absent:
            version = ".".join(map(str, python))
            raise UserError(
                f"{folder} lacks wheels for Python {version} of {', '.join(absent)}, and pip could not fetch "
                f"them ({complaint}). Put them there: versions and digests are those of requirements.lock."
            )
        found |= {wheel for name in pins if (wheel := _wheel_of(name, pins, folder, python))}
    return sorted(found)


def _imported(module: str) -> Iterator[str]:
    """Yield the outermost names of what a module imports when it runs, the optional libraries left out."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return
    for node in _executed(ast.parse(Path(spec.origin).read_bytes())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        for name in names:
            outermost = name.partition(".")[0]
            if outermost not in (PACKAGE, *OPTIONAL, *sys.stdlib_module_names):
                yield outermost


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a syntax tree but those that only type checkers look at."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for_types = isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        waiting.extend([] if for_types else ast.iter_child_nodes(node))


def _with_required(names: Iterable[str]) -> set[str]:
    """Add to the libraries those that they require here, and drop those that are present."""
    found: set[str] = set()
    waiting = [name for name in names if name not in PRESENT]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            asked = map(Requirement, importlib.metadata.requires(name) or [])
            required = [
                _canonical(one.name)
                for one in asked
                if one.marker is None or one.marker.evaluate({"extra": ""})
            ]
            waiting += [one for one in required if one not in (*PRESENT, *OPTIONAL)]
    return found


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _pins(requirements: str) -> dict[str, set[str]]:
    """Return the digests of each library's files."""
    blocks = re.findall(r"^([A-Za-z0-9._-]+)==.*\n((?: .*\n)*)", requirements, flags=re.MULTILINE)
    pins: dict[str, set[str]] = {}
    for name, lines in blocks:
        pins.setdefault(_canonical(name), set()).update(re.findall("sha256:([0-9a-f]{64})", lines))
    return pins


def _wheel_of(name: str, pins: Mapping[str, set[str]], folder: Path, python: tuple[int, int]) -> Path | None:
    for wheel in sorted(folder.glob("*.whl")):
        own = _canonical(wheel.name.partition("-")[0]) == name
        if own and fits(wheel.name, python) and file_digest(wheel) in pins[name]:
            return wheel
    return None


def _fetch(requirements: str, folder: Path, python: tuple[int, int]) -> str:
    """Let pip fetch wheels for `python` and this kind of machine; return the last thing that it said."""
    version = ".".join(map(str, python))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(requirements)
        file.flush()
        pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--require-hashes"]
        kind = ["--no-deps", "--only-binary=:all:", "--dest", str(folder)]
        if python != sys.version_info[:2]:
            kind += ["--python-version", version, "--implementation", "cp"]
            kind += [option for tag in _linux_tags() for option in ("--platform", tag)]
        done = subprocess.run(
            [*pip, *kind, "--requirement", file.name], capture_output=True, text=True, check=False
        )
    lines = (done.stderr or done.stdout).strip().splitlines()
    return lines[-1] if lines else f"it ended with {done.returncode}"


def _linux_tags() -> list[str]:
    machine = platform.machine()
    return [f"manylinux{version}_{machine}" for version in ("_2_28", "_2_27", "_2_17", "2014")] + ["any"]
