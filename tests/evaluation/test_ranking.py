import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.evaluation.slow import slow_distance

from vreid.evaluation.arrays import copies, squared_norms
from vreid.evaluation.distances import DISTANCES, FeatureKeys, distances
from vreid.evaluation.ranking import Groups, nearest


@given(st.integers(0, 2**32 - 1), st.sampled_from(DISTANCES), st.sampled_from([np.float32, np.float64]))
@settings(max_examples=40, deadline=None)
def test_distances_are_those_of_the_definition(seed, distance, dtype):
    rng = np.random.default_rng(seed)
    query, gallery = rng.standard_normal((4, 6)).astype(dtype), rng.standard_normal((7, 6)).astype(dtype)
    gallery[3], query[1] = query[0], 0
    expected = [[slow_distance(q, g, distance) for g in gallery.tolist()] for q in query.tolist()]
    found = distances(query, gallery, distance)
    assert found.dtype == dtype
    # Two squared norms and twice an inner product of n numbers: 4 n roundings, of half an eps of the largest
    # squared norm each; sums, root or division are 16 more at most. A root magnifies them near 0, so squares.
    largest = max(1.0, *(np.square(part.astype(float)).sum(axis=1).max() for part in (query, gallery)))
    allowed = (2 * 6 + 8) * np.finfo(dtype).eps * largest
    power = 2 if distance == "euclidean" else 1
    np.testing.assert_allclose(found.astype(float) ** power, np.power(expected, power), rtol=0, atol=allowed)


@given(st.integers(0, 2**32 - 1), st.integers(1, 25), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_nearest_come_in_order_without_junk(seed, count, junk):
    rng = np.random.default_rng(seed)
    query, gallery = rng.integers(-2, 3, (5, 2)), rng.integers(-2, 3, (18, 2))
    ids, cams = (
        (rng.integers(0, 3, 5), rng.integers(0, 3, 18)),
        (rng.integers(0, 2, 5), rng.integers(0, 2, 18)),
    )
    groups = Groups(*ids, *cams) if junk else None
    found = nearest(FeatureKeys(query, gallery, "euclidean"), count, groups)
    assert found.shape == (5, min(count, 18))
    for i, row in enumerate(found.tolist()):
        kept = [j for j in range(18) if not (junk and ids[0][i] == ids[1][j] and cams[0][i] == cams[1][j])]
        ordered = sorted(
            kept, key=lambda j: (slow_distance(query[i].tolist(), gallery[j].tolist(), "euclidean"), j)
        )
        expected = ordered[:count]
        assert row == expected + [-1] * (len(row) - len(expected))


@given(st.integers(0, 2**32 - 1), st.sampled_from([np.float16, np.float32, np.uint8]))
@settings(max_examples=60, deadline=None)
def test_repeated_rows_are_found_and_no_others(seed, dtype):
    rng = np.random.default_rng(seed)
    array = rng.integers(0, 2, (30, 3)).astype(dtype)
    if dtype != np.uint8:
        array[::2] = np.where(array[::2] == 0, -0.0, array[::2])
    again, first = copies(array, squared_norms(array, np.dtype(np.float32), "rows"))
    rows = [tuple(row) for row in (array.astype(float) + 0.0).tolist()]
    assert again.tolist() == [i for i, row in enumerate(rows) if row in rows[:i]]
    assert first.tolist() == [rows.index(rows[i]) for i in again]


def test_groups_count_matches_and_junk():
    groups = Groups(
        np.array(["a", "b", "z"]), np.array(["b", "a", "a", "c"]), np.array([0, 1, 0]), np.array([1, 0, 2, 0])
    )
    assert groups.matches.tolist() == [1, 0, 0]
    assert groups.junk.tolist() == [1, 1, 0]
    assert groups.ranked.tolist() == [3, 3, 4]
    matches, junk = groups.pairs(0, 3)
    assert (matches.query.tolist(), matches.position.tolist()) == ([0], [2])
    assert (junk.query.tolist(), junk.position.tolist()) == ([0, 1], [1, 0])


@pytest.mark.parametrize("module", ["evaluate", "run", "baselines", "files", "audit", "comparison"])
def test_heavy_libraries_are_imported_when_needed_only(module):
    heavy = "{'torch', 'pandas', 'scipy', 'sklearn', 'matplotlib', 'pyarrow'}"
    code = f"import sys, vreid.evaluation.{module}; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
