"""Runs that are made in an environment with PyTorch alone come home, and are what they would be here."""

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tests.bundle.bare import PYTORCH, bare_environment
from tests.workflow.project import Project

from vreid.bundle.bring import bring
from vreid.bundle.contents import Places
from vreid.bundle.make import Wanted, make_bundle
from vreid.bundle.prepare import is_prepared, prepare
from vreid.bundle.results import Results, RunResult, run_files
from vreid.datasets.packed import PackedImages
from vreid.params.digest import file_digest
from vreid.params.errors import UserError
from vreid.params.plan import Plan

pytestmark = [pytest.mark.pipeline, pytest.mark.xdist_group("pipeline")]

NAMES = ("se_densenet-baseline-veri776-s0", "se_densenet-proposed-veri776-s0")
TABLE = "reports/tables/se_densenet/table1"
DECIDED = ("config.json", "model.safetensors", "history.parquet", "features", "features-darkened", "eval-*")
"""What of a run must have the same bytes wherever it is made; the rest says when, and how long it took."""
MADE = {
    "render",
    "verify",
    "split",
    "pack",
    "darken",
    "pack_darkened",
    "baselines",
    "train",
    "extract",
    "evaluate",
}
"""The rules below the reports."""


class Elsewhere:
    """A bare environment with an unpacked bundle."""

    def __init__(self, folder: Path, archive: Path) -> None:
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
        self.bundle = folder / archive.stem
        needs = json.loads((self.bundle / "bundle.json").read_text())["needs"]
        self.python = bare_environment(folder / "environment", [*PYTORCH, *needs])
        self.out = folder / "out"

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.defpath, "HOME": str(self.out), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [str(self.python), *arguments],
            cwd=self.bundle,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )


def decided(run: Path) -> dict[str, bytes]:
    found = [file for name in DECIDED for file in run.glob(name)]
    files = [inner for file in found for inner in ([file] if file.is_file() else file.iterdir())]
    return {file.relative_to(run).as_posix(): file.read_bytes() for file in files}


