import hashlib
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.pretraining import tiny_recipe

from vreid.models.backbones.build import build_backbone
from vreid.models.weights import RENDERED, load_rendered, rendered_name
from vreid.params.errors import UserError
from vreid.params.models.backbone import Backbone
from vreid.params.pretrain import read_pretrain
from vreid.params.recipe import ShuffleSampler
from vreid.training import pretrain
from vreid.training.pretrain import Job, ship, steps_of, train_backbone
from vreid.training.pretrain_pictures import Pictures, render_pictures

PROJECT = Path(__file__).parents[2]
SHIPPED = 12_000_000  # bytes of all shipped weights together, at most


@pytest.fixture(scope="module")
def pictures():
    return render_pictures({"ground": tiny_recipe().worlds["ground"]}, workers=1)


def job(images=4, **changes):
    sampler = ShuffleSampler(name="shuffle", images=images)
    training = tiny_recipe().training.model_copy(update={"sampler": sampler, **changes})
    return Job("resnet50", 0.0625, 32, training)


def test_learns_to_tell_the_vehicles_apart(pictures):
    recipe = job(images=10, augment=()).training.lasting(15)
    trained = train_backbone(Job("resnet50", 0.0625, 32, recipe), pictures, "cpu")
    assert trained.accuracy == 1.0
    assert trained.loss < sum(np.log(pictures.classes)) / 2  # half of what guessing costs


def test_is_deterministic(pictures):
    one, two = (train_backbone(job(), pictures, "cpu") for _ in range(2))
    assert (one.loss, one.accuracy) == (two.loss, two.accuracy)
    assert all(torch.equal(value, two.state[name]) for name, value in one.state.items())


def test_progress_counts_steps(pictures):
    shown = []

    class Progress:
        def show(self, done, text):
            shown.append(done)

        def close(self, text):
            pass

    train_backbone(job(), pictures, "cpu", Progress())
    # Two epochs of ten pictures in batches of four.
    assert shown == list(range(1, steps_of(job(), pictures) + 1)) == [1, 2, 3, 4]


def test_too_few_pictures(pictures):
    with pytest.raises(UserError, match=r"puts 11 images into each batch, but there are only 10"):
        train_backbone(job(images=11), pictures, "cpu")


def test_loss_that_is_no_number(pictures):
    broken = Pictures(pictures.files, pictures.labels, pictures.classes)
    optimizer = job().training.optimizer.model_copy(update={"lr": 1e38})
    with pytest.raises(UserError, match="lower the optimizer's lr"):
        train_backbone(job(optimizer=optimizer), broken, "cpu")


@pytest.fixture
def trained(pictures):
    return train_backbone(job(), pictures, "cpu")


def test_what_is_shipped_is_what_was_trained_up_to_half_precision(trained, pictures, tmp_path):
    worlds = {"ground": tiny_recipe().worlds["ground"]}
    path = ship(trained, job(), worlds, pictures, "vreid pretrain …", tmp_path)
    assert path.name == "resnet50-w0.0625.safetensors"
    state = load_rendered("resnet50", 0.0625, tmp_path)
    assert list(state) == sorted(trained.state, key=list(state).index)
    for name, value in trained.state.items():
        assert state[name].dtype == value.dtype
        assert torch.allclose(state[name], value, rtol=2**-10, atol=1e-7)
    build_backbone(Backbone(name="resnet50", width=0.0625, weights=None)).load_state_dict(state)
    manifest = json.loads(path.with_suffix(".json").read_text())
    assert manifest["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert manifest["bytes"] == path.stat().st_size
    counts = {"identities": 5, "models": pictures.classes[1], "paints": pictures.classes[2]}
    assert manifest["pictures"] == {**counts, "images": 10, "size": 32}
    assert manifest["last_epoch"]["accuracy"] == round(trained.accuracy, 4)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["resnet50-w0.0625.json", path.name]


def test_an_interrupt_waits_until_weights_and_manifest_are_written(trained, pictures, tmp_path, monkeypatch):
    write = pretrain.write_json

    def interrupted(path, value):
        os.kill(os.getpid(), signal.SIGINT)
        write(path, value)

    monkeypatch.setattr(pretrain, "write_json", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ship(trained, job(), {}, pictures, "vreid pretrain …", tmp_path)
    load_rendered("resnet50", 0.0625, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_shipped_weights_are_those_of_the_recipe(monkeypatch):
    monkeypatch.chdir(PROJECT)
    recipe = read_pretrain()
    size = 0
    for name, planned in recipe.backbones.items():
        network = build_backbone(Backbone(name=name, width=planned.width, weights="rendered"))
        assert all(value.isfinite().all() for value in network.state_dict().values())
        path = RENDERED / rendered_name(name, planned.width)
        manifest = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        assert manifest["worlds"] == {n: w.model_dump(mode="json") for n, w in recipe.worlds.items()}
        assert manifest["training"] == recipe.training.model_dump(mode="json")
        assert manifest["pictures"]["size"] == planned.size
        assert manifest["command"] == f"vreid pretrain {name} --width {planned.width:g} --size {planned.size}"
        size += path.stat().st_size
    assert size <= SHIPPED
