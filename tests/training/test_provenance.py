import getpass
import json
import platform

import torch

import vreid
from vreid.training.provenance import git_commit, peak_memory, provenance


def test_versions_are_recorded_and_nothing_names_the_machine():
    about = provenance()
    assert about["torch"] == torch.__version__
    assert about["python"] == platform.python_version()
    assert about["git_commit"] is None or len(about["git_commit"]) == 40
    assert platform.node() not in json.dumps(about)
    assert getpass.getuser() not in json.dumps(about)


def test_the_code_of_a_bundle_names_the_commit_that_it_came_from(tmp_path, monkeypatch):
    monkeypatch.setattr(vreid, "__file__", str(tmp_path / "__init__.py"))
    assert git_commit() is None
    (tmp_path / "commit.txt").write_text(f"{'3f' * 20}\n")
    assert git_commit() == "3f" * 20
    (tmp_path / "commit.txt").write_text("\n")
    assert git_commit() is None


def test_peak_memory_is_in_bytes():
    assert 20e6 < peak_memory() < 20e9
