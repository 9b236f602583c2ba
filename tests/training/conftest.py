"""A tiny dataset and a tiny run for all tests of training."""

import json
import signal

import numpy as np
import pytest

from vreid.params.run import TrainConfig
from vreid.training.train import train

IDENTITIES, IMAGES, SIZE = 9, 6, 32


def write_pack(folder, identities=IDENTITIES, images=IMAGES, size=SIZE, seed=0):
    """Pack `identities` trained ones and 3 unseen ones: noisy copies of one picture each."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 256, (identities + 3, size, size, 3))
    which = np.repeat(np.arange(identities + 3), images)
    noisy = 0.7 * pictures[which] + rng.normal(0, 40, (len(which), size, size, 3))
    number = np.arange(len(which))
    np.save(folder / "images.npy", np.clip(noisy, 0, 255).astype(np.uint8))
    np.save(folder / "pids.npy", (1000 - 7 * which).astype(np.int64))
    np.save(folder / "camids.npy", number % 4)
    unseen = np.where(number % images == 0, 1, 2)
    np.save(folder / "splits.npy", np.where(which < identities, 0, unseen).astype(np.uint8))
    (folder / "pack.json").write_text(json.dumps({"spectra": ["rgb"], "height": size, "width": size}))
    return folder


def make_config(**changes):
    plain = {
        "dataset": "tiny",
        "source": "synthetic",
        "data": "0",
        "code": "0",
        "seed": 3,
        "input": {"height": SIZE, "width": SIZE},
        "model": {
            "name": "dpa",
            "backbone": {"name": "resnet50", "width": 0.0625, "weights": None},
            "input_size": [SIZE, SIZE],
            "attention": {},
        },
        "losses": [{"name": "focal", "gamma": 2.0}, {"name": "triplet", "margin": 0.3}],
        "sampler": {"name": "pk", "ids": 4, "images_per_id": 3},
        "optimizer": {"name": "adam", "lr": 0.002, "weight_decay": 0.0005},
        "schedule": {
            "name": "multistep",
            "epochs": 3,
            "milestones": [2.0],
            "gamma": 0.1,
            "warmup": {"epochs": 1.0, "factor": 0.1},
        },
        "augment": [
            {"name": "flip"},
            {"name": "pad_crop", "padding": 0.0625},
            {"name": "random_erasing"},
        ],
    }
    return TrainConfig.model_validate_json(json.dumps(plain | changes))


@pytest.fixture(scope="session")
def pack(tmp_path_factory):
    return write_pack(tmp_path_factory.mktemp("data") / "pack")


@pytest.fixture(scope="session")
def spectral_pack(tmp_path_factory):
    """As `pack`, with a near and a thermal infrared picture beside each."""
    folder = write_pack(tmp_path_factory.mktemp("spectral") / "pack")
    visible = np.load(folder / "images.npy")
    np.save(folder / "images-nir.npy", 255 - visible)
    np.save(folder / "images-tir.npy", visible // 2)
    about = {"spectra": ["rgb", "nir", "tir"], "height": SIZE, "width": SIZE}
    (folder / "pack.json").write_text(json.dumps(about))
    return folder


@pytest.fixture(scope="session")
def config():
    return make_config


@pytest.fixture(scope="session")
def trained(tmp_path_factory, pack):
    """A finished run, which tests may read."""
    out = tmp_path_factory.mktemp("runs") / "tiny-s3-0123456789"
    train(make_config(), pack, out)
    return out


@pytest.fixture
def other_pack(tmp_path):
    return lambda **changes: write_pack(tmp_path / "other", **changes)


@pytest.fixture(autouse=True)
def interruptible():
    """Let SIGINT interrupt, also where a shell started the tests in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
