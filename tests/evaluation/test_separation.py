"""Pairs of one vehicle beside pairs of two: against cases by hand, and against sorting all pairs."""

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from tests.evaluation.slow import slow_distance

from vreid.evaluation.evaluate import Problem
from vreid.evaluation.ranking import Groups
from vreid.evaluation.separation import BINS, Overlap, separate


def problem(query, gallery, query_ids, gallery_ids, *marks):
    groups = Groups(np.asarray(query_ids), np.asarray(gallery_ids), *map(np.asarray, marks))
    return Problem(query, gallery, groups, np.arange(len(query)), np.asarray(query_ids))


def on_a_line(same, different):
    """One query at 0 and a gallery at these distances."""
    places = np.array([*same, *different], np.float32)[:, None]
    ids = [1] * len(same) + [2] * len(different)
    return problem(np.zeros((1, 1), np.float32), places, [1], ids)


def slow_pairs(problem, distance, query_ids, gallery_ids, query_marks=None, gallery_marks=None):
    """Return the similarities of the pairs of one vehicle and of two, pair by pair."""
    found = {True: [], False: []}
    for q, one in enumerate(query_ids):
        kept = [
            (g, other)
            for g, other in enumerate(gallery_ids)
            if other != one or query_marks is None or query_marks[q] != gallery_marks[g]
        ]
        if one not in [other for _, other in kept]:
            continue
        for g, other in kept:
            apart = slow_distance(problem.query[q].tolist(), problem.gallery[g].tolist(), distance)
            found[one == other].append(1 - apart if distance == "cosine" else -apart)
    return sorted(found[True]), sorted(found[False])


