import json

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from typer import Typer
from typer.testing import CliRunner

from vreid.cli.evaluate import evaluate
from vreid.evaluation.evaluate import Method, evaluate_arrays
from vreid.evaluation.files import read_features
from vreid.evaluation.protocols import find_protocol
from vreid.params.errors import UserError


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 6, 20), rng.integers(0, 6, 70)
    centres = rng.standard_normal((6, 5))
    parts = {}
    for name, part in zip(("query", "gallery"), ids, strict=True):
        features = (centres[part] + rng.standard_normal((len(part), 5))).astype(np.float32)
        parts[f"{name}_features"], parts[f"{name}_ids"] = features, part
        parts[f"{name}_cams"] = rng.integers(0, 3, len(part))
        parts[f"{name}_features_mirrored"] = features[:, ::-1].copy()
    return parts


@pytest.fixture
def expected(arrays):
    keys = ("features", "ids", "cams")
    values = [arrays[f"{part}_{key}"] for key in keys for part in ("query", "gallery")]
    return evaluate_arrays(*values, protocol="veri776").summary()


def lines(arrays):
    """The same images as one table with a line each, gallery and query mixed."""
    order = np.random.default_rng(1).permutation(90)
    both = {
        key: np.concatenate([arrays[f"{part}_{key}"] for part in ("query", "gallery")])[order]
        for key in ("features", "ids", "cams")
    }
    roles = np.array(["query"] * 20 + ["gallery"] * 70)[order]
    table = {"id": both["ids"], "cam": both["cams"], "role": roles, "extra": roles}
    return both["features"], table


def metrics(summary):
    return {key: summary[key] for key in ("mAP", "mAP_trapezoid", "mINP", "cmc", "valid_queries", "gallery")}


def run(path, labels=None, protocol="veri776", **options):
    return read_features(path, labels).evaluate(find_protocol(protocol), Method(), **options).summary()


def test_npz_parquet_and_npy_give_the_same(tmp_path, arrays, expected):
    np.savez(tmp_path / "f.npz", **arrays)
    assert run(tmp_path / "f.npz") == expected
    features, table = lines(arrays)
    for column in (
        pa.FixedSizeListArray.from_arrays(pa.array(features.ravel()), 5),
        pa.array(features.tolist()),
    ):
        pq.write_table(pa.table({**table, "features": column}), tmp_path / "f.parquet")
        found = metrics(run(tmp_path / "f.parquet"))
        assert found["mAP"] == pytest.approx(expected["mAP"])
        assert found["cmc"] == pytest.approx(expected["cmc"])
    np.save(tmp_path / "f.npy", features)
    pyarrow.csv.write_csv(pa.table(table), tmp_path / "labels.csv")
    pq.write_table(pa.table(table), tmp_path / "labels.parquet")
    for labels in ("labels.csv", "labels.parquet"):
        assert run(tmp_path / "f.npy", tmp_path / labels)["mINP"] == pytest.approx(expected["mINP"])


def test_a_structured_array_and_the_columns_of_an_index_will_do(tmp_path, arrays, expected):
    features, table = lines(arrays)
    fields = [("features", "f4", (5,)), ("pid", "i8"), ("camid", "i8"), ("split", "U7")]
    whole = np.empty(90, fields)
    whole["features"], whole["pid"] = features, table["id"]
    whole["camid"], whole["split"] = table["cam"], table["role"]
    np.save(tmp_path / "f.npy", whole)
    assert run(tmp_path / "f.npy")["mAP"] == pytest.approx(expected["mAP"])
    own = {"pid": whole["pid"], "camid": whole["camid"], "split": whole["split"].tolist()}
    pq.write_table(pa.table({**own, "features": features.tolist()}), tmp_path / "f.parquet")
    assert run(tmp_path / "f.parquet")["mAP"] == pytest.approx(expected["mAP"])


def test_one_set_is_split_by_the_protocol(tmp_path, arrays):
    features, table = lines(arrays)
    np.savez(tmp_path / "f.npz", features=features, ids=table["id"])
    summary = run(tmp_path / "f.npz", protocol="vehicleid_official_800", seed=3)
    assert (summary["trials"], summary["gallery"], summary["queries"]) == (10, 6, 84)
    assert run(tmp_path / "f.npz", protocol="all_vs_all")["queries"] == 90
    with pytest.raises(UserError, match="needs query and gallery apart"):
        run(tmp_path / "f.npz")


def test_the_flip_test_averages_with_the_mirrored_images(tmp_path, arrays):
    np.savez(tmp_path / "f.npz", **arrays)
    mean = dict(arrays)
    for part in ("query", "gallery"):
        mean[f"{part}_features"] = (arrays[f"{part}_features"] + arrays[f"{part}_features_mirrored"]) / 2
    np.savez(tmp_path / "mean.npz", **mean)
    assert run(tmp_path / "f.npz", flip=True) == run(tmp_path / "mean.npz")
    del arrays["query_features_mirrored"]
    np.savez(tmp_path / "f.npz", **arrays)
    with pytest.raises(UserError, match="needs the features of the mirrored images"):
        run(tmp_path / "f.npz", flip=True)