def test_two_runs_are_made_in_a_bare_environment_and_come_home(finished: Project, tmp_path: Path):
    finished.call("vreid", "bundle", "make", "--runs", ",".join(NAMES), str(tmp_path / "two.tar"))
    there = Elsewhere(tmp_path / "there", tmp_path / "two.tar")
    for library in ("pandas", "snakemake", "dvc", "mlflow", "matplotlib", "vreid.cli", "vreid.reporting"):
        assert "ModuleNotFoundError" in there.call("-c", f"import {library}").stderr

    command = ("-m", "vreid.bundle", "run", ".", "--out", str(there.out), "--jobs", "2")
    stopped = there.call(*command, "--max-minutes", "0.01")
    assert stopped.returncode == 75, stopped.stdout + stopped.stderr
    done = there.call(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 runs: 2 done" in there.call("-m", "vreid.bundle", "status", str(there.out)).stdout
    runs = sorted(path.name for path in (there.out / "runs").iterdir())
    assert [name.rpartition("-")[0] for name in runs] == list(NAMES)
    for name in runs:
        here = decided(finished.folder / "runs" / name)
        assert decided(there.out / "runs" / name) == here
        assert len(here) >= 3 + 5 + 2
        records = [
            json.loads((folder / "runs" / name / "run.json").read_text())
            for folder in (there.out, finished.folder)
        ]
        assert records[0]["git_commit"] == records[1]["git_commit"]

    home = Project(tmp_path / "home")
    shutil.copytree(finished.folder, home.folder, symlinks=True, ignore=shutil.ignore_patterns("server"))
    table = (home.folder / f"{TABLE}.json").read_bytes(), (home.folder / f"{TABLE}.md").read_bytes()
    for name in runs:
        shutil.rmtree(home.folder / "runs" / name)
    shutil.rmtree(home.folder / "reports")
    assert [rule for rule, _ in home.planned_jobs()].count("train") == 2
    said = home.call("vreid", "bundle", "import", str(there.out)).stdout
    assert "2 brought home, 0 here already, 0 refused" in said
    rules = {rule for rule, _ in home.planned_jobs()}
    assert {"table", "figure", "claims", "page"} <= rules
    assert rules.isdisjoint(MADE)
    home.call("snakemake", "--cores", "1", "--", f"{TABLE}.md")
    assert table == ((home.folder / f"{TABLE}.json").read_bytes(), (home.folder / f"{TABLE}.md").read_bytes())
    assert "0 brought home, 2 here already" in home.call("vreid", "bundle", "import", str(there.out)).stdout


@pytest.fixture(scope="module")
def plan(finished: Project) -> Plan:
    return Plan.model_validate_json(finished.call("vreid", "plan", "--json").stdout)


@pytest.fixture
def results(finished: Project, plan: Plan, tmp_path: Path) -> Path:
    """A folder with one run as a bundle leaves it."""
    folder = tmp_path / "results"
    run = plan.run(NAMES[0])
    shutil.copytree(finished.folder / "runs" / run.name, folder / "runs" / run.name)
    write_results(folder, run.name, run_files(run))
    return folder


def write_results(folder: Path, name: str, files: list[str], **changes: str) -> None:
    """Write results.json with the digests that the files have now."""
    there = [file for file in files if (folder / "runs" / name / file).is_file()]
    digests = {file: file_digest(folder / "runs" / name / file) for file in there}
    Results(
        **{
            "bundle": "0" * 64,
            "preset": "micro",
            "commit": None,
            "environment": {},
            "seconds": 1.0,
            "complete": [],
            "runs": {name: RunResult(state="done", files=digests)},
            **changes,
        }
    ).write(folder)


def the_run(results: Path) -> Path:
    (run,) = (results / "runs").iterdir()
    return run


def refused(results: Path, plan: Plan) -> str:
    """Import into an empty project; return why the one run was refused. Nothing is left behind."""
    home = results.parent / "home"
    brought = bring(results, lambda preset: plan, home)
    assert brought.taken == brought.kept == []
    assert not (home / "runs").exists() or list((home / "runs").iterdir()) == []
    (sentence,) = brought.refused.values()
    return sentence


def signed(results: Path, plan: Plan) -> None:
    """Let results.json list the files as they are: who changes a file can change that too."""
    name = the_run(results).name
    write_results(results, name, run_files(plan.runs[name]))


def test_carried_data_needs_no_rendering(finished: Project, plan: Plan, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(finished.folder)
    made = make_bundle(plan, Wanted(runs=NAMES), tmp_path / "whole", with_data=True)
    places = Places(tmp_path / "whole", tmp_path / "elsewhere")
    dataset = plan.datasets["veri776"]
    assert [pack.darkened for pack in made.bundle.packs_of("veri776")] == [False, True]
    assert is_prepared(made.bundle, dataset, places)
    prepare(made.bundle, "veri776", places, workers=1)
    assert not (tmp_path / "elsewhere").exists()
    for pack in made.bundle.packs_of("veri776"):
        images = PackedImages.open(places.of(pack.folder)).images
        assert places.of(pack.folder).is_relative_to(tmp_path / "whole")
        assert images.shape[1:] == (pack.size.height, pack.size.width, 3)


def test_an_archive_comes_home_like_the_folder(results: Path, plan: Plan, tmp_path: Path):
    with tarfile.open(tmp_path / "results.tar.gz", "w:gz") as archive:
        archive.add(results, "anything")
    home = tmp_path / "home"
    brought = bring(tmp_path / "results.tar.gz", lambda preset: plan, home)
    assert brought.taken == [the_run(results).name]
    assert decided(home / "runs" / the_run(results).name) == decided(the_run(results))
    assert list((home / ".vreid").iterdir()) == []


def test_a_file_that_changed_on_the_way_is_refused(results: Path, plan: Plan):
    with (the_run(results) / "model.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))
    assert "model.safetensors is not the file" in refused(results, plan)


def test_another_configuration_is_refused(results: Path, plan: Plan):
    file = the_run(results) / "config.json"
    config = json.loads(file.read_text())
    file.write_text(json.dumps({**config, "code": "0" * 16}))
    signed(results, plan)
    assert f"`code` is {'0' * 16}, not {config['code']}" in refused(results, plan)


def test_a_run_that_params_does_not_ask_for_is_refused(results: Path, plan: Plan):
    others = {name: run for name, run in plan.runs.items() if name != the_run(results).name}
    reason = refused(results, plan.model_copy(update={"runs": others}))
    assert "has no such run here: it was made with another configuration, other data or other code" in reason


def test_a_foreign_file_is_refused(results: Path, plan: Plan):
    (the_run(results) / "model.pt").write_bytes(b"\x80\x04.")
    assert "it holds 'model.pt', which no run writes" in refused(results, plan)


def test_a_link_is_refused_even_to_the_right_content(results: Path, plan: Plan):
    file = the_run(results) / "history.parquet"
    file.rename(results / "history.parquet")
    file.symlink_to("../../history.parquet")
    assert "history.parquet is a link or a device" in refused(results, plan)


def test_a_missing_file_is_refused(results: Path, plan: Plan):
    (the_run(results) / "features/after_neck.npy").unlink()
    assert "it lacks features/after_neck.npy" in refused(results, plan)


def test_pickled_arrays_are_refused_unread(results: Path, plan: Plan, tmp_path: Path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "sprung",)

    np.save(the_run(results) / "features/rows.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    signed(results, plan)
    assert "features/rows.npy is no file of numbers" in refused(results, plan)
    assert not (tmp_path / "sprung").exists()


def change_weights(results: Path, change, **metadata: str) -> None:
    file = the_run(results) / "model.safetensors"
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file, {"classes": "6", **metadata})


def a_nan(tensors):
    name = next(name for name, value in tensors.items() if value.dtype == np.float32)
    return {name: np.full_like(tensors[name], np.nan)}


@pytest.mark.parametrize(
    ("change", "metadata", "sentence"),
    [
        (lambda tensors: tensors.popitem(), {}, "does not hold the weights of se_densenet"),
        (lambda tensors: tensors.update(x=np.ones(3)), {}, "does not hold the weights of se_densenet"),
        (lambda tensors: tensors.update(a_nan(tensors)), {}, "numbers that are not finite"),
        (lambda tensors: None, {"classes": "9" * 12}, "does not say for how many identities"),
    ],
)
def test_other_weights_are_refused(results: Path, plan: Plan, change, metadata, sentence):
    change_weights(results, change, **metadata)
    signed(results, plan)
    assert sentence in refused(results, plan)


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("history.parquet", b"no table", "history.parquet cannot be read as Parquet"),
        ("run.json", b'{"run": "another"}', "run.json speaks of another run, another"),
        ("run.json", b"[", "run.json cannot be read"),
        ("events.jsonl", b'{"type": "start"}\nX', "events.jsonl, line 2: this is no event"),
        ("config.json", b"{}", "config.json cannot be read"),
        ("model.safetensors", b"none", "does not hold the weights"),
    ],
)
def test_what_cannot_be_read_is_refused(results: Path, plan: Plan, file, content, sentence):
    (the_run(results) / file).write_bytes(content)
    signed(results, plan)
    assert sentence in refused(results, plan)


def test_features_must_belong_together(results: Path, plan: Plan):
    file = the_run(results) / "features/after_neck.npy"
    np.save(file, np.load(file)[1:])
    signed(results, plan)
    assert "features/after_neck.npy has the shape" in refused(results, plan)


def test_a_result_must_be_that_of_its_queries(results: Path, plan: Plan):
    (file,) = the_run(results).glob("eval-*/evaluation.json")
    said = json.loads(file.read_text())
    said["protocols"]["veri776"]["mAP"] += 0.01
    file.write_text(json.dumps(said))
    signed(results, plan)
    assert "gives veri776 the mAP" in refused(results, plan)


def test_what_is_here_is_not_overwritten(results: Path, plan: Plan, tmp_path: Path):
    name = the_run(results).name
    here = tmp_path / "home/runs" / name
    shutil.copytree(the_run(results), here)
    (here / "model.safetensors").write_bytes(b"mine")
    (here / "features/rows.npy").unlink()
    brought = bring(results, lambda preset: plan, tmp_path / "home")
    assert "is here already, with another content (model.safetensors)" in brought.refused[name]
    assert (here / "model.safetensors").read_bytes() == b"mine"
    assert not (here / "features/rows.npy").exists()
    shutil.copy(the_run(results) / "model.safetensors", here)
    assert bring(results, lambda preset: plan, tmp_path / "home").kept == [name]
    assert (here / "features/rows.npy").is_file()


def test_an_evaluation_by_other_code_is_left_behind(results: Path, plan: Plan, tmp_path: Path):
    (evaluation,) = the_run(results).glob("eval-*")
    evaluation.rename(evaluation.with_name("eval-00000000"))
    brought = bring(results, lambda preset: plan, tmp_path / "home")
    assert brought.taken == [the_run(results).name]
    assert "will be evaluated again here" in brought.remarks[0]
    assert list((tmp_path / "home/runs" / brought.taken[0]).glob("eval-*")) == []


def test_an_unfinished_run_stays_where_it_is(results: Path, plan: Plan, tmp_path: Path):
    said = json.loads((results / "results.json").read_text())
    said["runs"][the_run(results).name]["state"] = "stopped"
    (results / "results.json").write_text(json.dumps(said))
    brought = bring(results, lambda preset: plan, tmp_path / "home")
    assert (brought.taken, brought.refused) == ([], {})
    assert "is not done there (stopped)" in brought.remarks[0]


@pytest.mark.parametrize("name", ["../../escaped", "/escaped", "runs/../../../escaped"])
def test_names_that_climb_out_are_refused(results: Path, plan: Plan, name: str):
    said = json.loads((results / "results.json").read_text())
    said["runs"] = {name: next(iter(said["runs"].values()))}
    (results / "results.json").write_text(json.dumps(said))
    assert "has no such run here" in refused(results, plan)


def test_an_archive_that_climbs_out_or_links_is_refused(results: Path, plan: Plan, tmp_path: Path):
    def links(member: tarfile.TarInfo) -> tarfile.TarInfo:
        if member.name.endswith("run.json"):
            member.type, member.linkname, member.size = tarfile.SYMTYPE, "/etc/hostname", 0
        return member

    def climbs(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.name = member.name.replace("a/runs", "a/../../../runs")
        return member

    for change, sentence in ((links, "is a link or a device"), (climbs, "leads out of its folder")):
        with tarfile.open(tmp_path / "bad.tar", "w") as archive:
            archive.add(results, "a", filter=change)
        with pytest.raises(UserError, match=sentence):
            bring(tmp_path / "bad.tar", lambda preset: plan, tmp_path / "home")
        assert not (tmp_path / "home/runs").exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "results.json is not there"),
        ("{}", "is not a bundle's results: bundle: "),
        ('{"preset": "../x"}', "is not a bundle's results"),
    ],
)
def test_a_folder_without_results_is_refused(results: Path, plan: Plan, content, sentence, tmp_path: Path):
    (results / "results.json").unlink()
    if content is not None:
        (results / "results.json").write_text(content)
    with pytest.raises(UserError, match=sentence):
        bring(results, lambda preset: plan, tmp_path / "home")


def test_a_preset_is_a_name_and_no_path(results: Path, plan: Plan, tmp_path: Path):
    name = the_run(results).name
    write_results(results, name, run_files(plan.runs[name]), preset="../../other")
    with pytest.raises(UserError, match="names a preset that cannot be one"):
        bring(results, lambda preset: plan, tmp_path / "home")
