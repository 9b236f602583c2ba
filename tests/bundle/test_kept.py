"""Archives of runs: one for each, the same bytes wherever it is made, and no others."""

import os
import tarfile
from pathlib import Path

import pytest

from vreid.bundle.kept import keep_runs, restore_runs
from vreid.bundle.results import run_files
from vreid.params.errors import UserError
from vreid.params.plan import Plan, RunPlan

PAPER = "se_densenet"


def write_run(run: RunPlan, home: Path, *, without: str | None = None, age: int = 0) -> None:
    """Write the files of a run; what stands in them is nothing that keeping asks for."""
    for name in run_files(run):
        file = home / "runs" / run.name / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if name != without:
            file.write_text(f"{run.name}: {name}")
            os.utime(file, (1_700_000_000 + age,) * 2)


@pytest.fixture
def home(demo: Plan, tmp_path: Path) -> Path:
    """Every planned run is made, and some more beside one."""
    for run in demo.runs.values():
        write_run(run, tmp_path / "home")
    left_over = next(iter(demo.runs)) + "/eval-00000000/evaluation.json"
    (tmp_path / "home/runs" / left_over).parent.mkdir()
    (tmp_path / "home/runs" / left_over).write_text("{}")
    return tmp_path / "home"


def test_each_planned_run_has_one_archive_of_just_its_files(demo: Plan, home: Path):
    kept = home / "kept"
    assert keep_runs(demo, PAPER, kept, home) == []
    assert sorted(path.stem for path in kept.iterdir()) == sorted(demo.runs)
    for name, run in demo.runs.items():
        with tarfile.open(kept / f"{name}.tar") as archive:
            held = {member.name: archive.extractfile(member).read() for member in archive}
        del held["results.json"]
        expected = {f"runs/{name}/{file}": f"{name}: {file}".encode() for file in run_files(run)}
        assert held == expected


def test_archives_are_the_same_bytes_in_another_place_at_another_time(demo: Plan, home: Path, tmp_path: Path):
    keep_runs(demo, PAPER, home / "kept", home)
    for run in demo.runs.values():
        write_run(run, tmp_path / "there", age=1000)
    keep_runs(demo, PAPER, tmp_path / "there/kept", tmp_path / "there")
    for archive in (home / "kept").iterdir():
        assert (tmp_path / "there/kept" / archive.name).read_bytes() == archive.read_bytes()


def test_an_archive_is_written_again_only_if_its_run_is_another(demo: Plan, home: Path):
    kept = home / "kept"
    keep_runs(demo, PAPER, kept, home)
    first, second, *_ = demo.runs
    before = {name: (kept / f"{name}.tar").stat().st_ino for name in (first, second)}
    (home / "runs" / first / "run.json").write_text("another")
    keep_runs(demo, PAPER, kept, home)
    assert (kept / f"{second}.tar").stat().st_ino == before[second]
    with tarfile.open(kept / f"{first}.tar") as archive:
        assert archive.extractfile(f"runs/{first}/run.json").read() == b"another"


def test_what_is_not_planned_goes_and_what_is_not_done_is_told(demo: Plan, home: Path):
    kept = home / "kept"
    first, *_ = demo.runs
    kept.mkdir()
    (kept / "se_densenet-baseline-veri776-s0-0000000000.tar").write_bytes(b"of another day")
    (home / "runs" / first / "model.safetensors").unlink()
    assert keep_runs(demo, PAPER, kept, home) == [f"{first} has no model.safetensors, and is not kept"]
    assert sorted(path.stem for path in kept.iterdir()) == sorted(set(demo.runs) - {first})
    with pytest.raises(UserError, match="no paper dap"):
        keep_runs(demo, "dap", kept, home)


def test_runs_that_are_there_are_left_and_strange_files_are_refused(demo: Plan, home: Path, tmp_path: Path):
    first, *others = demo.runs
    keep_runs(demo, PAPER, home / "kept" / PAPER, home)
    new = tmp_path / "new"
    for name in others:
        (new / "runs" / name).mkdir(parents=True)
    brought = restore_runs(demo, [PAPER], home / "kept", new)
    assert list(brought.refused) == [first]  # its files hold no run
    assert "config.json cannot be read" in brought.refused[first]
    assert not (new / "runs" / first).exists()
    assert not [file for name in others for file in (new / "runs" / name).iterdir()]


def test_a_damaged_archive_is_a_sentence(demo: Plan, home: Path, tmp_path: Path):
    keep_runs(demo, PAPER, home / "kept" / PAPER, home)
    archive = home / "kept" / PAPER / f"{next(iter(demo.runs))}.tar"
    archive.write_bytes(archive.read_bytes()[:2000])
    with pytest.raises(UserError, match="damaged"):
        restore_runs(demo, [PAPER], home / "kept", tmp_path / "new")
