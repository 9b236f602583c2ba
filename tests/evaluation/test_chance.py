from itertools import combinations

import numpy as np
import pytest
from tests.evaluation.slow import slow_query

from vreid.evaluation.chance import chance, one_query

METRICS = {"mAP": "AP", "mAP_trapezoid": "AP_trapezoid", "mINP": "INP"}


@pytest.mark.parametrize(("matches", "ranked"), [(1, 1), (1, 7), (2, 2), (2, 9), (3, 8), (5, 6), (9, 9)])
def test_expectations_are_means_over_all_orders(matches, ranked):
    """All orders are alike, so all placements of the matches are: each is tried."""
    found = [slow_query(range(ranked), set(places), set()) for places in combinations(range(ranked), matches)]
    expected = one_query(matches, ranked)
    for name, key in METRICS.items():
        assert expected[name] == pytest.approx(np.mean([one[key] for one in found]), abs=1e-13)
    assert expected["MRR"] == pytest.approx(np.mean([1 / one["first"] for one in found]), abs=1e-13)
    for k in range(1, 51):
        share = np.mean([one["first"] <= k for one in found])
        assert expected["cmc"][k - 1] == pytest.approx(share, abs=1e-13)


def test_queries_are_averaged_and_those_without_a_match_left_out():
    mean = chance(np.array([1, 3, 0, 3]), np.array([7, 8, 8, 8]))
    one, three = one_query(1, 7), one_query(3, 8)
    for name in ("mAP", "mAP_trapezoid", "mINP", "MRR"):
        assert mean[name] == pytest.approx((one[name] + 2 * three[name]) / 3)
    np.testing.assert_allclose(mean["cmc"], (one["cmc"] + 2 * three["cmc"]) / 3)


def test_a_large_gallery_agrees_with_drawn_orders():
    rng = np.random.default_rng(0)
    matches, ranked, draws = 40, 5000, 4000
    ranks = np.sort(np.array([rng.choice(ranked, matches, replace=False) for _ in range(draws)]), axis=1) + 1
    expected = one_query(matches, ranked)
    ap = (np.arange(1, matches + 1) / ranks).mean(axis=1)
    for name, values in (("mAP", ap), ("mINP", matches / ranks[:, -1]), ("MRR", 1 / ranks[:, 0])):
        assert abs(values.mean() - expected[name]) < 4 * values.std() / np.sqrt(draws)
    first = ranks[:, 0] <= 10
    assert abs(first.mean() - expected["cmc"][9]) < 4 * first.std() / np.sqrt(draws)


@pytest.mark.parametrize(("matches", "ranked"), [([0], [5]), ([3], [2])])
def test_impossible_sizes_are_refused(matches, ranked):
    with pytest.raises(ValueError, match="at least its matches"):
        chance(np.array(matches), np.array(ranked))
