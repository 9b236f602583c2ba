"""The command line of the other machine: mistakes are sentences, and found before anything is made."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from vreid.bundle import sums
from vreid.params.digest import file_digest


@pytest.fixture
def copied(packed, tmp_path):
    return shutil.copytree(packed, tmp_path / "bundle")


def call(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "vreid.bundle", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def sentence(done):
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("vreid.bundle: ")
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


def test_a_changed_file_is_found_before_anything_is_made(copied):
    with (copied / "vreid/training/train.py").open("a") as file:
        file.write("# changed\n")
    assert "train.py is not the file that was packed" in sentence(call(copied, "run", "."))
    assert not (copied / "runs").exists()


def test_a_library_that_is_missing_is_named_with_the_remedy(copied):
    said = json.loads((copied / "bundle.json").read_text())
    said["needs"]["no-such"] = ["no_such_module"]
    (copied / "bundle.json").write_text(json.dumps(said))
    listed = {**sums.read_sums(copied), "bundle.json": file_digest(copied / "bundle.json")}
    (copied / sums.NAME).write_text(sums.as_text(listed))
    assert "has no no-such: install them as " in sentence(call(copied, "run", "."))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "elsewhere"], "elsewhere is no bundle"),
        (["status", "."], "results.json is not there"),
    ],
)
def test_a_wrong_folder_is_a_sentence(copied, arguments, words):
    assert words in sentence(call(copied, *arguments))


def test_other_code_does_not_run_a_bundle(copied, packed):
    assert "a bundle runs by its own" in sentence(call(copied, "run", str(packed)))


@pytest.mark.parametrize("jobs", ["0", "many"])
def test_jobs_are_a_number(copied, jobs):
    done = call(copied, "run", ".", "--jobs", jobs)
    assert done.returncode == 2
    assert f"{jobs} is no positive whole number" in done.stderr
