import json
import struct

import pytest
import torch

from vreid.training.checkpoint import Checkpoints


def tensors(value):
    return {
        "model.weight": torch.full((2, 3), value),
        "model.filters": torch.full((2, 3, 4, 4), value).to(memory_format=torch.channels_last),
        "model.count": torch.tensor(int(value)),
        "optimizer.steps": torch.tensor(value),
    }


def loaded(folder, owner="me"):
    """Return the value and state of the checkpoint that is taken, or None."""
    found = []
    taken = Checkpoints(folder, owner).load(lambda tensors, state: found.append((tensors, state)))
    assert taken == bool(found)
    if not found:
        return None
    (content, state) = found[0]
    for name, expected in tensors(state["value"]).items():
        assert torch.equal(content[name], expected)
    return state["value"]


@pytest.fixture
def two(tmp_path):
    checkpoints = Checkpoints(tmp_path, "me")
    for value in (1.0, 2.0):
        checkpoints.save(tensors(value), {"value": value, "history": [{"loss": 0.1 + value}]})
    return tmp_path


def test_the_newest_is_taken(two):
    assert loaded(two) == 2.0


def test_numbers_in_the_state_come_back_exactly(tmp_path):
    state = {"losses": [1 / 3, 1e-300, 0.1 + 0.2]}
    Checkpoints(tmp_path, "me").save({}, state)
    found = []
    Checkpoints(tmp_path, "me").load(lambda tensors, state: found.append(state))
    assert found == [state]


def cut_short(content):
    return content[: len(content) // 2]


def empty(content):
    return b""


def bit_flipped(content):
    return content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]


def state_changed(content):
    return content.replace(b'\\"value\\": 2.0', b'\\"value\\": 3.0')


def header_of_another(content):
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    del header["__metadata__"]
    text = json.dumps(header).encode().ljust(length)
    return content[:8] + text + content[8 + length :]


@pytest.mark.parametrize("damage", [cut_short, empty, bit_flipped, state_changed, header_of_another])
def test_a_damaged_one_is_ignored_with_a_sentence_and_the_one_before_taken(two, damage, caplog):
    path = two / "checkpoint.safetensors"
    damaged = damage(path.read_bytes())
    assert damaged != path.read_bytes()
    path.write_bytes(damaged)
    assert loaded(two) == 1.0
    assert "ignoring checkpoint.safetensors, which cannot be used" in caplog.text
    assert (two / "checkpoint.damaged.safetensors").read_bytes() == damaged


def test_a_damaged_one_does_not_take_the_place_of_the_sound_one(two):
    (two / "checkpoint.safetensors").write_bytes(b"nothing")
    checkpoints = Checkpoints(two, "me")
    assert checkpoints.load(lambda tensors, state: None)
    checkpoints.save(tensors(3.0), {"value": 3.0})
    (two / "checkpoint.safetensors").unlink()
    assert loaded(two) == 1.0


def test_without_a_sound_one_there_is_none(two, caplog):
    for path in two.iterdir():
        path.write_bytes(b"nothing")
    assert loaded(two) is None
    assert len(caplog.records) == 3
    assert "training begins anew" in caplog.text


def test_one_of_another_configuration_is_ignored(two, caplog):
    assert loaded(two, owner="somebody else") is None
    assert "belongs to another configuration" in caplog.text


def test_a_kill_between_the_renames_leaves_the_one_before(two):
    (two / "checkpoint.safetensors").unlink()
    assert loaded(two) == 1.0


def test_removing_leaves_nothing(two):
    Checkpoints(two, "me").remove()
    assert not list(two.iterdir())
    assert loaded(two) is None
