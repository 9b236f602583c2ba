import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vreid.evaluation.bootstrap import difference_interval, mean_interval
from vreid.params.errors import UserError


def literal(values, ids, resamples, seed):
    """Draw vehicles one by one and average all their queries, as often as asked."""
    rng = np.random.default_rng(seed)
    groups = [values[ids == one] for one in np.unique(ids)]
    means = []
    for _ in range(resamples):
        drawn = [groups[i] for i in rng.integers(len(groups), size=len(groups))]
        means.append(np.concatenate(drawn).mean())
    return np.array(means)


def test_resamples_are_those_of_drawing_vehicles_one_by_one():
    rng = np.random.default_rng(1)
    values, ids = rng.random(60), rng.integers(0, 9, 60)
    found = mean_interval(values, ids, resamples=500, seed=3)
    means = literal(values, ids, 500, 3)
    assert found.estimate == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])), abs=1e-12)
    assert found.positive == 1


def test_a_difference_is_drawn_in_pairs():
    """Of methods that differ by a constant the difference is certain, however hard the queries are."""
    rng = np.random.default_rng(1)
    values, ids = rng.random(80), rng.integers(0, 9, 80)
    found = difference_interval(values + 0.01, values, ids)
    assert (found.low, found.high) == pytest.approx((0.01, 0.01))
    assert (found.estimate, found.positive) == (pytest.approx(0.01), 1.0)


@given(st.integers(0, 1000), st.floats(-0.5, 0.5))
@settings(max_examples=20, deadline=None)
def test_turning_a_difference_round_turns_its_interval_round(seed, shift):
    rng = np.random.default_rng(seed)
    one, other, ids = rng.random((1, 40)) + shift, rng.random((1, 40)), rng.integers(0, 6, 40)
    forward = difference_interval(one, other, ids, resamples=200)
    backward = difference_interval(other, one, ids, resamples=200)
    np.testing.assert_allclose(
        [forward.estimate, forward.low, forward.high], [-backward.estimate, -backward.high, -backward.low]
    )


def test_the_interval_of_single_queries_has_the_textbook_width():
    rng = np.random.default_rng(0)
    values = rng.standard_normal(2000)
    found = mean_interval(values, np.arange(2000))
    half = 1.96 * values.std() / np.sqrt(2000)
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.003)


def test_seeds_widen_the_interval_as_much_as_they_should():
    """With equal queries only seeds vary: the variance is that of a mean of S values, s^2 / S."""
    rng = np.random.default_rng(0)
    for seeds in (2, 3, 5):
        levels = rng.standard_normal(seeds)
        values = np.repeat(levels[:, None], 30, axis=1)
        found = mean_interval(values, np.arange(30), level=0.6827, resamples=40_000)
        assert found.estimate == pytest.approx(levels.mean())
        from vreid.evaluation.bootstrap import _draws, _Sample

        sample = _Sample.of(values, np.arange(30))
        means = np.concatenate([sample.means(weights, gen) for weights, gen in _draws(30, 40_000, 0)])
        assert means.std() == pytest.approx(levels.std(ddof=1) / np.sqrt(seeds), rel=0.02)


def test_several_seeds_stand_against_another_number_of_seeds():
    rng = np.random.default_rng(4)
    ids = rng.integers(0, 12, 100)
    better, worse = rng.random((3, 100)) + 1, rng.random((2, 100))
    found = difference_interval(better, worse, ids)
    assert found.low < found.estimate < found.high
    assert found.estimate == pytest.approx(better.mean() - worse.mean())
    assert found.positive == 1


def test_queries_without_a_match_are_left_out():
    rng = np.random.default_rng(4)
    values, ids = rng.random(50), rng.integers(0, 8, 50)
    holes = np.where(rng.random(50) < 0.3, np.nan, values)
    kept = ~np.isnan(holes)
    assert mean_interval(holes, ids) == mean_interval(values[kept], ids[kept])


def test_the_same_seed_gives_the_same_interval():
    rng = np.random.default_rng(4)
    values, ids = rng.random((2, 50)), rng.integers(0, 8, 50)
    assert mean_interval(values, ids, seed=5) == mean_interval(values, ids, seed=5)
    assert mean_interval(values, ids, seed=5) != mean_interval(values, ids, seed=6)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([1.0, 2.0], [0, 0]), "two of them at least, not 1"),
        (([np.nan, np.nan], [0, 1]), "two of them at least, not 0"),
        (([1.0, 2.0], [0, 1, 2]), r"shape \(2,\) and vehicles of the shape \(3,\)"),
        (([[1.0, np.nan], [1.0, 2.0]], [0, 1]), "seeds are not valid for the same queries"),
    ],
)
def test_what_cannot_be_drawn_is_said(arguments, sentence):
    with pytest.raises(UserError, match=sentence):
        mean_interval(*arguments)


def test_levels_and_pairs_are_checked():
    with pytest.raises(UserError, match=r"1\.5 does not"):
        mean_interval([1.0, 2.0], [0, 1], level=1.5)
    with pytest.raises(UserError, match="cannot be paired"):
        difference_interval([1.0, np.nan, 3.0], [1.0, 2.0, 3.0], [0, 1, 2])
