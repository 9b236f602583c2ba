"""The GRIM test against a slow list of all rates, a published example, and simulated tables."""

from decimal import ROUND_DOWN, ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vreid.params import grim
from vreid.params.grim import Rate

ROUNDED, CUT_OFF = (ROUND_HALF_UP, ROUND_HALF_DOWN), (ROUND_DOWN,)


def printed(total, decimals, ways):
    """Every rate of `total` hits or fewer as it is printed, in either direction at a half."""
    unit = Decimal(1).scaleb(-decimals)
    rates = (Decimal(100 * hits) / total for hits in range(total + 1))
    return {str(rate.quantize(unit, way)) for rate in rates for way in ways}


def every_value(decimals):
    return [Rate(units, decimals) for units in range(100 * 10**decimals + 1)]


@pytest.mark.parametrize("decimals", [0, 1])
@pytest.mark.parametrize("total", [1, 3, 7, 8, 16, 100, 128, 200, 333, 640, 999, 1000, 1024, 2000])
@pytest.mark.parametrize(("rule", "ways"), [("rounded", ROUNDED), ("cut off", CUT_OFF)])
def test_what_is_admitted_is_what_some_rate_is_printed_as(decimals, total, rule, ways):
    admitted = {str(rate) for rate in every_value(decimals) if grim.admits(rate, total, rule)}
    assert admitted == printed(total, decimals, ways)


@settings(max_examples=60, deadline=None)
@given(total=st.integers(1, 1100), decimals=st.integers(0, 1))
@example(total=8, decimals=1)  # 12.5 % is half-way between none
@example(total=16, decimals=1)  # 6.25 % is half-way between 6.2 and 6.3
@example(total=1000, decimals=1)
def test_the_share_is_that_of_the_values_that_are_admitted(total, decimals):
    values = every_value(decimals)
    admitted = sum(grim.admits(rate, total) for rate in values)
    assert grim.share(decimals, total) == pytest.approx(admitted / len(values))


def test_the_example_of_brown_and_heathers():
    """Means of whole numbers over 28 people, 5.19 not among them: hundredths of multiples of 1 / 28."""
    possible = [text for text in ("5.18", "5.19", "5.20", "5.21") if grim.admits(Rate.of(text), 2800)]
    assert possible == ["5.18", "5.21"]


def test_with_two_decimals_nothing_can_be_told_from_10_000_on():
    assert grim.share(2, 10_000) == grim.share(2, 16_850) == 1
    assert grim.share(2, 9_999) < 1
    assert grim.share(1, 1_000) == 1 > grim.share(1, 999)
    # a mean over ten draws of 1,200 queries is as fine as 12,000 queries
    assert not grim.admits(Rate.of("98.07"), 1_200)
    assert grim.admits(Rate.of("98.07"), 10 * 1_200)


def test_values_keep_the_decimals_that_are_printed():
    assert [str(Rate.of(text)) for text in ("98.70", "84", "0.05", "100.0")] == [
        "98.70",
        "84",
        "0.05",
        "100.0",
    ]
    assert str(Rate.of("84", decimals=2)) == "84.00"
    assert [str(Rate.of(text).without_zeros()) for text in ("98.70", "96.00", "90", "9.05")] == [
        *("98.7", "96", "90", "9.05")
    ]
    # 98.7 may be anything from 98.65 to 98.75, which every multiple of 100 / 1,678 is near enough to
    assert grim.admits(Rate.of("98.7"), 1678) and not grim.admits(Rate.of("98.70"), 1678)
    assert [str(rate) for rate in grim.distinct(map(Rate.of, ("96.00", "96.0", "95.1", "96.01")))] == [
        *("95.1", "96.00", "96.01")
    ]


@pytest.mark.parametrize("text", ["", "abc", "-1.0", "100.01", "1e2", "9,5", "nan", "٣"])
def test_what_is_no_rate_is_refused(text):
    with pytest.raises(ValueError, match="is no rate"):
        Rate.of(text)


