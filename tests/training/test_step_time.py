"""Steps are told apart by what they compute, and timed with the run's own network."""

import pytest

from vreid.training import step_time
from vreid.training.step_time import WARM_UP, measure_step, step_key

SPECTRAL = {
    "name": "hamnet",
    "backbone": {"name": "resnet50", "width": 0.0625, "weights": None},
    "streams": 2,
    "head": {"name": "fused"},
}


@pytest.mark.parametrize(
    ("change", "alike"),
    [
        ({"seed": 9}, True),
        ({"data": "other", "code": "other"}, True),
        ({"optimizer": {"name": "adam", "lr": 0.5, "weight_decay": 0.0}}, True),
        ({"augment": []}, True),
        ({"losses": [{"name": "focal", "gamma": 5.0}, {"name": "triplet", "margin": 0.5}]}, True),
        ({"sampler": {"name": "class_balanced", "ids": 6, "images_per_id": 2}}, True),
        ({"losses": [{"name": "focal", "gamma": 2.0}]}, False),
        ({"sampler": {"name": "pk", "ids": 4, "images_per_id": 4}}, False),
        ({"input": {"height": 48, "width": 32}}, False),
        ({"engine": {"precision": "bfloat16"}}, False),
        ({"optimizer": {"name": "sgd", "lr": 0.002, "momentum": 0.9, "weight_decay": 0.0}}, False),
    ],
)
def test_a_key_holds_what_a_steps_time_hangs_on(config, change, alike):
    assert (step_key(config(**change)) == step_key(config())) is alike


def test_the_median_is_taken_after_the_warm_up(config, monkeypatch):
    ticks = iter([0, 100, 200, 300, 1000, 1003, 2000, 2001, 3000, 3008])  # steps of 100, 100, 3, 1, 8
    monkeypatch.setattr(step_time.time, "perf_counter", lambda: next(ticks))
    told = []
    found = measure_step(config(), 9, steps=3, device="cpu", told=lambda: told.append(1))
    assert (found.device, found.seconds) == ("cpu", 3)
    assert len(told) == WARM_UP + 3


def test_a_larger_batch_takes_longer(config):
    small, large = (
        measure_step(config(sampler={"name": "shuffle", "images": images}), 9, steps=3, device="cpu").seconds
        for images in (2, 64)
    )
    assert 0 < small < large
