import getpass
import json
import platform

import torch

from vreid.training.provenance import peak_memory, provenance


def test_versions_are_recorded_and_nothing_names_the_machine():
    about = provenance()
    assert about["torch"] == torch.__version__
    assert about["python"] == platform.python_version()
    assert about["git_commit"] is None or len(about["git_commit"]) == 40
    assert platform.node() not in json.dumps(about)
    assert getpass.getuser() not in json.dumps(about)


def test_peak_memory_is_in_bytes():
    assert 20e6 < peak_memory() < 20e9