def slow_overlap(same, different):
    """Return what `Overlap` holds, by trying every similarity as the threshold."""
    median = same[(len(same) - 1) // 2]
    tried = []
    for threshold in sorted({*same, *different}):
        accepted = Fraction(sum(value >= threshold for value in different), len(different))
        refused = Fraction(sum(value < threshold for value in same), len(same))
        tried.append((abs(accepted - refused), threshold, float(accepted), float(refused)))
    _, threshold, accepted, refused = min(tried)
    return Overlap(
        median=median,
        above_median=sum(value > median for value in different) / len(different),
        threshold=threshold,
        accepted=accepted,
        refused=refused,
    )


@pytest.mark.parametrize(
    ("same", "different", "expected"),
    [
        # Same at -1 and -3, different at -2 and -4. From -2 on, one of two is wrong on either side.
        ([1, 3], [2, 4], Overlap(-3, 0.5, -2, 0.5, 0.5)),
        # Apart: from -1 on, nothing is wrong.
        ([1], [5, 6], Overlap(-1, 0, -1, 0, 0)),
        # The wrong way round: where all of one vehicle are refused, all others are accepted still.
        ([5, 6, 7], [1, 2], Overlap(-6, 1, -2, 1, 1)),
        # No threshold tells equal ones apart, and none is more similar than another.
        ([4, 4], [4, 4, 4], Overlap(-4, 0, -4, 1, 0)),
        # Median of five. Accepted and refused are 1/2 and 1/5 from -4 on, 1/4 and 1/5 from -3 on.
        ([0, 1, 2, 3, 9], [2, 3.5, 7, 8], Overlap(-2, 0, -3, 0.25, 0.2)),
        # Two are as near, 1/2 and 1/3 from -5 on, 1/2 and 2/3 from -4 on; in floats they differ.
        ([9, 5, 4], [1, 7, 7, 2], Overlap(-5, 0.5, -5, 0.5, 1 / 3)),
        # Two thresholds are as near: 1/2 and 0 from -3 on, 0 and 1/2 from -1 on. The lower one is taken.
        ([1, 3], [3, 4], Overlap(-3, 0, -3, 0.5, 0)),
    ],
)
def test_overlap_by_hand(same, different, expected):
    found = separate(on_a_line(same, different), "euclidean")
    assert found.overlap == expected
    assert (found.same.sum(), found.different.sum()) == (len(same), len(different))


def test_equal_error_rate_is_the_mean_of_both_errors():
    assert Overlap(0, 0, 0, accepted=0.3, refused=0.2).equal_error_rate == 0.25


@pytest.mark.parametrize("seed", range(20))
def test_overlap_is_that_of_all_pairs_sorted(seed):
    """Whole numbers on a line: no distance is rounded, and many are equal."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 12, 2)
    ids = [rng.integers(0, 3, size) for size in sizes]
    marks = [rng.integers(0, 2, size) for size in sizes]
    places = [(rng.integers(-20, 20, size) + 3 * own)[:, None] for size, own in zip(sizes, ids, strict=True)]
    pairs = problem(*(place.astype(np.float32) for place in places), *ids, *marks)
    same, different = slow_pairs(pairs, "euclidean", *ids, *marks)
    found = separate(pairs, "euclidean")
    assert (found.same.sum(), found.different.sum()) == (len(same), len(different))
    assert found.overlap == (slow_overlap(same, different) if same and different else None)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(("distance", "shift"), [("cosine", 0), ("cosine", 20), ("euclidean", 0)])
def test_similarities_of_any_type_and_sign(distance, shift, dtype):
    """A shift makes all vectors point almost the same way: many similarities within few upper halves."""
    rng = np.random.default_rng(3)
    ids = np.repeat(np.arange(6), 2), np.repeat(np.arange(6), 4)
    centres = rng.standard_normal((6, 5)) + shift
    query, gallery = ((centres[own] + 0.7 * rng.standard_normal((len(own), 5))).astype(dtype) for own in ids)
    if not shift:
        query[0] = 0
    pairs = problem(query, gallery, *ids)
    same, different = slow_pairs(pairs, distance, *ids)
    expected, found = slow_overlap(same, different), separate(pairs, distance)
    for name in ("median", "threshold"):
        assert getattr(found.overlap, name) == pytest.approx(getattr(expected, name), abs=2e-6)
    for name in ("above_median", "accepted", "refused"):
        assert getattr(found.overlap, name) == getattr(expected, name)
    assert found.edges[[0, -1]] == pytest.approx([min(same + different), max(same + different)], abs=2e-6)
    assert len(found.edges) == BINS + 1
    for counts, values in ((found.same, same), (found.different, different)):
        below = np.cumsum(counts)[:-1]
        assert (np.searchsorted(values, found.edges[1:-1] - 5e-6) <= below).all()
        assert (below <= np.searchsorted(values, found.edges[1:-1] + 5e-6)).all()
        assert counts.sum() == len(values)


def test_a_median_between_far_halves_counts_what_is_between():
    """The lower of two middle pairs, though the two differ in sign and size."""
    query, gallery = np.array([[1, 0]], np.float32), np.array([[-1, 0.1], [1, 0.1], [0, 1]], np.float32)
    found = separate(problem(query, gallery, [1], [1, 1, 2]), "cosine").overlap
    assert found.median == pytest.approx(-1 / np.sqrt(1.01))
    assert found.above_median == 1


def test_a_vector_of_zeros_is_as_similar_as_one_at_right_angles():
    """Zero of either sign is one similarity."""
    query, gallery = np.array([[1, 0]], np.float32), np.array([[0, 0], [0, 1]], np.float32)
    for ids in ([1, 2], [2, 1]):
        found = separate(problem(query, gallery, [1], ids), "cosine").overlap
        assert found == Overlap(0, 0, 0, 1, 0)


def test_junk_and_queries_without_a_match_are_left_out():
    places = np.arange(4, dtype=np.float32)[:, None]
    # Query 1 has its vehicle by its own camera (junk) and by another; query 2 by its own alone; query 9 not.
    pairs = problem(places[:3], places, [1, 2, 9], [1, 1, 2, 3], [0, 0, 0], [0, 1, 0, 0])
    found = separate(pairs, "euclidean")
    assert (found.same.sum(), found.different.sum()) == (1, 2)
    assert found.overlap == Overlap(-1, 0, -1, 0, 0)
    assert found.edges[[0, -1]].tolist() == [-3, -1]


def test_one_set_leaves_out_each_image_itself():
    places, rows = np.array([[0], [1], [5]], np.float32), np.arange(3)
    found = separate(problem(places, places, [1, 1, 2], [1, 1, 2], rows, rows), "euclidean")
    # Image 5 has no other of its vehicle, so it asks nothing: 0-1 and 1-0 beside 0-5 and 1-5.
    assert (found.same.sum(), found.different.sum()) == (2, 2)
    assert found.overlap == Overlap(-1, 0, -1, 0, 0)


@pytest.mark.parametrize(
    ("ids", "marks", "counts"),
    [
        (([1, 1], [1, 1, 1]), (), (6, 0)),  # a single vehicle
        (([1, 2], [3, 4, 5]), (), (0, 0)),  # no vehicle twice
        (([1, 2], [1, 2, 2]), ([0, 0], [0, 0, 0]), (0, 0)),  # one camera, whose pictures are junk
    ],
)
def test_without_both_kinds_there_is_no_overlap(ids, marks, counts):
    places = np.arange(3, dtype=np.float32)[:, None]
    found = separate(problem(places[:2], places, *ids, *marks), "euclidean")
    assert found.overlap is None
    assert (found.same.sum(), found.different.sum()) == counts
    assert (np.diff(found.edges) > 0).all()


@pytest.mark.parametrize("budget", [1 << 18, 1 << 20])
@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_the_budget_changes_nothing(distance, budget):
    rng = np.random.default_rng(5)
    ids = rng.integers(0, 40, 300), rng.integers(0, 40, 700)
    # Powers of two times whole numbers: products are exact, however they are cut into blocks.
    query, gallery = (rng.integers(-3, 4, (len(own), 4)).astype(np.float32) for own in ids)
    pairs = problem(query, gallery, *ids)
    some, all_at_once = (separate(pairs, distance, limit) for limit in (budget, 80 << 20))
    assert some.overlap == all_at_once.overlap
    for name in ("edges", "same", "different"):
        assert np.array_equal(getattr(some, name), getattr(all_at_once, name))


@pytest.mark.parametrize("vehicles", [1, 500])
def test_memory_stays_small(vehicles):
    """Memory does not grow with the queries; the similarities of 50,000 images to 10,000 would take 2 GB."""
    rng = np.random.default_rng(0)
    queries, images = 300, 50_000
    query, gallery = (rng.standard_normal((count, 4)).astype(np.float32) for count in (queries, images))
    pairs = problem(query, gallery, np.arange(queries) % vehicles, np.arange(images) % vehicles)
    tracemalloc.start()
    found = separate(pairs, "cosine")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.same.sum() + found.different.sum() == queries * images
    assert peak < 100 << 20
