import tracemalloc
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score
from tests.evaluation.slow import slow_distance, slow_evaluate

from vreid.evaluation import distances, ranking
from vreid.evaluation.evaluate import Method, evaluate_arrays, evaluate_pool
from vreid.evaluation.protocols import find_protocol
from vreid.params.errors import UserError

METRICS = ("mAP", "mAP_trapezoid", "mINP", "MRR")
VERI = {"protocol": "veri776"}


class Problem:
    """Query and gallery with labels; features are small whole numbers, so that ties abound and are
    exact.
    """

    def __init__(self, rng, queries, gallery, columns, ids, cams, highest=2, dtype=np.float64):
        self.query = rng.integers(-highest, highest + 1, (queries, columns)).astype(dtype)
        self.gallery = rng.integers(-highest, highest + 1, (gallery, columns)).astype(dtype)
        self.ids = rng.integers(0, ids, queries), rng.integers(0, ids, gallery)
        self.cams = rng.integers(0, cams, queries), rng.integers(0, cams, gallery)

    def evaluate(self, **options):
        return evaluate_arrays(self.query, self.gallery, *self.ids, *self.cams, **options)

    def slow(self, distance="euclidean", junk="same_camera"):
        rows = [[slow_distance(q, g, distance) for g in self.gallery.tolist()] for q in self.query.tolist()]
        same = {
            "same_camera": lambda i, j: self.cams[0][i] == self.cams[1][j],
            "self": lambda i, j: i == j,
            "none": lambda i, j: False,
        }
        return slow_evaluate(rows, *self.ids, same[junk])


@st.composite
def problems(draw, dtype=np.float64):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return Problem(
        rng,
        queries=draw(st.integers(1, 12)),
        gallery=draw(st.integers(1, 40)),
        columns=draw(st.integers(1, 4)),
        ids=draw(st.integers(1, 6)),
        cams=draw(st.integers(1, 4)),
        highest=draw(st.integers(0, 3)),
        dtype=dtype,
    )


def same_as(result, expected):
    for metric in METRICS:
        assert result[metric] == pytest.approx(expected[metric], rel=0, abs=1e-12)
    np.testing.assert_allclose(result.cmc, expected["cmc"], rtol=0, atol=1e-12)
    trial = result.trials[0].per_query
    assert trial.valid.sum() == expected["valid_queries"]
    for i, one in enumerate(expected["queries"]):
        if one is None:
            assert trial.matches[i] == trial.first_match_rank[i] == 0
            assert np.isnan([trial.ap[i], trial.ap_trapezoid[i], trial.inp[i]]).all()
        else:
            assert (trial.first_match_rank[i], trial.matches[i]) == (one["first"], one["matches"])
            assert trial.ap[i] == pytest.approx(one["AP"], rel=0, abs=1e-12)


@given(problems(), st.sampled_from(["same_camera", "none"]))
@settings(max_examples=150, deadline=None)
def test_agrees_with_the_slow_rules_ties_and_all(problem, junk):
    expected = problem.slow(junk=junk)
    if expected is None:
        with pytest.raises(UserError, match="leaves none of the"):
            problem.evaluate(protocol="custom", junk=junk, method=Method("euclidean"))
        return
    for distance in ("euclidean", "squared_euclidean"):
        same_as(problem.evaluate(protocol="custom", junk=junk, method=Method(distance)), expected)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["cosine", "euclidean"]), st.integers(1, 200))
@settings(max_examples=40, deadline=None)
def test_agrees_with_the_slow_rules_on_real_numbers(seed, distance, gallery):
    rng = np.random.default_rng(seed)
    problem = Problem(rng, 6, gallery, 5, 3, 3)
    problem.query, problem.gallery = rng.standard_normal((6, 5)), rng.standard_normal((gallery, 5))
    expected = problem.slow(distance)
    assume(expected is not None)
    same_as(problem.evaluate(method=Method(distance)), expected)


