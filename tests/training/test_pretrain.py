import hashlib
import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.pretraining import tiny_recipe

from vreid.models.backbones.build import build_backbone
from vreid.models.weights import RENDERED, load_rendered
from vreid.params.errors import UserError
from vreid.params.models.backbone import Backbone, rendered_name
from vreid.params.pretrain import read_pretrain
from vreid.params.recipe import ShuffleSampler
from vreid.training import pretrain
from vreid.training.pretrain import Job, forget, margin_loss, ship, steps_of, train_backbone
from vreid.training.pretrain_pictures import Pictures, render_pictures

PROJECT = Path(__file__).parents[2]
SHIPPED = 25_000_000  # bytes of all shipped weights together, at most


@pytest.fixture(scope="module")
def pictures():
    return render_pictures({"ground": tiny_recipe().worlds["ground"]}, workers=1)


def job(images=4, **changes):
    sampler = ShuffleSampler(name="shuffle", images=images)
    training = tiny_recipe().training.model_copy(update={"sampler": sampler, **changes})
    return Job("resnet50", 0.0625, 1.0, 32, {"ground": tiny_recipe().worlds["ground"]}, training)


def test_learns_to_tell_the_vehicles_apart(pictures):
    one = job(images=10, augment=())
    trained = train_backbone(replace(one, training=one.training.lasting(15)), pictures, "cpu")
    assert len(trained.epochs) == 15
    assert trained.epochs[-1].accuracy == 1.0
    assert trained.epochs[-1].loss < trained.epochs[0].loss / 2


def test_loss_of_identities_has_a_margin():
    # Two classes, s = 2 and m = 0.25: the own score is 2 (c - m), the other 2 c.
    cosines = torch.tensor([[0.5, -0.5], [0.1, 0.3]], dtype=torch.float64)
    own, other = np.array([0.5, 0.3]), np.array([-0.5, 0.1])
    expected = np.mean(np.log1p(np.exp(2 * other - 2 * (own - 0.25))))
    assert margin_loss(cosines, torch.tensor([0, 1]), 2.0, 0.25).item() == pytest.approx(expected, rel=1e-12)


def test_an_interrupted_training_ends_with_the_same_weights(pictures, tmp_path, monkeypatch):
    whole = train_backbone(job(), pictures, "cpu")
    epoch, count = pretrain._Learner.epoch, []

    def killed_in_the_second(learner, progress):
        count.append(1)
        if len(count) == 2:
            raise KeyboardInterrupt
        epoch(learner, progress)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(pretrain._Learner, "epoch", killed_in_the_second)
        train_backbone(job(), pictures, "cpu", store=tmp_path)
    resumed = train_backbone(job(), pictures, "cpu", store=tmp_path)
    assert [each[:2] for each in resumed.epochs] == [each[:2] for each in whole.epochs]
    assert all(torch.equal(value, resumed.state[name]) for name, value in whole.state.items())
    assert list(tmp_path.rglob("*.safetensors"))
    forget(tmp_path, job(), pictures)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_checkpoint_of_other_pictures_is_ignored(pictures, tmp_path):
    train_backbone(job(), pictures, "cpu", store=tmp_path)
    fewer = Pictures(pictures.files[:8], pictures.labels[:8], pictures.classes)
    kept, anew = train_backbone(job(), fewer, "cpu", store=tmp_path), train_backbone(job(), fewer, "cpu")
    assert [epoch[:2] for epoch in kept.epochs] == [epoch[:2] for epoch in anew.epochs]


def test_is_deterministic(pictures):
    one, two = (train_backbone(job(), pictures, "cpu") for _ in range(2))
    assert [epoch[:2] for epoch in one.epochs] == [epoch[:2] for epoch in two.epochs]
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
    path = ship(trained, job(), pictures, "vreid pretrain …", tmp_path)
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
    assert manifest["epochs"] == [[round(value, 4) for value in epoch] for epoch in trained.epochs]
    assert list(manifest["worlds"]) == ["ground"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["resnet50-w0.0625.json", path.name]


def test_an_interrupt_waits_until_weights_and_manifest_are_written(trained, pictures, tmp_path, monkeypatch):
    write = pretrain.write_json

    def interrupted(path, value):
        os.kill(os.getpid(), signal.SIGINT)
        write(path, value)

    monkeypatch.setattr(pretrain, "write_json", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ship(trained, job(), pictures, "vreid pretrain …", tmp_path)
    load_rendered("resnet50", 0.0625, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_shipped_weights_are_those_of_the_recipe(monkeypatch):
    monkeypatch.chdir(PROJECT)
    recipe = read_pretrain()
    size = 0
    for name, planned in recipe.backbones.items():
        shape = {"width": planned.width, "depth": planned.depth}
        network = build_backbone(Backbone(name=name, **shape, weights="rendered"))
        assert all(value.isfinite().all() for value in network.state_dict().values())
        path = RENDERED / rendered_name(name, planned.width, planned.depth)
        manifest = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        assert manifest["worlds"] == {n: w.model_dump(mode="json") for n, w in recipe.worlds.items()}
        assert manifest["training"] == recipe.training.lasting(
            planned.epochs or recipe.training.schedule.epochs
        ).model_dump(mode="json")
        assert manifest["pictures"]["size"] == planned.size
        assert manifest["command"] == (
            f"vreid pretrain {name} --width {planned.width:g} --depth {planned.depth:g} --size {planned.size}"
        )
        size += path.stat().st_size
    assert size <= SHIPPED
