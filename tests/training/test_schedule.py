import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vreid.params.recipe import Cosine, MultiStep, Warmup
from vreid.training.schedule import factor

# The recipe of the strong baseline: 10 epochs of warm-up from 1 % of the rate, x 0.1 at 40 and 70.
BASELINE = MultiStep(
    name="multistep",
    epochs=120,
    milestones=(40.0, 70.0),
    gamma=0.1,
    warmup=Warmup(epochs=10.0, factor=0.01),
)


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [
        (0, 0.01),
        (1, 0.01 * 0.9 + 0.1),
        (5, 0.01 * 0.5 + 0.5),
        (9.5, 0.01 * 0.05 + 0.95),
        (10, 1.0),
        (39.99, 1.0),
        (40, 0.1),
        (69.99, 0.1),
        (70, 0.01),
        (119.9, 0.01),
    ],
)
def test_warmup_and_milestones_of_the_strong_baseline(epoch, expected):
    assert factor(epoch, BASELINE) == pytest.approx(expected)


def test_a_milestone_may_lie_inside_an_epoch():
    config = MultiStep(name="multistep", epochs=3, milestones=(1.5,), gamma=0.5)
    assert [factor(e, config) for e in (1.0, 1.49, 1.5, 2.0)] == [1.0, 1.0, 0.5, 0.5]


@given(st.floats(0, 60), st.floats(0, 1))
def test_cosine_is_half_a_wave(epoch, final):
    config = Cosine(name="cosine", epochs=60, final_factor=final)
    expected = final + (1 - final) * math.cos(math.pi * epoch / 120) ** 2  # half-angle formula
    assert factor(epoch, config) == pytest.approx(expected, abs=1e-12)


def test_cosine_ends_at_its_final_factor_and_stays_there():
    config = Cosine(name="cosine", epochs=4, final_factor=0.25)
    assert factor(4, config) == factor(5, config) == pytest.approx(0.25)


def test_warmup_multiplies_the_cosine():
    plain = Cosine(name="cosine", epochs=60)
    warmed = Cosine(name="cosine", epochs=60, warmup=Warmup(epochs=8.0, factor=0.1))
    assert factor(2, warmed) == pytest.approx(factor(2, plain) * (0.1 + 0.9 * 2 / 8))
    assert factor(8, warmed) == factor(8, plain)


@given(st.floats(0, 60), st.floats(0, 59), st.floats(0, 20))
def test_cosine_may_wait_and_may_rise(epoch, delay, final):
    config = Cosine(name="cosine", epochs=60, delay=delay, final_factor=final)
    part = max(0.0, epoch - delay) / (60 - delay)
    expected = 1 + (final - 1) * math.sin(math.pi * part / 2) ** 2  # half-angle formula
    assert factor(epoch, config) == pytest.approx(expected, abs=1e-9)


def test_a_delay_that_a_preset_leaves_longer_than_the_run_keeps_the_rate():
    config = Cosine(name="cosine", epochs=4, delay=10.0)
    assert [factor(epoch, config) for epoch in (0, 2, 3.9)] == [1.0, 1.0, 1.0]