@pytest.mark.parametrize(("ids", "gallery"), [(2, 3000), (400, 3000)])
def test_many_and_few_matches_are_ranked_alike(ids, gallery):
    problem = Problem(np.random.default_rng(5), 8, gallery, 3, ids, 3, highest=4)
    same_as(problem.evaluate(method=Method("euclidean")), problem.slow())


@given(
    problems(), st.sampled_from([np.float16, np.float32, np.int8, np.uint8, np.int64, np.longdouble, ">f4"])
)
@settings(max_examples=60, deadline=None)
def test_every_type_of_features_gives_the_same(problem, dtype):
    problem.query, problem.gallery = abs(problem.query), abs(problem.gallery)
    expected = problem.slow()
    assume(expected is not None)
    problem.query, problem.gallery = problem.query.astype(dtype), problem.gallery.astype(dtype)
    same_as(problem.evaluate(method=Method("euclidean")), expected)


@given(problems(np.float32))
@settings(max_examples=40, deadline=None)
def test_strides_and_read_only_arrays_change_nothing(problem):
    assume(problem.slow() is not None)
    expected = problem.evaluate(method=Method("euclidean"))
    query, gallery = problem.query, problem.gallery
    for change in (
        np.asfortranarray,
        lambda a: np.repeat(a, 2, axis=1)[:, ::2],
        lambda a: a[::-1].copy()[::-1],
        lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    ):
        problem.query, problem.gallery = change(query), change(gallery)
        assert problem.evaluate(method=Method("euclidean")).summary() == expected.summary()


@given(problems(np.float32), st.integers(1, 3), st.integers(1, 5), st.integers(1, 100))
@settings(max_examples=40, deadline=None)
def test_blocks_and_threads_change_nothing(problem, threads, block, slab):
    assume(problem.slow() is not None)
    expected = problem.evaluate(method=Method("euclidean"))
    row = 4 * (len(problem.gallery) + problem.gallery.shape[1])
    with (
        patch.multiple(distances, LARGEST_BLOCK=block * row, BLOCK_ROWS=1),
        patch.multiple(ranking, SLAB=slab, SORTED=2 * slab),
    ):
        found = problem.evaluate(method=Method("euclidean", threads=threads))
    assert found.summary() == expected.summary()


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_budget_of_memory_is_kept_and_changes_nothing(dtype):
    problem = Problem(np.random.default_rng(0), 500, 20_000, 16, 50, 3, highest=9, dtype=dtype)
    expected = problem.evaluate(method=Method("euclidean", threads=1)).summary()
    for budget in (2 << 20, 8 << 20):
        tracemalloc.start()
        found = problem.evaluate(method=Method("euclidean", budget=budget, threads=1))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert found.summary() == expected
        labels_and_results = 16 * 8 * (len(problem.query) + len(problem.gallery))
        assert peak < budget + labels_and_results


