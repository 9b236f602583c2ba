"""Brings runs home that were made elsewhere: checked one by one, then put in place whole."""

import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from vreid.bundle import sums
from vreid.bundle.checks import check_run
from vreid.bundle.results import FILE, Results, RunResult, run_files
from vreid.datasets.packed import MANIFEST
from vreid.datasets.unpack import unpack_into
from vreid.params.digest import file_digest
from vreid.params.errors import UserError
from vreid.params.plan import Plan, RunPlan

_RESULT = ("config.json", "model.safetensors", "history.parquet")
"""What two trainings of one run on one kind of CPU agree in; the other files say when and for how long."""


@dataclass
class Brought:
    """What came of each run: brought, here already, refused with a sentence; and remarks."""

    taken: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def in_lines(self) -> Iterator[str]:
        """Yield it line by line."""
        for name in self.taken:
            yield f"brought home: {name}"
        for name in self.kept:
            yield f"here already, with the same weights: {name}"
        for name, why in self.refused.items():
            yield f"refused: {name}: {why}"
        for remark in self.remarks:
            yield f"note: {remark}"
        yield f"{len(self.taken)} brought home, {len(self.kept)} here already, {len(self.refused)} refused"


def bring(source: Path, plan_of: Callable[[str], Plan], home: Path) -> Brought:
    """Take the runs that are done in `source` over into `home`/runs.

    `source` is a folder with results.json, or a tar or zip archive of one; `plan_of` returns the plan of a
    preset. A run is taken if this plan asks for it, its configuration, data and code are the plan's, and its
    files are those that results.json lists, no more and no fewer, and readable. Nothing that is here already
    is overwritten, and nothing that could execute code is read.

    Raises:
        UserError: there are no results in `source`, or the archive is unsafe.
    """
    brought = Brought()
    with _opened(source, home) as folder:
        results = Results.read(folder)
        if not results.preset.isidentifier():
            raise UserError(f"{folder / FILE} names a preset that cannot be one: {results.preset!r}.")
        plan = plan_of(results.preset)
        for name, result in results.runs.items():
            if result.state != "done":
                brought.remarks.append(f"{name} is not done there ({result.state}), and stays there")
                continue
            try:
                _bring_one(name, result, folder, plan, home, brought)
            except UserError as error:
                brought.refused[name] = str(error)
    return brought


def _bring_one(name: str, result: RunResult, source: Path, plan: Plan, home: Path, brought: Brought) -> None:
    if name not in plan.runs:
        raise UserError(
            f"the preset {plan.preset} has no such run here: it was made with another configuration, other "
            "data or other code. Check out the commit that the bundle was made from, or make it anew."
        )
    run = plan.runs[name]
    files = _own_files(run, source / "runs" / name, result, brought)
    target = home / "runs" / name
    work = home / "runs" / f".{name}.importing"
    shutil.rmtree(work, ignore_errors=True)
    try:
        for file in files:
            _copy(source / "runs" / name / file, work / file, result.files[file])
        remarks = check_run(work, run)
        _compare_packs(name, result, home, brought)
        if not target.exists():
            work.replace(target)
            brought.taken.append(name)
        else:
            _complete(target, work, files)
            brought.kept.append(name)
        brought.remarks += [f"{name}: {remark}" for remark in remarks]
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _own_files(run: RunPlan, folder: Path, result: RunResult, brought: Brought) -> list[str]:
    """Return the files to take, in the order in which a run writes them.

    An evaluation by other code than is here is left behind: the pipeline evaluates again from the features.

    Raises:
        UserError: the folder holds something else than plain files of a run, or lacks some of them.
    """
    wanted = run_files(run)
    found = set(_plain_files(folder))
    left = {name for name in found if _is_evaluation(name) and name not in wanted}
    if foreign := sorted(found - set(wanted) - left):
        raise UserError(f"it holds {foreign[0]!r}, which no run writes.")
    if absent := [name for name in wanted if name not in found and not _is_evaluation(name)]:
        raise UserError(f"it lacks {absent[0]}.")
    taken = [name for name in wanted if name in found]
    if unlisted := [name for name in taken if name not in result.files]:
        raise UserError(f"{FILE} does not list its {unlisted[0]}.")
    if left or len(taken) < len(wanted):
        brought.remarks.append(f"{run.name} was evaluated by other code: it will be evaluated again here")
    return taken


def _is_evaluation(name: str) -> bool:
    folder, _, file = name.partition("/")
    return folder.startswith("eval-") and file in ("evaluation.json", "per_query.parquet")


def _plain_files(folder: Path) -> Iterator[str]:
    """Yield the files below `folder`, all of them plain; hidden ones, left half written, are passed over."""
    if folder.is_symlink() or not folder.is_dir():
        raise UserError("its folder is missing.")
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent) / name
            kind = path.lstat().st_mode
            if stat.S_ISDIR(kind) or name.startswith("."):
                continue
            if not stat.S_ISREG(kind):
                raise UserError(f"{path.relative_to(folder)} is a link or a device; links are not followed.")
            yield path.relative_to(folder).as_posix()


def _copy(source: Path, target: Path, digest: str) -> None:
    """Copy a file, and compare the copy's digest: what is checked is what is taken."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target, follow_symlinks=False)
    if target.is_symlink() or file_digest(target) != digest:
        raise UserError(f"{source.name} is not the file that {FILE} speaks of: its SHA-256 differs.")


def _complete(target: Path, work: Path, files: list[str]) -> None:
    """Add to a run that is here what it lacks; overwrite nothing.

    Raises:
        UserError: it is here with other weights, or only in part.
    """
    for name in _RESULT:
        here = target / name
        if not here.is_file() or file_digest(here) != file_digest(work / name):
            state = "with another content" if here.is_file() else "half made"
            raise UserError(
                f"{target} is here already, {state} ({name}), and is not overwritten: remove it if the one "
                "from elsewhere is to stand."
            )
    for name in files:
        if not (target / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).replace(target / name)


def _compare_packs(name: str, result: RunResult, home: Path, brought: Brought) -> None:
    """Remark on images that are rendered in the same way, and are not the same to the last bit."""
    for path, content in result.packs.items():
        manifest = home / path / MANIFEST
        if not sums.stays_inside(path) or not manifest.is_file():
            continue
        if json.loads(manifest.read_bytes()).get("content") != content:
            brought.remarks.append(
                f"{name} was made on images that differ in some bits from {path} here: another kind of "
                "processor, or other versions of Pillow, numpy or embreex, rendered them"
            )


@contextmanager
def _opened(source: Path, home: Path) -> Iterator[Path]:
    """Yield the folder with results.json: `source`, or where the archive is unpacked to for the while."""
    if source.is_dir():
        yield source
        return
    if not source.is_file():
        raise UserError(f"{source} is not there: name the folder with {FILE}, or an archive of it.")
    (home / ".vreid").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home / ".vreid", prefix="importing-") as unpacked:
        folder = Path(unpacked)
        unpack_into(source, folder)
        inner = [path for path in folder.iterdir() if path.is_dir()]
        yield inner[0] if not (folder / FILE).is_file() and len(inner) == 1 else folder
