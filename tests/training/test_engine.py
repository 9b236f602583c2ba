import math

import pytest
import torch

from vreid.datasets.packed import PackedImages
from vreid.params.errors import UserError
from vreid.training.data import TrainingImages
from vreid.training.device import computing_on
from vreid.training.engine import Learner, State, fit
from vreid.training.schedule import factor


def run(config, pack, steps=None, learner=None, state=None):
    """Train for `steps` steps (to the end if None); return learner and state."""
    with computing_on("cpu") as device:
        images = TrainingImages(PackedImages.open(pack), config.input, device)
        learner = learner or Learner(config, images.classes, device)
        state = state or State()
        for done, _ in enumerate(fit(config, images, learner, state, device), start=1):
            if done == steps:
                break
    return learner, state


def same(one, other):
    return all(torch.equal(value, other.tensors()[name]) for name, value in one.tensors().items())


def test_the_history_has_a_line_per_epoch(config, pack):
    _, state = run(config(), pack)
    assert [line["epoch"] for line in state.history] == [1, 2, 3]
    assert [line["step"] for line in state.history] == [5, 10, 15]  # 9 identities, 2 chunks, 4 to a batch
    assert list(state.history[0]) == ["epoch", "step", "lr", "loss", "focal", "triplet", "accuracy"]
    for line in state.history:
        # Each step's sum of the two, which are positive, is rounded once to single precision.
        assert line["loss"] == pytest.approx(line["focal"] + line["triplet"], rel=2**-24)
        assert line["lr"] == pytest.approx(0.002 * factor((line["step"] - 1) / 5, config().schedule))


def test_it_learns(config, pack):
    fast = {"name": "adam", "lr": 0.02}
    _, state = run(config(optimizer=fast, schedule={"name": "cosine", "epochs": 20}, augment=[]), pack)
    assert state.history[0]["accuracy"] < 0.4
    assert state.history[-1]["accuracy"] > 0.8
    assert state.history[-1]["loss"] < 0.5 * state.history[0]["loss"]


def test_the_same_configuration_gives_the_same_bytes_and_another_seed_others(config, pack):
    torch.manual_seed(99)
    first, line = run(config(), pack, steps=7)
    torch.rand(3)
    second, again = run(config(), pack, steps=7)
    other, _ = run(config(seed=4), pack, steps=7)
    assert same(first, second)
    assert line == again
    assert not same(first, other)


@pytest.mark.parametrize("optimizer", [{"name": "adam", "lr": 0.002}, {"name": "sgd", "lr": 0.02}])
@pytest.mark.parametrize("steps", [3, 5, 8])  # inside an epoch, at its end, inside the next
def test_a_run_taken_up_again_is_the_same_run(config, pack, optimizer, steps):
    settings = config(optimizer=optimizer)
    whole, expected = run(settings, pack)
    interrupted, state = run(settings, pack, steps)
    with computing_on("cpu") as device:
        fresh = Learner(settings, 9, device)
    fresh.load({name: value.clone() for name, value in interrupted.tensors().items()})
    resumed, got = run(settings, pack, learner=fresh, state=state)
    assert same(whole, resumed)
    assert got == expected


def test_a_frozen_parameter_does_not_move_and_remembers_nothing(config, pack):
    # 5 steps to an epoch: frozen in the first 7.
    freeze = {"epochs": 1.4, "trained": ["neck", "pool"]}
    optimizer = {"name": "adam", "lr": 0.01, "weight_decay": 0.1}
    settings = config(schedule={"name": "cosine", "epochs": 3, "freeze": freeze}, optimizer=optimizer)
    with computing_on("cpu") as device:
        start = {n: v.clone() for n, v in Learner(settings, 9, device).tensors().items()}
    frozen, _ = run(settings, pack, steps=7)
    trained = ("neck.", "pool.")
    for name, parameter in frozen.model.named_parameters():
        same = torch.equal(parameter, start[f"model.{name}"])
        assert same == (not name.startswith(trained) or name == "neck.norm.bias"), name
        if parameter.requires_grad:
            assert frozen.optimizer.state[f"steps.{name}"] == (7 if name.startswith(trained) else 0)
    statistics = [n for n in start if n.endswith("running_mean")]
    assert not any(torch.equal(frozen.tensors()[name], start[name]) for name in statistics)
    freed, _ = run(settings, pack, steps=8)
    assert not any(
        torch.equal(parameter, start[f"model.{name}"])
        for name, parameter in freed.model.named_parameters()
        if name.endswith("weight")
    )