@given(problems(), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_order_of_queries_never_and_of_gallery_only_in_ties_matters(problem, random):
    assume(problem.slow() is not None)
    rng = np.random.default_rng(random.randrange(2**32))
    problem.gallery = problem.gallery + rng.random(problem.gallery.shape) * 0.1
    expected = problem.evaluate(method=Method("euclidean"))
    q, g = rng.permutation(len(problem.query)), rng.permutation(len(problem.gallery))
    problem.query, problem.gallery = problem.query[q], problem.gallery[g]
    problem.ids = problem.ids[0][q], problem.ids[1][g]
    problem.cams = problem.cams[0][q], problem.cams[1][g]
    found = problem.evaluate(method=Method("euclidean"))
    for metric in METRICS:
        assert found[metric] == pytest.approx(expected[metric], abs=1e-12)
    np.testing.assert_allclose(found.cmc, expected.cmc, atol=1e-12)


@given(problems(), st.integers(1, 30))
@settings(max_examples=50, deadline=None)
def test_junk_changes_nothing(problem, count):
    assume(problem.slow() is not None)
    problem.cams = np.zeros_like(problem.cams[0]), problem.cams[1] + 1
    expected = problem.evaluate(method=Method("euclidean"))
    rng = np.random.default_rng(count)
    asking = problem.ids[0][0]
    keep = problem.ids[0] == asking
    problem.query, problem.ids = problem.query[keep], (problem.ids[0][keep], problem.ids[1])
    problem.cams = problem.cams[0][keep], problem.cams[1]
    assume(problem.slow() is not None)
    expected = problem.evaluate(method=Method("euclidean"))
    problem.gallery = np.concatenate(
        [rng.integers(-2, 3, (count, problem.gallery.shape[1])), problem.gallery]
    )
    problem.ids = problem.ids[0], np.concatenate([np.full(count, asking), problem.ids[1]])
    problem.cams = problem.cams[0], np.concatenate([np.zeros(count, int), problem.cams[1]])
    found = problem.evaluate(method=Method("euclidean"))
    assert found.cmc.tolist() == expected.cmc.tolist()
    assert {m: found[m] for m in METRICS} == {m: expected[m] for m in METRICS}


@given(problems())
@settings(max_examples=60, deadline=None)
def test_cmc_never_falls_and_ends_where_the_gallery_does(problem):
    assume(problem.slow(junk="none") is not None)
    cmc = problem.evaluate(junk="none").cmc
    assert cmc.shape == (50,)
    assert (np.diff(cmc) >= 0).all()
    assert cmc[len(problem.gallery) - 1 :].tolist() == [1.0] * (51 - len(problem.gallery))


@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
@settings(max_examples=30, deadline=None)
def test_one_match_makes_ap_inp_and_reciprocal_rank_one_number(seed, ids):
    rng = np.random.default_rng(seed)
    result = evaluate_arrays(
        rng.standard_normal((10, 3)),
        rng.standard_normal((ids, 3)),
        rng.integers(0, ids, 10),
        rng.permutation(ids),
        protocol="vehicleid_official_800",
    )
    assert result["mAP"] == pytest.approx(result["mINP"], abs=1e-15)
    assert result["mAP"] == pytest.approx(result["MRR"], abs=1e-15)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_agrees_with_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    query, gallery = rng.standard_normal((5, 8)), rng.standard_normal((100, 8))
    ids = rng.integers(0, 5, 5), np.arange(100) % 5
    result = evaluate_arrays(query, gallery, *ids, protocol="custom_no_cameras")
    near = query @ gallery.T / np.linalg.norm(gallery, axis=1)
    scores = [average_precision_score(ids[1] == i, row) for i, row in zip(ids[0], near, strict=True)]
    np.testing.assert_allclose(result.trials[0].per_query.ap, scores, rtol=0, atol=1e-12)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("part", ["query", "gallery"])
def test_values_that_are_no_numbers_are_named_by_their_first_row(value, part):
    problem = Problem(np.random.default_rng(0), 9, 30, 4, 3, 3, dtype=np.float32)
    getattr(problem, part)[7, 2] = value
    getattr(problem, part)[8] = np.nan
    with pytest.raises(UserError, match=rf"{part} features: row 7 holds {value} in column 2"):
        problem.evaluate(**VERI)


@pytest.mark.parametrize(("value", "sentence"), [(1e30, "overflow float32"), (1e-25, "vanishes in float32")])
def test_features_whose_squares_leave_the_range_are_refused(value, sentence):
    problem = Problem(np.random.default_rng(0), 9, 30, 4, 3, 3, dtype=np.float32)
    problem.gallery[4] = value
    with pytest.raises(UserError, match=rf"gallery features: row 4 .* {sentence}"):
        problem.evaluate(**VERI)


def test_labels_beyond_the_range_of_doubles_are_told_apart():
    ids = np.array([2**63 + 1, 2**63 + 3], np.uint64)
    result = evaluate_arrays(np.eye(2), np.eye(2), ids, ids[::-1].copy(), protocol="custom_no_cameras")
    assert result["R1"] == 0
    big = evaluate_arrays(
        np.eye(2),
        np.eye(2),
        [2**62, 2**62 + 1],
        np.array([2**62, 2**62 + 1], np.uint64),
        protocol="custom_no_cameras",
    )
    assert big["R1"] == 1


def test_cameras_that_no_rule_reads_may_be_unknown():
    result = evaluate_arrays(
        np.eye(2), np.eye(2), [0, 1], [0, 1], [np.nan, 1.0], [np.nan, 1.0], protocol="custom_no_cameras"
    )
    assert result["mAP"] == 1


def test_a_constant_camera_is_explained():
    problem = Problem(np.random.default_rng(0), 9, 30, 4, 3, 1)
    with pytest.raises(UserError, match=r"removed all \d+ images .* without the camera rule"):
        problem.evaluate(**VERI)


def test_a_rule_about_cameras_needs_cameras():
    problem = Problem(np.random.default_rng(0), 9, 30, 4, 3, 3)
    with pytest.raises(UserError, match="needs the cameras"):
        evaluate_arrays(problem.query, problem.gallery, *problem.ids, **VERI)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"query": np.zeros(4)}, r"query features has the shape \(4,\)"),
        ({"query": np.zeros((0, 4))}, "query features is empty"),
        ({"query": np.zeros((9, 5))}, "5 columns and gallery features 4"),
        ({"query": np.array([["a"] * 4] * 9)}, "features are real numbers"),
        ({"query": np.zeros((9, 4), complex)}, "features are real numbers"),
        ({"query_ids": np.zeros(8)}, "one label for each of the 9"),
        ({"query_ids": np.full(9, np.nan)}, r"query ids: row 0 \(from 0\) is nan"),
        ({"query_ids": np.full(9, 0.5)}, "whole numbers"),
        ({"query_ids": np.array(["a"] * 9)}, "two types"),
        ({"query_ids": [None] * 9}, r"query ids: row 0 \(from 0\) is missing"),
        ({"protocol": "veri77"}, "did you mean veri776"),
        ({"junk": "camera"}, "no junk rule 'camera'"),
        ({"method": Method("cosin")}, "no distance 'cosin'"),
        ({"method": Method(threads=0)}, "at least 1"),
        ({"method": Method(budget=10)}, r"budget of 0\.0 MiB"),
        ({"junk": "self"}, "must be the same set"),
        ({"query_ids": np.arange(100, 109)}, "no identity of the query set"),
    ],
)
def test_what_cannot_be_evaluated_is_said(change, sentence):
    problem = Problem(np.random.default_rng(0), 9, 30, 4, 3, 3)
    given = {
        "query": problem.query,
        "gallery": problem.gallery,
        "query_ids": problem.ids[0],
        "gallery_ids": problem.ids[1],
        "query_cams": problem.cams[0],
        "gallery_cams": problem.cams[1],
    }
    with pytest.raises(UserError, match=sentence):
        evaluate_arrays(**{**given, **change})


