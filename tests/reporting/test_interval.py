"""The bootstrap over vehicles."""

import numpy as np
import pytest

from vreid.reporting.interval import mean_interval


def test_one_query_per_vehicle_agrees_with_the_normal_interval():
    # 400 zeros and ones, half each: standard error sqrt(0.25 / 400) = 0.025
    values = np.tile([0.0, 1.0], 200)
    low, high = mean_interval(values, np.arange(400))
    assert low == pytest.approx(0.5 - 1.96 * 0.025, abs=0.005)
    assert high == pytest.approx(0.5 + 1.96 * 0.025, abs=0.005)


def test_queries_of_one_vehicle_count_as_one_draw():
    # 4 equal queries of each of 100 vehicles: as wide as with one query of each, sqrt(0.25 / 100) = 0.05
    values = np.repeat(np.tile([0.0, 1.0], 50), 4)
    low, high = mean_interval(values, np.repeat(np.arange(100), 4))
    assert high - low == pytest.approx(2 * 1.96 * 0.05, abs=0.02)


def test_it_is_the_same_every_time():
    rng = np.random.default_rng(1)
    values, vehicles = rng.random(30), rng.integers(0, 10, 30)
    assert mean_interval(values, vehicles) == mean_interval(values, vehicles)


def test_a_query_without_a_match_is_left_out():
    values = np.array([0.25, np.nan, 0.25])
    assert mean_interval(values, np.array([1, 2, 3])) == (0.25, 0.25)


def test_one_vehicle_has_no_interval():
    assert mean_interval(np.array([0.1, 0.9]), np.array([7, 7])) is None
    assert mean_interval(np.array([np.nan]), np.array([7])) is None
