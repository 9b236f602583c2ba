import json

import numpy as np
import pytest

from vreid.evaluation.audit import audit
from vreid.evaluation.evaluate import Method, evaluate_arrays, evaluate_pool
from vreid.evaluation.reranking import Reranking
from vreid.params import run as params

TEST = params.Test(feature="after_neck", distance="cosine")


def audited(dataset, protocol, **options):
    return audit(dataset.run / "features", dataset.index, dataset.splits, TEST, protocol, **options)


def split(dataset, rows):
    features = np.array([dataset.features[row] for row in rows])
    return features, dataset.pids[rows], dataset.camids[rows]


def moves(found):
    return {(setting, value): finding for setting, value, finding in found.moves()}


def test_every_choice_moves_the_reference_as_its_own_evaluation_does(dataset):
    found = audited(dataset, "veri776", reranking=Reranking(5, 2, 0.3))
    (query, qids, qcams), (gallery, gids, gcams) = split(dataset, range(6, 14)), split(dataset, range(14, 54))
    everything, ids, _ = split(dataset, range(6, 54))

    def given(**options):
        return evaluate_arrays(query, gallery, qids, gids, qcams, gcams, protocol="veri776", **options)

    reference = given()
    assert found.reference.map == pytest.approx(reference["mAP"])
    assert found.reference.rank1 == pytest.approx(reference["R1"])
    changed = moves(found)
    for move, expected in {
        ("distance", "euclidean"): given(method=Method("euclidean")),
        ("protocol", "the same camera is no junk"): given(junk="none"),
        ("protocol", "all against all"): evaluate_pool(everything, ids, protocol="all_vs_all"),
        ("re-ranking", "k-reciprocal, k1 5, k2 2, lambda 0.3"): given(
            method=Method(None, Reranking(5, 2, 0.3))
        ),
    }.items():
        assert changed[move].map == pytest.approx(expected["mAP"], abs=1e-6), move
        assert changed[move].rank1 == pytest.approx(expected["R1"]), move
    trapezoid = changed["average precision", "trapezoid"]
    assert (trapezoid.map, trapezoid.rank1) == pytest.approx((reference["mAP_trapezoid"], reference["R1"]))
    assert ("feature", "before_neck") in changed
    assert not any(setting == "flip test" for setting, _ in changed)


def test_without_a_neck_its_two_sides_are_no_choice(dataset):
    folder = dataset.run / "features"
    (folder / "before_neck.npy").write_bytes((folder / "after_neck.npy").read_bytes())
    found = audited(dataset, "veri776")
    assert not any(setting == "feature" for setting, _ in moves(found))
    assert {finding.settings["feature"] for finding in found.findings} == {"after_neck"}
    assert found.left_out == (
        "feature before_neck: the network has no neck, so it is the same as after_neck",
    )


def test_official_trials_are_set_against_other_forms_and_single_draws(dataset):
    changed = moves(audited(dataset, "vehicleid_official_800"))
    assert {value for setting, value in changed if setting == "protocol"} == {
        "the first draw alone",
        "gallery of each identity's first image",
        "one query per identity",
        "all against all",
    }
    first = [np.flatnonzero(dataset.pids[6:] == pid)[0] + 6 for pid in range(5)]
    rest = sorted(set(range(6, 54)) - set(first))
    (query, qids, _), (gallery, gids, _) = split(dataset, rest), split(dataset, first)
    expected = evaluate_arrays(query, gallery, qids, gids, protocol="vehicleid_official_800")
    assert changed["protocol", "gallery of each identity's first image"].map == pytest.approx(expected["mAP"])


def test_mirrored_features_add_the_flip_test(dataset):
    folder = dataset.run / "features"
    mirrored = np.load(folder / "after_neck.npy") + np.random.default_rng(0).normal(0, 1, (48, 6))
    np.save(folder / "after_neck_mirrored.npy", mirrored.astype(np.float32))
    assert ("flip test", "yes") in moves(audited(dataset, "veri776"))


def test_the_closest_variant_is_found_and_written(dataset):
    plain = audited(dataset, "veri776")
    assert plain.closest() is None
    target = moves(plain)["protocol", "all against all"]
    found = audited(dataset, "veri776", paper={"mAP": target.map, "R1": target.rank1}, note="rendered data")
    assert found.closest() == target
    written = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert written["variants"][written["closest"]]["mAP"] == target.map
    assert written["note"] == "rendered data"


def test_a_variant_without_matches_is_left_out_and_named(dataset):
    """One camera per identity: the camera rule that is tried on a set without it leaves no match."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    index = pq.read_table(dataset.index)
    index = index.set_column(1, "camid", pa.array(dataset.pids))
    pq.write_table(index, dataset.index)
    from types import SimpleNamespace

    found = audited(dataset, SimpleNamespace(name="veri776", form="given", junk="none"))
    assert len(found.left_out) == 4
    assert "the same camera is junk" in found.left_out[0]
    assert "leaves none of the" in found.left_out[0]