def test_labels_may_be_text_and_objects():
    problem = Problem(np.random.default_rng(3), 9, 30, 4, 3, 3)
    expected = problem.evaluate(**VERI).summary()
    problem.ids = tuple(np.array([f"car {i}" for i in part], dtype=object) for part in problem.ids)
    problem.cams = tuple(part.astype(np.float32) for part in problem.cams)
    assert problem.evaluate(**VERI).summary() == expected


def test_vectors_of_zeros_are_at_cosine_distance_one():
    result = evaluate_arrays(
        [[1.0, 0.0]], [[-1.0, 0.0], [0.0, 0.0], [1.0, 0.1]], [1], [0, 1, 0], protocol="custom_no_cameras"
    )
    assert result.trials[0].per_query.first_match_rank.tolist() == [2]


def test_equal_features_tie_whatever_the_matrix_product_rounds():
    """A BLAS may give equal columns unequal products; all equal means the order of the gallery."""
    rng = np.random.default_rng(0)
    for queries, gallery, columns in ((1, 13, 64), (7, 101, 64), (33, 1013, 333)):
        features = np.tile(rng.standard_normal(columns).astype(np.float32), (gallery, 1))
        matching = int(rng.integers(1, gallery))
        ids = np.where(np.arange(gallery) == matching, 1, 0)
        query = rng.standard_normal((queries, columns)).astype(np.float32)
        for distance in ("cosine", "euclidean"):
            result = evaluate_arrays(
                query,
                features,
                np.ones(queries, int),
                ids,
                protocol="custom_no_cameras",
                method=Method(distance),
            )
            assert set(result.trials[0].per_query.first_match_rank.tolist()) == {matching + 1}


