"""Packs a bundle: what a list of runs needs to be made on another machine."""

import hashlib
import io
import shutil
import sys
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import vreid
from vreid.bundle import sums
from vreid.bundle.contents import FILE, Bundle
from vreid.bundle.needs import executed_modules, gather_wheels, locked, needed_libraries
from vreid.bundle.order import groups_of
from vreid.params.atomic import atomic_path
from vreid.params.digest import file_digest
from vreid.params.errors import UserError
from vreid.params.models.backbone import rendered_name
from vreid.params.plan import Plan, RunPlan
from vreid.params.read import suggest
from vreid.training.cost import run_costs
from vreid.training.provenance import git_commit

_PRETRAINED = Path("models") / "pretrained"

Content = Path | bytes
"""A file of this machine, or what is to stand in one."""


@dataclass(frozen=True)
class Wanted:
    """Which runs: all of these papers, of these tables (`paper/table`), and these runs; all if none is named.

    A run goes by its name, with or without its digest, or as `paper/experiment` (all datasets and seeds).
    """

    papers: Sequence[str] = ()
    tables: Sequence[str] = ()
    runs: Sequence[str] = ()


@dataclass(frozen=True)
class Made:
    """What was packed: the bundle, the number of its files, and remarks for the user."""

    bundle: Bundle
    files: int
    remarks: tuple[str, ...]


def make_bundle(
    plan: Plan,
    wanted: Wanted,
    out: Path,
    *,
    with_data: bool = False,
    wheels: Path | None = None,
    pythons: Sequence[tuple[int, int]] = (),
    lock: Path = Path("requirements.lock"),
) -> Made:
    """Write the bundle to `out`: a new folder or, if its name ends in .tar, an archive that never differs.

    With `with_data` the packed images of the runs are packed too, else the recipe that renders them. `wheels`
    is a folder with wheels to carry, for the `pythons` (this one if none); what it lacks is fetched by pip.

    Raises:
        UserError: `out` exists, a name is wrong, or something that has to be packed is missing.
    """
    if out.exists():
        raise UserError(f"{out} is there already: move it away, or give another name.")
    runs = {run.name: run for run in chosen_runs(plan, wanted)}
    datasets = {name: plan.datasets[name] for name in sorted({run.config.dataset for run in runs.values()})}
    real = [dataset.name for dataset in datasets.values() if dataset.source == "real"]
    if real and not with_data:
        raise UserError(f"{', '.join(real)}: real data cannot be rendered elsewhere: pack with --with-data.")
    modules = executed_modules(runs.values(), datasets.values())
    bundle = Bundle(
        preset=plan.preset,
        preset_label=plan.preset_label,
        commit=git_commit(),
        datasets=datasets,
        runs=runs,
        groups=groups_of(plan, runs),
        costs={name: cost.work for name, cost in run_costs(plan, {}).items() if name in runs},
        needs=needed_libraries(modules),
    )
    requirements = locked(lock, bundle.needs)
    files: dict[str, Content] = {
        FILE: (bundle.model_dump_json(indent=1) + "\n").encode(),
        "requirements.txt": requirements.encode(),
        "vreid/commit.txt": f"{bundle.commit or ''}\n".encode(),
        **_code(modules),
        **_weights(runs.values()),
    }
    files |= _data(bundle) if with_data else {}
    if wheels is not None:
        found = gather_wheels(requirements, wheels, pythons or [sys.version_info[:2]])
        files |= {f"wheels/{wheel.name}": wheel for wheel in found}
    files[sums.NAME] = sums.as_text({name: _digest(content) for name, content in files.items()}).encode()
    (_write_archive if out.suffix == ".tar" else _write_folder)(files, out)
    return Made(bundle, len(files), tuple(_remarks(bundle, wheels is not None)))


def chosen_runs(plan: Plan, wanted: Wanted) -> list[RunPlan]:
    """Return the runs of `plan` that are wanted, in its order.

    Raises:
        UserError: a name is wrong, or the data of none of them is there.
    """
    known = {
        "paper": (wanted.papers, sorted({run.paper for run in plan.runs.values()})),
        "table": (wanted.tables, list(plan.tables)),
    }
    for kind, (names, valid) in known.items():
        for name in names:
            if name not in valid:
                raise UserError(f"the plan has no {kind} {name}{suggest(name, valid)}.")
    chosen = {name for name, run in plan.runs.items() if run.paper in wanted.papers}
    for table in wanted.tables:
        chosen |= {name for row in plan.tables[table].rows for cell in row.cells for name in cell.runs}
    for name in wanted.runs:
        alike = {run.name for run in plan.runs.values() if name in run.same}
        chosen |= alike or {plan.run(name).name}
    everything = not (wanted.papers or wanted.tables or wanted.runs)
    runs = [run for run in plan.present_runs() if everything or run.name in chosen]
    if not runs:
        raise UserError(f"no run of the preset {plan.preset} is left to pack: its data is not in place.")
    return runs


