"""The GPU's code, run by torch on the CPU: the arithmetic is the same."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.evaluation.test_evaluate import problems

from vreid.evaluation.device import device_of, rank_on_device
from vreid.evaluation.distances import FeatureKeys
from vreid.evaluation.evaluate import Method, evaluate_arrays
from vreid.evaluation.metrics import PerQuery
from vreid.evaluation.ranking import Groups
from vreid.params.errors import UserError


@given(problems(np.float32), st.sampled_from(["cosine", "euclidean"]), st.sampled_from([1, 3000, 1 << 28]))
@settings(max_examples=80, deadline=None)
def test_ranks_are_those_of_the_cpu(problem, distance, budget):
    groups = Groups(*problem.ids, *problem.cams)
    assume(groups.matches.any())
    expected = problem.evaluate(protocol="veri776", method=Method(distance)).trials[0].per_query
    found = PerQuery.empty(len(problem.query))
    keys = FeatureKeys(problem.query, problem.gallery, distance)
    keys.budget = budget
    rank_on_device(keys, groups, found.record, "cpu")
    for name in ("first_match_rank", "matches", "ap", "ap_trapezoid", "inp"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_the_precision_of_products_is_restored():
    torch.set_float32_matmul_precision("high")
    try:
        keys = FeatureKeys(np.eye(3), np.eye(3), "cosine")
        groups = Groups(np.arange(3), np.arange(3))
        rank_on_device(keys, groups, PerQuery.empty(3).record, "cpu")
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision("highest")


def test_the_device_is_chosen_by_name():
    assert device_of("cpu") == "cpu"
    with pytest.raises(UserError, match="no device 'tpu'"):
        device_of("tpu")
    present = torch.cuda.is_available()
    assert device_of("auto") == ("cuda" if present else "cpu")
    if not present:
        with pytest.raises(UserError, match="finds no GPU"):
            evaluate_arrays(
                np.eye(2),
                np.eye(2),
                [0, 1],
                [0, 1],
                protocol="custom_no_cameras",
                method=Method(device="cuda"),
            )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_finds_what_the_cpu_finds():
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 50, 300), rng.integers(0, 50, 4000)
    query, gallery = (rng.standard_normal((len(part), 64)).astype(np.float32) for part in ids)
    found = [
        evaluate_arrays(query, gallery, *ids, protocol="custom_no_cameras", method=Method(device=device))
        for device in ("cpu", "cuda")
    ]
    for metric in ("mAP", "mINP", "MRR"):
        assert found[0][metric] == pytest.approx(found[1][metric], abs=1e-6)
