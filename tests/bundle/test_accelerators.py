"""What torch says of itself is believed; here a stub says it."""

import os

import pytest

from vreid.bundle.accelerators import Torch, check_accelerators, installed_torch
from vreid.params.errors import UserError

STUB = """
from types import SimpleNamespace

__version__ = "{version}"
version = SimpleNamespace(cuda={cuda!r})
cuda = SimpleNamespace(is_available=lambda: {devices} > 0, device_count=lambda: {devices})
{more}
"""


@pytest.fixture
def torch_that(tmp_path, monkeypatch):
    """Put a torch in the place of the installed one, and no `nvidia-smi` on the path."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")  # two torches of one second and one size are two
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # so that what the code sets is taken back
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")

    def put(devices=0, *, version="2.9.0", cuda="12.8", more="OutOfMemoryError = RuntimeError", vision=""):
        text = STUB.format(version=version, cuda=cuda, devices=devices, more=more)
        (tmp_path / "torch.py").write_text(text)
        (tmp_path / "torchvision.py").write_text(vision)

    return put


def test_the_torch_that_is_installed_is_asked(torch_that):
    torch_that(2, vision="print('hello')")
    assert installed_torch() == Torch(version="2.9.0", cuda="12.8", devices=2, recent=True)


def test_a_torch_that_does_not_answer_is_a_sentence(torch_that, monkeypatch):
    torch_that(2, vision="import time; time.sleep(30)")
    monkeypatch.setattr("vreid.bundle.accelerators._PATIENCE", 1)
    with pytest.raises(UserError, match="torch did not answer within 1 seconds"):
        installed_torch()


@pytest.mark.parametrize(
    ("cuda", "words"), [("13.0", "is built for CUDA 13.0, cannot"), (None, "is built without CUDA, cannot")]
)
def test_gpus_that_torch_cannot_use_are_a_sentence(torch_that, monkeypatch, cuda, words):
    torch_that(0, cuda=cuda)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with pytest.raises(UserError, match=rf"GPUs \(2\), but torch 2.9.0, which {words} use them"):
        check_accelerators()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    check_accelerators()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""


def test_gpus_that_torch_alone_knows_of_are_all_named(torch_that, monkeypatch):
    torch_that(3)
    check_accelerators()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1,2"
    torch_that(0)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    check_accelerators()
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


def test_a_torch_that_is_too_old_or_broken_is_a_sentence(torch_that):
    torch_that(1, version="2.4.1", more="")
    with pytest.raises(UserError, match=r"torch 2.4.1 is too old: install 2.5"):
        check_accelerators()
    torch_that(1, vision="raise RuntimeError('operator torchvision::nms does not exist')")
    with pytest.raises(
        UserError, match=r"imported here \(RuntimeError: operator torchvision::nms does not exist\)"
    ):
        check_accelerators()
