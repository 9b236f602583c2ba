import hashlib
import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from vreid.models.enhancement.build import build_enhancer
from vreid.models.enhancement.iat import Iat
from vreid.models.enhancement.retinexnet import DecomNet, RelightNet
from vreid.models.published import load_published, read_published
from vreid.params.errors import UserError
from vreid.params.models.alsa import Enhancer, Published, Retinex, RetinexFiles


def published(path):
    return Published(file=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def iat(**keys):
    return Enhancer.model_validate({"name": "iat", "width": 0.25, "weights": None} | keys)


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_published_weights_are_taken_by_path_and_digest(tmp_path, suffix):
    torch.manual_seed(3)
    state = Iat(0.25).state_dict()
    path = tmp_path / f"iat.{suffix}"
    if suffix == "pth":
        # Saved from several devices, as some were.
        torch.save({f"module.{name}": value for name, value in state.items()}, path)
    else:
        save_file(state, path)
    network = build_enhancer(iat(weights=published(path)))
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


def test_retinexnet_takes_two_files(tmp_path):
    torch.manual_seed(4)
    parts = {"decom": DecomNet(8), "relight": RelightNet(8)}
    for name, part in parts.items():
        torch.save(part.state_dict(), tmp_path / f"{name}.tar")
    files = RetinexFiles(**{name: published(tmp_path / f"{name}.tar") for name in parts})
    network = build_enhancer(Retinex(name="retinexnet", width=0.125, weights=files))
    for name, part in parts.items():
        found = network.get_submodule(name).state_dict()
        assert all(torch.equal(found[key], value) for key, value in part.state_dict().items())


def test_a_file_is_also_found_where_vreid_weights_points(tmp_path, monkeypatch):
    torch.save(Iat(0.25).state_dict(), tmp_path / "iat.pth")
    monkeypatch.setenv("VREID_WEIGHTS", str(tmp_path))
    spec = published(tmp_path / "iat.pth").model_copy(update={"file": "iat.pth"})
    assert read_published(spec)
    monkeypatch.delenv("VREID_WEIGHTS")
    with pytest.raises(UserError, match=r"iat\.pth are not there"):
        read_published(spec)


def test_another_file_is_refused(tmp_path):
    torch.save(Iat(0.25).state_dict(), tmp_path / "iat.pth")
    spec = Published(file=str(tmp_path / "iat.pth"), sha256="0" * 64)
    with pytest.raises(UserError, match="its SHA-256 is"):
        read_published(spec)


def test_code_in_a_file_is_not_executed(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    path = tmp_path / "trap.pth"
    path.write_bytes(pickle.dumps({"weight": Trap()}, protocol=2))
    with pytest.raises(UserError, match="refused"):
        read_published(published(path))
    torch.save({"weight": Trap()}, path)
    with pytest.raises(UserError, match="refused"):
        read_published(published(path))
    assert not (tmp_path / "sprung").exists()


def test_weights_of_another_network_are_refused_in_a_sentence(tmp_path):
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "linear.pth")
    with pytest.raises(UserError, match="does not hold the weights of a Iat"):
        load_published(Iat(0.25), published(tmp_path / "linear.pth"))


def test_a_frozen_network_asks_for_no_gradient():
    assert not any(p.requires_grad for p in build_enhancer(iat()).parameters())
    assert all(p.requires_grad for p in build_enhancer(iat(frozen=False)).parameters())


def test_a_width_without_a_stand_in_is_a_user_error():
    with pytest.raises(UserError, match="width 1"):
        build_enhancer(iat(width=1.0, weights="rendered"))
