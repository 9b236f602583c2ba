import json
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.evaluation.slow import slow_distance, slow_evaluate

from vreid.evaluation.run import evaluate_run
from vreid.params import run as params
from vreid.params.errors import UserError

AFTER = params.Test(feature="after_neck", distance="cosine")
NAMES = ("veri776", "vehicleid_official_800", "cars196")


def slow(dataset, protocol, trial, junk):
    lines = pq.read_table(dataset.splits).to_pylist()
    rows = {
        role: [
            line["row"]
            for line in lines
            if (line["protocol"], line["trial"], line["role"]) == (protocol, trial, role)
        ]
        for role in ("query", "gallery")
    }
    features = {row: values.tolist() for row, values in dataset.features.items()}
    distances = [
        [slow_distance(features[q], features[g], "cosine") for g in rows["gallery"]] for q in rows["query"]
    ]
    ids = [dataset.pids[rows[role]] for role in ("query", "gallery")]
    return rows, slow_evaluate(
        distances, *ids, lambda i, j: junk(rows["query"][i], rows["gallery"][j], dataset.camids)
    )


RULES = {
    "veri776": lambda q, g, cams: cams[q] == cams[g],
    "vehicleid_official_800": lambda q, g, cams: False,
    "cars196": lambda q, g, cams: q == g,
}


def test_a_run_is_evaluated_under_every_protocol(dataset):
    out = dataset.run / "eval-1"
    evaluate_run(dataset.run / "features", dataset.index, dataset.splits, out, AFTER, NAMES)
    written = json.loads((out / "evaluation.json").read_text())
    assert (written["run"], written["feature"], written["distance"]) == (
        "paper-variant-s0",
        "after_neck",
        "cosine",
    )
    assert list(written["protocols"]) == list(NAMES)
    lines = pq.read_table(out / "per_query.parquet").to_pylist()
    for name, trials in (("veri776", 1), ("vehicleid_official_800", 3), ("cars196", 1)):
        entry = written["protocols"][name]
        expected = [slow(dataset, name, trial, RULES[name]) for trial in range(trials)]
        for metric in ("mAP", "mAP_trapezoid", "mINP", "MRR"):
            values = [found[metric] for _, found in expected]
            assert entry[metric] == pytest.approx(np.mean(values), abs=1e-12)
            sd = np.std(values, ddof=1) if trials > 1 else None
            assert entry["sd"][metric] == (None if sd is None else pytest.approx(sd, abs=1e-12))
        np.testing.assert_allclose(entry["cmc"], np.mean([found["cmc"] for _, found in expected], axis=0))
        assert (entry["protocol"], entry["trials"]) == (name, trials)
        assert entry["queries"] == len(expected[0][0]["query"])
        assert entry["gallery"] == len(expected[0][0]["gallery"])
        for trial, (rows, found) in enumerate(expected):
            mine = [line for line in lines if (line["protocol"], line["trial"]) == (name, trial)]
            assert [line["query_row"] for line in mine] == rows["query"]
            assert [line["pid"] for line in mine] == dataset.pids[rows["query"]].tolist()
            for line, one in zip(mine, found["queries"], strict=True):
                assert line["matches"] == (one["matches"] if one else 0)
                assert line["first_match_rank"] == (one["first"] if one else None)
                for key in ("AP", "AP_trapezoid", "INP"):
                    assert line[key] == (pytest.approx(one[key], abs=1e-12) if one else None)


def test_the_feature_and_the_distance_are_those_asked_for(dataset):
    """Before the neck the same directions have other lengths: cosine does not care, Euclid does."""
    found = {}
    for feature in ("after_neck", "before_neck"):
        for distance in ("cosine", "euclidean"):
            out = dataset.folder / feature / distance
            test = params.Test(feature=feature, distance=distance)
            evaluate_run(dataset.run / "features", dataset.index, dataset.splits, out, test, ["veri776"])
            written = json.loads((out / "evaluation.json").read_text())
            found[feature, distance] = written["protocols"]["veri776"]["mAP"]
    assert found["after_neck", "cosine"] == pytest.approx(found["before_neck", "cosine"], abs=1e-9)
    assert len(set(found.values())) >= 3


def test_a_protocol_may_be_declared_by_the_dataset(dataset):
    declared = SimpleNamespace(name="veri776", form="given", junk="none")
    evaluate_run(dataset.run / "features", dataset.index, dataset.splits, dataset.folder, AFTER, [declared])
    written = json.loads((dataset.folder / "evaluation.json").read_text())
    assert written["protocols"]["veri776"]["rules"]["junk"] == "nothing"
    assert written["protocols"]["veri776"]["mAP"] == pytest.approx(
        slow(dataset, "veri776", 0, lambda *_: False)[1]["mAP"]
    )


def cut(path):
    path.write_bytes(path.read_bytes()[:1000])


def drop_last(path):
    np.save(path, np.load(path)[:-1])


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (
            lambda d: (d.run / "features" / "after_neck.npy").unlink(),
            "extract the features of this run first",
        ),
        (
            lambda d: (d.run / "features" / "rows.npy").write_bytes(b"no"),
            r"rows\.npy is no \.npy file.*extract",
        ),
        (
            lambda d: cut(d.run / "features" / "after_neck.npy"),
            r"after_neck\.npy is no \.npy file .*delete it and run the pipeline again",
        ),
        (lambda d: drop_last(d.run / "features" / "rows.npy"), r"rows\.npy has the shape"),
        (lambda d: np.save(d.run / "features" / "rows.npy", np.zeros(48, int)), "repeats rows"),
        (
            lambda d: [drop_last(d.run / "features" / f"{n}.npy") for n in ("rows", "after_neck")],
            "has no feature",
        ),
        (lambda d: d.splits.unlink(), r"splits\.parquet is missing"),
        (lambda d: d.index.write_bytes(b"PAR1"), r"index\.parquet cannot be read as Parquet"),
        (lambda d: pq.write_table(pq.read_table(d.index).drop(["pid"]), d.index), "has no column 'pid'"),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_written(dataset, damage, sentence):
    damage(dataset)
    out = dataset.folder / "out"
    with pytest.raises(UserError, match=sentence):
        evaluate_run(dataset.run / "features", dataset.index, dataset.splits, out, AFTER, ["veri776"])
    assert not out.exists() or list(out.iterdir()) == []


def test_a_protocol_that_was_not_split_is_named(dataset):
    with pytest.raises(UserError, match=r"holds no protocol 'vru_1200'; it holds cars196, "):
        evaluate_run(
            dataset.run / "features", dataset.index, dataset.splits, dataset.folder, AFTER, ["vru_1200"]
        )