@pytest.mark.parametrize("steps", [6, 7, 12])  # frozen, at the end of that, free
def test_a_run_with_frozen_and_grouped_parameters_is_taken_up_again(config, pack, steps):
    groups = [{"parameters": ["neck"], "lr_factor": 0.1}, {"parameters": ["layer1"], "weight_decay": 0.0}]
    freeze = {"epochs": 1.4, "frozen": ["layer2", "stem.conv1"]}
    settings = config(
        optimizer={"name": "sgd", "lr": 0.02, "weight_decay": 0.01, "groups": groups},
        schedule={"name": "cosine", "epochs": 3, "freeze": freeze},
    )
    whole, expected = run(settings, pack)
    interrupted, state = run(settings, pack, steps)
    with computing_on("cpu") as device:
        fresh = Learner(settings, 9, device)
    fresh.load({name: value.clone() for name, value in interrupted.tensors().items()})
    resumed, got = run(settings, pack, learner=fresh, state=state)
    assert same(whole, resumed)
    assert got == expected


@pytest.mark.parametrize(
    ("sampler", "steps"),
    [
        ({"name": "class_balanced", "ids": 5, "images_per_id": 2}, 5),  # 54 images in batches of 10
        ({"name": "shuffle", "images": 16}, 3),
    ],
)
def test_each_sampler_can_be_had(config, pack, sampler, steps):
    schedule = {"name": "cosine", "epochs": 1}
    _, state = run(config(sampler=sampler, schedule=schedule), pack)
    assert state.history[0]["step"] == steps


def test_spectra_are_trained_on_side_by_side(config, spectral_pack):
    streams = {
        "name": "hamnet",
        "backbone": {"name": "resnet50", "width": 0.0625, "weights": None},
        "streams": 2,
        "head": {"name": "ide", "class_aware": True},
    }
    losses = [{"name": "cross_entropy"}, {"name": "heterogeneity"}]
    augment = [*config().model_dump(mode="json")["augment"][:1], {"name": "color_jitter", "hue": 0.1}]
    settings = config(
        input={"height": 32, "width": 32, "spectra": ["rgb", "tir"]},
        model=streams,
        losses=losses,
        augment=augment,
        engine={"channels_last": True},
    )
    _, state = run(settings, spectral_pack, steps=5)
    assert state.history[0]["heterogeneity"] > 0


def test_compiling_is_left_out_on_the_cpu_and_that_is_said(config, caplog):
    with computing_on("cpu") as device:
        learner = Learner(config(engine={"compile": True}), 9, device)
    assert "engine.compile is left out" in caplog.text
    assert learner.arithmetic == {
        "precision": "float32",
        "channels_last": False,
        "fused_optimizer": True,
        "compiled": False,
        "deterministic": True,
        "processes": 1,
    }


def test_tensors_of_another_learner_are_refused(config, pack):
    learner, _ = run(config(), pack, steps=1)
    with pytest.raises(KeyError):
        learner.load({})


@pytest.mark.parametrize("engine", [{"precision": "bfloat16"}, {"channels_last": True}])
def test_the_arithmetic_can_be_chosen(config, pack, engine):
    classified = [{"name": "cross_entropy"}]  # whose value one step does not turn upside down
    plain, expected = run(config(losses=classified), pack, steps=1)
    learner, state = run(config(losses=classified, engine=engine), pack, steps=1)
    assert state.measures["loss"] == pytest.approx(expected.measures["loss"], rel=0.02)
    assert all(v.dtype == plain.tensors()[n].dtype for n, v in learner.tensors().items())
    filters = learner.model.state_dict()["layer1.0.conv2.weight"]
    last = engine.get("channels_last", False)
    assert filters.is_contiguous(memory_format=torch.channels_last) == last


def test_a_loss_that_is_no_number_is_a_sentence_with_its_place_and_terms(config, pack):
    constant = {"name": "multistep", "epochs": 3, "milestones": [], "gamma": 0.1}
    settings = config(optimizer={"name": "sgd", "lr": 1e30}, schedule=constant)
    with pytest.raises(UserError, match=r"in epoch 1, step [2-5] \(loss nan, focal .*lower optimizer\.lr"):
        run(settings, pack)


def test_weights_that_are_no_numbers_at_the_end_are_a_sentence(config, pack):
    with computing_on("cpu") as device:
        images = TrainingImages(PackedImages.open(pack), config().input, device)
        learner = Learner(config(), images.classes, device)
        finished = State(epoch=3, history=[{"epoch": 3, "step": 15, "loss": 1.0}])
        next(iter(learner.model.parameters())).data[0] = math.inf
        with pytest.raises(UserError, match=r"last training step .*conv1"):
            list(fit(config(), images, learner, finished, device))


def test_too_little_memory_is_a_sentence(config, pack, monkeypatch):
    def step(*_):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(Learner, "step", step)
    with pytest.raises(UserError, match=r"batches of 12 images of 32 x 32: lower the sampler"):
        run(config(), pack)