@pytest.mark.parametrize("text", ["95.96", "0.00", "100.00", "99.99"])
@pytest.mark.parametrize("total", [7, 1115, 1235])
def test_neighbours_are_the_nearest_printed_rates_on_either_side(text, total):
    values = sorted(map(Decimal, printed(total, 2, (ROUND_HALF_UP,))))
    low, high = (Decimal(str(rate)) for rate in grim.neighbours(Rate.of(text), total))
    assert low <= Decimal(text) <= high or Decimal(text) - low < Decimal("0.01")
    assert low == high == 100 or (low, high) in pairwise(values)


def simulated(rng, queries, number, decimals=2):
    """Rates over so many queries as a paper's table prints them."""
    hits = rng.integers(queries // 2, queries + 1, number)
    return [Rate.of(f"{100 * int(hit) / queries:.{decimals}f}") for hit in hits]


@pytest.mark.parametrize("queries", [731, 1115, 1678])
def test_the_right_number_is_found_and_wrong_ones_are_rejected(queries):
    rates = simulated(np.random.default_rng(queries), queries, 24)
    found = grim.fitting(grim.distinct(rates), (200, 3000))
    # chance lets fewer than one in a thousand tables have another that is no multiple
    assert grim.expected_fitting(grim.distinct(rates)) < 0.001
    assert set(found) == {n for n in range(200, 3001) if n % queries == 0}


def test_random_values_fit_as_often_as_computed():
    """The false alarms: 4,000 tables of four values that have nothing to do with 3,001 queries."""
    rng, queries, tables = np.random.default_rng(0), 3001, 4000
    values = [[Rate(int(u), 2) for u in rng.integers(0, 10_001, 4)] for _ in range(tables)]
    wrong = np.array([len(grim.impossible(rates, queries)) for rates in values])
    for number in range(5):
        expected = grim.as_few(values[0], queries, number)
        spread = (expected * (1 - expected) / tables) ** 0.5
        assert np.mean(wrong <= number) == pytest.approx(expected, abs=4 * spread + 1e-12)
    assert np.mean(wrong) == pytest.approx(grim.expected_impossible(values[0], queries), abs=0.06)
    assert grim.as_few(values[0], queries, 0) == pytest.approx(grim.all_fit(values[0], queries))


def test_as_many_numbers_fit_random_values_as_computed():
    rng, between = np.random.default_rng(1), (1500, 1520)
    found = [
        len(grim.fitting([Rate(int(u), 2) for u in rng.integers(0, 10_001, 2)], between)) for _ in range(3000)
    ]
    expected = grim.expected_fitting([Rate(0, 2), Rate(1, 2)], between)
    assert expected == pytest.approx(sum(((n + 1) / 10_001) ** 2 for n in range(1500, 1521)), rel=0.01)
    assert np.mean(found) == pytest.approx(expected, abs=4 * np.std(found) / 3000**0.5)


def test_mixed_decimals_count_each_as_it_is_printed():
    rates = [Rate.of("95.96"), Rate.of("95.9")]
    assert grim.as_few(rates, 500, 1) == pytest.approx(
        1 - (1 - grim.share(2, 500)) * (1 - grim.share(1, 500))
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=30), st.sets(st.integers(2, 20), max_size=4))
def test_the_mean_of_one_over_the_rank_lies_within_its_bounds(found_at, others):
    rates = {k: 100 * np.mean([rank <= k for rank in found_at]) for k in {1, *others}}
    low, high = grim.single_match_bounds(rates)
    assert low - 1e-9 <= 100 * np.mean([1 / rank for rank in found_at]) <= high + 1e-9


def test_the_bounds_by_hand():
    # half are first, a quarter at ranks 2 to 5 (1/2 to 1/5), a quarter behind (1/6 to 0)
    assert grim.single_match_bounds({1: 50.0, 5: 75.0}) == pytest.approx((55.0, 50 + 12.5 + 25 / 6))