def write(path, content):
    if isinstance(content, dict):
        np.savez(path, **content)
    else:
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("absent.npz", None, "absent.npz is missing"),
        ("absent.parquet", None, "absent.parquet is missing"),
        ("f.npz", b"not a zip", r"f\.npz is no \.npz"),
        ("f.npz", b"PK\x03\x04broken", r"f\.npz is no \.npz"),
        ("f.npz", b"", r"f\.npz is no \.npz"),
        ("f.parquet", b"PAR1", r"f\.parquet is no Parquet"),
        ("f.npy", b"", r"f\.npy is no \.npy file"),
        ("f.pt", b"", r"not from '\.pt'"),
        ("f.npz", {"query_features": np.eye(3)}, r"has no 'query_ids'; it has query_features"),
        (
            "f.npz",
            {"features": np.eye(3), "ids": np.array([object()] * 3)},
            r"is no \.npz of numbers and text",
        ),
        ("f.npz", {"features": np.eye(3), "ids": np.arange(2)}, r"f\.npz, ids has the shape \(2,\)"),
        ("f.npz", {"features": np.ones(3), "ids": np.arange(3)}, r"f\.npz, features has the shape \(3,\)"),
    ],
)
def test_unreadable_files_get_a_sentence(tmp_path, name, content, sentence):
    if content is not None:
        write(tmp_path / name, content)
    with pytest.raises(UserError, match=sentence):
        read_features(tmp_path / name)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"cam": [0, 1, 0]}, "has no column 'id'"),
        ({"id": [0, 1, None]}, "1 values of the column 'id' are missing"),
        ({"id": [0, 1, 1], "role": ["query", "gallery", "train"]}, "line 2 .* 'train', not query or gallery"),
        ({"id": [0, 1], "role": ["query", "gallery"]}, "2 lines for 3 features"),
        ({"id": [0, 1]}, "one label for each of the 3"),
    ],
)
def test_tables_of_labels_that_do_not_fit_get_a_sentence(tmp_path, table, sentence):
    np.save(tmp_path / "f.npy", np.eye(3))
    pq.write_table(pa.table(table), tmp_path / "labels.parquet")
    with pytest.raises(UserError, match=sentence):
        read_features(tmp_path / "f.npy", tmp_path / "labels.parquet")


def test_features_alone_need_labels(tmp_path):
    np.save(tmp_path / "f.npy", np.eye(3))
    with pytest.raises(UserError, match="name a table of their ids with --labels"):
        read_features(tmp_path / "f.npy")


def test_ragged_lists_get_a_sentence(tmp_path):
    pq.write_table(pa.table({"id": [0, 1], "features": [[1.0, 2.0], [1.0]]}), tmp_path / "f.parquet")
    with pytest.raises(UserError, match="different lengths"):
        read_features(tmp_path / "f.parquet")


class TestCommand:
    def call(self, *arguments):
        app = Typer()
        app.command()(evaluate)
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    def test_prints_a_table_and_writes_json_and_queries(self, tmp_path, arrays, expected):
        np.savez(tmp_path / "f.npz", **arrays)
        out, queries = tmp_path / "out" / "metrics.json", tmp_path / "out" / "queries.parquet"
        done = self.call(
            tmp_path / "f.npz", "--protocol", "veri776", "--json", out, "--per-query", queries, "--threads", 1
        )
        assert done.exit_code == 0, done.output
        assert json.loads(out.read_text()) == expected
        assert expected["protocol"] == "veri776"
        assert len(expected["cmc"]) == 50
        assert f"{100 * expected['mAP']:.2f}" in done.output
        assert "query's camera" in done.output
        table = pq.read_table(queries)
        assert table.num_rows == 20
        assert np.nanmean(table["AP"].to_numpy()) == pytest.approx(expected["mAP"])

    def test_options_choose_the_method(self, tmp_path, arrays):
        np.savez(tmp_path / "f.npz", **arrays)
        out = tmp_path / "metrics.json"
        found = {}
        for options in (
            ("--junk", "none"),
            ("--distance", "euclidean"),
            ("--flip",),
            ("--rerank", "--k1", 5, "--k2", 2, "--lambda", 0.1),
            ("--budget", 1, "--threads", 1, "--device", "cpu"),
        ):
            done = self.call(tmp_path / "f.npz", "--protocol", "custom", "--json", out, *options)
            assert done.exit_code == 0, done.output
            found[options] = json.loads(out.read_text())
        rules = [summary["rules"] for summary in found.values()]
        assert rules[0]["junk"] == "nothing"
        assert rules[1]["distance"] == "euclidean"
        assert rules[3]["reranking"] == "k-reciprocal, k1 5, k2 2, lambda 0.1"
        assert len({summary["mAP"] for summary in found.values()}) == len(found)

    def test_trials_are_shown_with_their_spread(self, tmp_path, arrays):
        features, table = lines(arrays)
        np.savez(tmp_path / "f.npz", features=features, ids=table["id"])
        done = self.call(tmp_path / "f.npz", "--protocol", "vehicleid_swapped_800")
        assert done.exit_code == 0, done.output
        assert "10 trials" in done.output
        assert " sd " in done.output