class TestForms:
    def test_all_against_all_takes_one_set_twice_or_two_parts(self):
        rng = np.random.default_rng(1)
        features, ids = rng.standard_normal((40, 6)), rng.integers(0, 8, 40)
        rows = [[slow_distance(a, b, "cosine") for b in features.tolist()] for a in features.tolist()]
        expected = slow_evaluate(rows, ids, ids, lambda i, j: i == j)
        for result in (
            evaluate_arrays(features, features.copy(), ids, ids, protocol="all_vs_all"),
            evaluate_arrays(features[:9], features[9:], ids[:9], ids[9:], protocol="all_vs_all"),
            evaluate_pool(features, ids, protocol="cars196"),
        ):
            same_as(result, expected)

    def test_all_against_all_refuses_parts_that_share_an_image(self):
        features = np.random.default_rng(1).standard_normal((40, 6))
        ids = np.arange(40) // 2
        with pytest.raises(UserError, match="query row 0, gallery row 30"):
            evaluate_arrays(features[30:], features, ids[30:], ids, protocol="all_vs_all")

    @pytest.mark.parametrize(
        ("name", "part"), [("vehicleid_official_800", "gallery"), ("vehicleid_swapped_800", "query")]
    )
    def test_given_parts_must_have_the_form(self, name, part):
        problem = Problem(np.random.default_rng(0), 9, 30, 4, 3, 3)
        with pytest.raises(UserError, match=f"one {part} image per identity"):
            problem.evaluate(protocol=name)

    def test_trials_are_averaged(self):
        rng = np.random.default_rng(2)
        features, ids = rng.standard_normal((60, 4)), np.arange(60) % 12
        result = evaluate_pool(features, ids, protocol="vru_1200", seed=4)
        assert len(result.trials) == 10
        by_trial = result.by_trial("mAP")
        assert result["mAP"] == pytest.approx(by_trial.mean())
        assert result.sd("mAP") == pytest.approx(by_trial.std(ddof=1))
        assert result.sd("mAP") > 0
        summary = result.summary()
        assert (summary["queries"], summary["gallery"], summary["trials"]) == (48, 12, 10)
        again = evaluate_pool(features, ids, protocol="vru_1200", seed=4)
        assert again.summary() == summary
        assert evaluate_pool(features, ids, protocol="vru_1200", seed=5).summary() != summary

    def test_swapped_turns_official_round(self):
        rng = np.random.default_rng(2)
        features, ids = rng.standard_normal((60, 4)), np.arange(60) % 12
        official = evaluate_pool(features, ids, protocol="vehicleid_official_800").summary()
        swapped = evaluate_pool(features, ids, protocol="vehicleid_swapped_800").summary()
        assert (official["queries"], official["gallery"]) == (swapped["gallery"], swapped["queries"])

    def test_a_protocol_of_given_parts_refuses_one_set(self):
        with pytest.raises(UserError, match="needs query and gallery apart"):
            evaluate_pool(np.eye(4), [0, 0, 1, 1], protocol="veri776")

    def test_identities_of_one_image_each_are_refused(self):
        with pytest.raises(UserError, match="second image"):
            evaluate_pool(np.eye(4), [0, 1, 2, 3], protocol="all_vs_all")


def test_metrics_are_read_by_name():
    result = Problem(np.random.default_rng(3), 9, 30, 4, 3, 3).evaluate(protocol=find_protocol("veri776"))
    assert result["R5"] == result.cmc[4]
    for name in ("R0", "R51", "Rx", "map", "5"):
        with pytest.raises(KeyError):
            result[name]
