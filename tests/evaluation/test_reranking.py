import numpy as np
import pytest
from tests.evaluation.slow import slow_evaluate

from vreid.evaluation.evaluate import Method, evaluate_arrays
from vreid.evaluation.reranking import RerankedKeys, Reranking
from vreid.params.errors import UserError


def published(query, gallery, k1, k2, weight, one_set=False):
    """The published algorithm, step by step on full matrices, in float64."""
    images = gallery if one_set else np.concatenate([query, gallery])
    n, q = len(images), len(query)
    squared = ((images[:, None] - images[None]) ** 2).sum(axis=2)
    original = np.array([[squared[i, j] / squared[i].max() for j in range(n)] for i in range(n)])
    ranked = np.argsort(original, axis=1, kind="stable")

    def reciprocal(i, k):
        return [j for j in ranked[i, : k + 1] if i in ranked[j, : k + 1]]

    v = np.zeros((n, n))
    for i in range(n):
        members = reciprocal(i, k1)
        expanded = set(members)
        for candidate in members:
            theirs = reciprocal(candidate, int(np.around(k1 / 2)))
            if len(set(theirs) & set(members)) > 2 / 3 * len(theirs):
                expanded |= set(theirs)
        chosen = sorted(expanded)
        v[i, chosen] = np.exp(-original[i, chosen])
        v[i] /= v[i].sum()
    if k2 != 1:
        v = np.array([v[ranked[i, :k2]].mean(axis=0) for i in range(n)])
    first = 0 if one_set else q
    final = np.empty((q, n - first))
    for i in range(q):
        for j in range(n - first):
            both = np.minimum(v[i], v[j + first]).sum()
            jaccard = 1 - both / (2 - both)
            final[i, j] = (1 - weight) * jaccard + weight * original[i, j + first]
    return final


def problem(seed, queries=9, gallery=40, dtype=np.float64):
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 5, queries), rng.integers(0, 5, gallery)
    centres = rng.standard_normal((5, 6))
    features = [centres[part] + 0.8 * rng.standard_normal((len(part), 6)) for part in ids]
    return *(part.astype(dtype) for part in features), *ids


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("k1", "k2", "weight"),
    [(20, 6, 0.3), (5, 3, 0.0), (7, 1, 0.5), (1, 2, 1.0), (100, 60, 0.2), (4, 12, 0.1)],
)
@pytest.mark.parametrize("one_set", [False, True])
def test_agrees_with_the_published_algorithm(seed, k1, k2, weight, one_set):
    query, gallery, *_ = problem(seed)
    if one_set:
        query = gallery
    keys = RerankedKeys(query, gallery, "euclidean", Reranking(k1, k2, weight), one_set=one_set)
    expected = published(query, gallery, k1, k2, weight, one_set)
    np.testing.assert_allclose(keys.products(0, len(query)), expected, rtol=0, atol=1e-12)


def test_cosine_is_euclid_between_vectors_of_length_one():
    query, gallery, *_ = problem(1)
    unit = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in (query, gallery)]
    keys = RerankedKeys(query, gallery, "cosine", Reranking())
    np.testing.assert_allclose(keys.products(0, 9), published(*unit, 20, 6, 0.3), rtol=0, atol=1e-12)


def test_metrics_are_those_of_the_published_distances_in_any_block():
    query, gallery, *ids = problem(3, 30, 100, np.float32)
    expected = slow_evaluate(published(query, gallery, 20, 6, 0.3).tolist(), *ids, lambda *_: False)
    for budget in (60_000, 1 << 28):
        result = evaluate_arrays(
            query,
            gallery,
            *ids,
            protocol="custom_no_cameras",
            method=Method("euclidean", reranking=Reranking(), budget=budget, threads=1),
        )
        for metric in ("mAP", "mINP", "MRR"):
            assert result[metric] == pytest.approx(expected[metric], abs=1e-6)
    assert "k1 20" in result.summary()["rules"]["reranking"]


def test_one_set_counts_its_images_once():
    _, features, _, ids = problem(2)
    result = evaluate_arrays(
        features,
        features,
        ids,
        ids,
        protocol="all_vs_all",
        method=Method("euclidean", reranking=Reranking(8, 3)),
    )
    distances = published(features, features, 8, 3, 0.3, one_set=True).tolist()
    expected = slow_evaluate(distances, ids, ids, lambda i, j: i == j)
    assert result["mAP"] == pytest.approx(expected["mAP"], abs=1e-12)


def test_equal_images_are_at_distance_nought():
    features = np.ones((6, 3), np.float32)
    keys = RerankedKeys(features[:2], features[2:], "euclidean", Reranking(3, 2))
    assert np.isfinite(keys.products(0, 2)).all()


@pytest.mark.parametrize("values", [(0, 6, 0.3), (20, 0, 0.3), (20, 6, 1.1), (20, 6, float("nan"))])
def test_parameters_out_of_range_are_refused(values):
    with pytest.raises(UserError, match="Re-ranking needs k1 and k2"):
        Reranking(*values)
