"""Keeps every run of a paper in one archive, which DVC versions, and takes back those that are missing.

An archive is what a bundle leaves behind, with one run in it: results.json and runs/<run>/. It has the same
bytes for the same run wherever it is packed, so nothing is stored twice, and it is checked like any
stranger's when it is taken back.
"""

import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from vreid.bundle.bring import Brought, bring
from vreid.bundle.results import FILE, Results, RunResult, run_files
from vreid.params.atomic import atomic_path
from vreid.params.digest import file_digest
from vreid.params.plan import Plan, RunPlan

FOLDER = Path("dist/runs")
"""One folder for each paper."""


def keep_runs(plan: Plan, paper: str, folder: Path, home: Path) -> list[str]:
    """Make the archives in `folder` those of the paper's runs in `home`/runs, one each, and no others.

    Archives that hold what is there already are not written again. A run that is not done, or lacks a file,
    is left out. Returns a sentence about each of those.

    Raises:
        UserError: the plan has no such paper.
    """
    runs = _runs_of(plan, paper)
    remarks = []
    for name, run in runs.items():
        files = {file: home / "runs" / name / file for file in run_files(run)}
        absent = [file for file, path in files.items() if not path.is_file()]
        if absent:
            remarks.append(f"{name} has no {absent[0]}, and is not kept")
        else:
            _keep(name, files, plan.preset, folder / f"{name}.tar")
    for archive in folder.glob("*.tar"):
        if archive.stem not in runs:
            archive.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    return remarks


def restore_runs(plan: Plan, papers: Iterable[str], kept: Path, home: Path) -> Brought:
    """Take the runs that `home`/runs lacks out of their archives in `kept`/<paper>.

    A run that is there, even half made, is left to the pipeline; archives of runs that the plan does not ask
    for are passed over.

    Raises:
        UserError: the plan has no such paper, or an archive is damaged or unsafe.
    """
    brought = Brought()
    for paper in papers:
        for name in _runs_of(plan, paper):
            archive = kept / paper / f"{name}.tar"
            if archive.is_file() and not (home / "runs" / name).exists():
                one = bring(archive, lambda _: plan, home)
                brought.taken += one.taken
                brought.kept += one.kept
                brought.refused |= one.refused
                brought.remarks += one.remarks
    return brought


def _runs_of(plan: Plan, paper: str) -> dict[str, RunPlan]:
    """Return the runs that a paper's reports show and whose data is there; another paper may share some."""
    plan.claims_of(paper)
    return {
        run.name: run
        for run in plan.present_runs()
        if any(experiment.startswith(f"{paper}/") for experiment in run.same)
    }


def _keep(name: str, files: Mapping[str, Path], preset: str, out: Path) -> None:
    digests = {file: file_digest(path) for file, path in sorted(files.items())}
    results = Results(
        bundle="",
        preset=preset,
        commit=None,
        environment={},
        seconds=0.0,
        complete=[],
        runs={name: RunResult(state="done", files=digests)},
    )
    head = (results.model_dump_json(indent=1) + "\n").encode()
    if _head(out) == head:
        return
    with atomic_path(out) as temporary, tarfile.open(temporary, "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(_member(FILE, len(head)), io.BytesIO(head))
        for file in digests:
            path = files[file]
            with path.open("rb") as source:
                archive.addfile(_member(f"runs/{name}/{file}", path.stat().st_size), source)


def _member(name: str, size: int) -> tarfile.TarInfo:
    """Describe a file without its time and owner."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return member


def _head(archive: Path) -> bytes | None:
    """Return the results.json of an archive, its first member, which says what the others hold."""
    try:
        with tarfile.open(archive, "r:") as opened:
            first = opened.next()
            source = opened.extractfile(first) if first is not None and first.name == FILE else None
            return source.read() if source is not None else None
    except (OSError, tarfile.TarError):
        return None