def _code(modules: Iterable[str]) -> dict[str, Content]:
    """Return the files of the modules, by their place in the bundle."""
    package = Path(vreid.__file__).parent
    files: dict[str, Content] = {}
    for module in modules:
        inner = Path(*module.split(".")[1:])
        path = inner / "__init__.py" if (package / inner).is_dir() else inner.with_suffix(".py")
        files[f"vreid/{path.as_posix()}"] = package / path
    return files


def _weights(runs: Iterable[RunPlan]) -> dict[str, Content]:
    """Return the shipped weights that runs start from, each with its manifest."""
    package = Path(vreid.__file__).parent
    names = {
        rendered_name(part["name"], part["width"], part.get("depth", 1.0))
        for part, given in _starts(runs)
        if given == "rendered"
    }
    files: dict[str, Content] = {}
    for name in sorted(names):
        for suffix in (".safetensors", ".json"):
            path = (_PRETRAINED / name).with_suffix(suffix)
            if not (package / path).is_file():
                raise UserError(f"{package / path} is missing: runs start from it (`vreid pretrain --help`).")
            files[f"vreid/{path.as_posix()}"] = package / path
    return files


def _starts(runs: Iterable[RunPlan]) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """Yield every part of a model that names weights to start from, and which."""
    waiting: list[Any] = [run.config.model.model_dump(mode="json") for run in runs]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            if part.get("weights") is not None:
                yield part, part["weights"]
            waiting += part.values()


def _data(bundle: Bundle) -> dict[str, Content]:
    """Return the files of all packs, indices and splits that the runs read.

    Raises:
        UserError: one is missing.
    """
    files: dict[str, Content] = {}
    for dataset in bundle.datasets.values():
        folders = [pack.folder for pack in bundle.packs_of(dataset.name)]
        for path in (dataset.index, dataset.splits, *folders):
            if not Path(path).exists():
                raise UserError(f"{path} is not there: `snakemake --cores 2 datasets` makes it; then pack.")
        files |= {path: Path(path) for path in (dataset.index, dataset.splits)}
        files |= {file.as_posix(): file for folder in folders for file in sorted(Path(folder).iterdir())}
    return files


def _remarks(bundle: Bundle, carried: bool) -> Iterator[str]:
    """Say what the other machine has to have besides."""
    if not carried:
        yield (
            "it carries no wheels: where it runs there must be what its requirements.txt names, or pack with "
            "--with-wheels"
        )
    published = [given for _, given in _starts(bundle.runs.values()) if given != "rendered"]
    if published:
        kinds = sorted({given if isinstance(given, str) else "published" for given in published})
        yield (
            f"runs start from weights that it does not carry ({', '.join(kinds)}): put their files where "
            "VREID_WEIGHTS says on that machine"
        )
    real = [dataset.name for dataset in bundle.datasets.values() if dataset.source == "real"]
    if real:
        yield f"it speaks of real data ({', '.join(real)}): mind its terms before it leaves this machine"


def _digest(content: Content) -> str:
    return hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else file_digest(content)


def _write_folder(files: Mapping[str, Content], out: Path) -> None:
    work = out.with_name(f".{out.name}.making")
    shutil.rmtree(work, ignore_errors=True)
    try:
        for name, content in files.items():
            target = work / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                target.write_bytes(content)
            else:
                shutil.copyfile(content, target)
        work.rename(out)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _write_archive(files: Mapping[str, Content], out: Path) -> None:
    """Write a tar archive with one folder, called like it; no time and no owner of this machine is in it."""
    with atomic_path(out) as temporary, tarfile.open(temporary, "w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(files):
            content = files[name]
            member = tarfile.TarInfo(f"{out.stem}/{name}")
            member.mode = 0o644
            if isinstance(content, bytes):
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            else:
                member.size = content.stat().st_size
                with content.open("rb") as file:
                    archive.addfile(member, file)
