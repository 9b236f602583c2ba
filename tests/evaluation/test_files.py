import json
import pickle
import re

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from scipy.io import savemat
from tests.evaluation.slow import slow_distance, slow_evaluate
from typer import Typer
from typer.testing import CliRunner

from vreid.cli.evaluate import evaluate
from vreid.evaluation.arrays import label_vector
from vreid.evaluation.evaluate import Method, evaluate_arrays
from vreid.evaluation.files import read_features
from vreid.evaluation.protocols import find_protocol
from vreid.evaluation.reranking import Reranking
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
        ("f.txt", b"", r"not from '\.txt'"),
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
        ({"cam": [0, 1, 0]}, "has no column 'ids'"),
        ({"id": [0, 1, None]}, "column 'id': 1 values are missing"),
        (
            {"id": [0, 1, 1], "role": ["query", "gallery", "test"]},
            "line 2 .* is test, not query",
        ),
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


LISTS = (pa.list_, pa.large_list, pa.list_view, pa.large_list_view)


def ragged(rows, width):
    """Lists of which some differ in length, while their total is that of equal ones."""
    lists = [[float(row + column) for column in range(width)] for row in range(rows)]
    lists[2], lists[3], lists[5] = lists[2][:-1], [], lists[5] + [0.0] * (width + 1)
    assert sum(map(len, lists)) == rows * width
    return lists


@pytest.mark.parametrize("kind", LISTS)
def test_lists_of_different_lengths_are_refused_by_their_first_row(tmp_path, kind):
    table = {"id": range(8), "features": pa.array(ragged(8, 4), kind(pa.float32()))}
    pq.write_table(pa.table(table), tmp_path / "f.parquet")
    with pytest.raises(UserError, match=r"'features': row 2 \(from 0\) has 3 numbers, but most rows have 4"):
        read_features(tmp_path / "f.parquet")


@pytest.mark.parametrize("kind", [*LISTS, lambda number: pa.list_(number, 5)])
def test_every_kind_of_list_is_read(tmp_path, arrays, expected, kind):
    features, table = lines(arrays)
    column = pa.array(features.tolist(), kind(pa.float32()))
    pq.write_table(pa.table({**table, "features": column}), tmp_path / "f.parquet", row_group_size=7)
    assert run(tmp_path / "f.parquet")["mAP"] == pytest.approx(expected["mAP"])


def test_tensors_and_categories_are_read(tmp_path, arrays, expected):
    features, table = lines(arrays)
    tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(features)
    roles = pa.array(table["role"]).dictionary_encode()
    pq.write_table(pa.table({**table, "role": roles, "features": tensors}), tmp_path / "f.parquet")
    assert run(tmp_path / "f.parquet")["mAP"] == pytest.approx(expected["mAP"])


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (
            {"features": [[1.0, None], [1.0, 2.0]]},
            r"'features': a number in row 0 \(from 0\) is missing",
        ),
        ({"features": [["a"], ["b"]]}, "holds lists of string; features are lists of real numbers"),
        ({"features": [None, [1.0]]}, "column 'features': 1 values are missing"),
        ({"pid": [1, 2]}, "two names for one thing, 'id' and 'pid': keep one"),
        ({"role": ["query", "query"]}, "no line has the role gallery"),
        ({"id": [1.0, 2.0**53]}, r"row 1 \(from 0\) is 9007199254740992 as float64"),
    ],
)
def test_tables_that_cannot_be_read_rightly_are_refused(tmp_path, columns, sentence):
    whole = {"id": [1, 2], "features": [[1.0, 2.0], [1.0, 3.0]], **columns}
    pq.write_table(pa.table(whole), tmp_path / "f.parquet")
    with pytest.raises(UserError, match=sentence):
        read_features(tmp_path / "f.parquet")


def test_a_table_without_a_column_is_described_by_its_own_names(tmp_path):
    pq.write_table(
        pa.table({"pid": [1], "camid": [1], "split": ["query"], "vectors": [[1.0]]}), tmp_path / "f.parquet"
    )
    with pytest.raises(UserError, match="no column 'features'; it has pid, camid, split, vectors"):
        read_features(tmp_path / "f.parquet")


@pytest.mark.parametrize(
    ("ids", "sentence"),
    [
        (np.arange(4) * 1e18 + 1e19, r"ids: row 0 \(from 0\) is 10000000000000000000 as float64"),
        (
            (np.arange(4) + 2**24 + 1).astype("f4"),
            r"is 16777216 as float32, .* from 16777216 on",
        ),
        ((np.arange(4) + 2**11).astype("f2"), r"is 2048 as float16"),
        (np.array([b"\xff", b"a", b"b", b"c"]), r"the label b'\\xff' is not text in UTF-8"),
    ],
)
def test_labels_that_may_have_become_one_are_refused(tmp_path, ids, sentence):
    np.savez(tmp_path / "f.npz", features=np.eye(4), ids=ids)
    with pytest.raises(UserError, match=sentence):
        read_features(tmp_path / "f.npz")


def test_the_largest_floats_that_name_one_number_each_are_read(tmp_path):
    for dtype, largest in (("f2", 2**11 - 1), ("f4", 2**24 - 1), ("f8", 2**53 - 1)):
        ids = np.array([largest, largest - 1, -largest, 0])
        np.savez(tmp_path / "f.npz", features=np.eye(4), ids=ids.astype(dtype))
        assert read_features(tmp_path / "f.npz").query.ids.tolist() == ids.tolist()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["0001", "0002", "0010"], [1, 2, 10]),
        (["1.0", "2.0", "10.0"], [1, 2, 10]),
        (["-1", "7", "0"], [-1, 7, 0]),
        (["car 1", "1", "01"], ["car 1", "1", "01"]),
        (["1" * 20, "1" * 19 + "2", "03"], ["1" * 20, "1" * 19 + "2", "3"]),
        (["1_2", "1_3", "12"], ["1_2", "1_3", "12"]),
        (["3e8", "1e+18", "a"], ["3e8", "1e+18", "a"]),
        (["3", "1e+18", "2"], r"line 1 \(from 0\) is '1e\+18' among numbers"),
        (["3", "inf", "2"], r"line 1 \(from 0\) is 'inf' among numbers"),
        (["03", "003", "1"], r"'03' and '003' are one number written in two ways"),
        (["3", "1", "3.0"], None),
        (["a", "", "b"], r"line 1 \(from 0\) is '', which stands for a missing value"),
        (["a", "b", "NaN"], r"line 2 \(from 0\) is 'NaN'"),
    ],
)
def test_labels_in_a_csv_are_told_apart_as_they_are_written(tmp_path, written, read):
    np.save(tmp_path / "f.npy", np.eye(3))
    (tmp_path / "l.csv").write_text("\n".join(["id,note", *(f"{text}, x" for text in written)]))
    if isinstance(read, str):
        with pytest.raises(UserError, match=read):
            read_features(tmp_path / "f.npy", tmp_path / "l.csv")
        return
    found = read_features(tmp_path / "f.npy", tmp_path / "l.csv").query.ids
    assert found.tolist() == (read or [3, 1, 3])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("id\n\u00e4\nb\nc".encode("latin-1"), "is not in UTF-8"),
        ("id\na\nb\nc".encode("utf-16"), "is not in UTF-8"),
        (b"id,cam\n1,2\n1\n1,2", r"line 1 \(from 0, below the names\) has 1 values for 2 columns"),
        (b"id,id\n1,2\n1,2\n1,2", "two names for one thing, 'id' and 'id'"),
        (b"", "no column 'ids'; it has nothing"),
    ],
)
def test_a_csv_that_cannot_be_read_is_described(tmp_path, content, sentence):
    np.save(tmp_path / "f.npy", np.eye(3))
    (tmp_path / "l.csv").write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        read_features(tmp_path / "f.npy", tmp_path / "l.csv")


def test_what_would_be_passed_over_is_refused(tmp_path, arrays):
    np.savez(tmp_path / "f.npz", **arrays, features=np.eye(3), ids=np.arange(3))
    with pytest.raises(UserError, match="features of one set and query_features besides"):
        read_features(tmp_path / "f.npz")
    np.savez(tmp_path / "f.npz", **arrays)
    with pytest.raises(UserError, match=r"--labels is for a matrix of features in \.npy"):
        read_features(tmp_path / "f.npz", tmp_path / "labels.csv")
    del arrays["gallery_cams"]
    np.savez(tmp_path / "f.npz", **arrays)
    with pytest.raises(UserError, match="only those of the query are given, not those of the gallery"):
        run(tmp_path / "f.npz")


def named_as(words, arrays):
    """The arrays under a peer's names, given as `query_features query_ids query_cams gallery_features …`."""
    ours = [f"{part}_{key}" for part in ("query", "gallery") for key in ("features", "ids", "cams")]
    return {word: arrays[name] for word, name in zip(words.split(), ours, strict=True)}


LAYUMI = "query_f query_label query_cam gallery_f gallery_label gallery_cam"
TORCHREID = "qf q_pids q_camids gf g_pids g_camids"
PEERS = {
    "pytorch_result.mat": (LAYUMI, savemat),
    "torchreid.npz": (TORCHREID, lambda path, found: np.savez(path, **found)),
    "fastreid.npz": (
        "query_features query_pids query_camids gallery_features gallery_pids gallery_camids",
        lambda path, found: np.savez(path, **found),
    ),
    "lists.pth": (
        TORCHREID,
        lambda path, found: torch.save(
            {name: torch.as_tensor(v) if v.ndim == 2 else v.tolist() for name, v in found.items()}, path
        ),
    ),
    "half.pt": (
        "query_feat query_pid query_camid gallery_feat gallery_pid gallery_camid",
        lambda path, found: torch.save({name: torch.as_tensor(v) for name, v in found.items()}, path),
    ),
    "f.safetensors": (
        TORCHREID,
        lambda path, found: save_file({name: torch.as_tensor(v) for name, v in found.items()}, path),
    ),
    "folder": (
        TORCHREID,
        lambda path, found: (path.mkdir(), [np.save(path / f"{name}.npy", v) for name, v in found.items()]),
    ),
}


@pytest.mark.parametrize("name", PEERS)
def test_containers_of_peers_are_read(tmp_path, arrays, expected, name):
    words, save = PEERS[name]
    save(tmp_path / name, named_as(words, arrays))
    assert metrics(run(tmp_path / name)) == metrics(expected)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("name", ["f.csv", "f.parquet"])
def test_a_column_for_each_dimension_is_read_in_the_order_of_numbers(tmp_path, arrays, expected, name, first):
    features, table = lines(arrays)
    wide = np.concatenate([features, np.zeros((90, 7), np.float32)], axis=1)  # 12 columns: 10 is not after 1
    order = np.random.default_rng(3).permutation(12)
    columns = {f"feat_{first + n}": wide[:, n] for n in order}
    content = pa.table({"x_1": table["cam"], "x_2": table["cam"], **table, **columns})
    (pyarrow.csv.write_csv if name == "f.csv" else pq.write_table)(content, tmp_path / name)
    assert run(tmp_path / name)["mAP"] == pytest.approx(expected["mAP"])


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            "f.pkl",
            pickle.dumps({"qf": 1}),
            r'not read from \.pkl; make an \.npz of it: python -c "import p',
        ),
        ("f.h5", b"\x89HDF", r"not read from \.h5; make an \.npz of it: python -c \"import h5py"),
        (
            "f.pth",
            pickle.dumps({"qf": np.eye(2)}),
            "because it is damaged or holds more than tensors",
        ),
        ("f.pth", b"", "is not read, because it is damaged"),
        ("f.mat", b"nothing", "is no .mat file"),
        ("f.mat", b"", "is no .mat file"),
        ("f.safetensors", b"nothing", r"is no \.safetensors file"),
        ("f.csv", b"id,f_0,f_1\n1,0.5,x\n", r"column 'f_1': line 0 \(from 0\) is 'x'; features are real"),
    ],
    ids=[
        "pickle",
        "hdf5",
        "arrays in .pth",
        "empty .pth",
        "text in .mat",
        "empty .mat",
        "safetensors",
        "csv",
    ],
)
def test_containers_that_are_not_read_say_what_to_do(tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        read_features(tmp_path / name)


def test_a_tensor_without_a_name_is_refused(tmp_path):
    torch.save(torch.eye(3), tmp_path / "f.pt")
    with pytest.raises(UserError, match="holds a Tensor, not a dictionary of tensors by name"):
        read_features(tmp_path / "f.pt")


def test_other_names_are_mapped(tmp_path, arrays, expected):
    odd = named_as("a b c d e f", arrays)
    np.savez(tmp_path / "f.npz", **odd, query_ids=arrays["query_ids"][::-1])
    ours = [f"{part}_{key}" for part in ("query", "gallery") for key in ("features", "ids", "cams")]
    mapping = dict(zip(ours, odd, strict=True))
    found = read_features(tmp_path / "f.npz", mapping=mapping)
    assert found.evaluate(find_protocol("veri776"), Method()).summary() == expected
    with pytest.raises(UserError, match="has no 'z' for query_ids; it has a, b, c, d, e, f, query_ids"):
        read_features(tmp_path / "f.npz", mapping={"query_ids": "z"})
    with pytest.raises(UserError, match="--map ids_of_query=…: nothing is called so; there are cams"):
        read_features(tmp_path / "f.npz", mapping={"ids_of_query": "a"})
    np.savez(tmp_path / "f.npz", **arrays, qf=arrays["query_features"])
    with pytest.raises(UserError, match="two names for one thing, 'query_features' and 'qf': keep one"):
        read_features(tmp_path / "f.npz")


def test_lines_for_training_are_left_out_and_counted(tmp_path, arrays, expected):
    features, table = lines(arrays)
    more = {name: [*values, *values[:3]] for name, values in table.items()}
    more["role"][-3:] = ["train"] * 3
    pq.write_table(
        pa.table({**more, "features": [*features.tolist(), *features[:3].tolist()]}), tmp_path / "f.parquet"
    )
    found = read_features(tmp_path / "f.parquet")
    assert found.remarks == ("3 lines of the role train are left out",)
    assert found.evaluate(find_protocol("veri776"), Method())["mAP"] == pytest.approx(expected["mAP"])


def test_images_of_the_junk_identity_are_as_if_they_were_not_there(tmp_path, arrays):
    rest = dict(arrays)
    keep = arrays["gallery_ids"] != 3
    asked = arrays["query_ids"] != 3
    for key in ("features", "ids", "cams", "features_mirrored"):
        rest[f"gallery_{key}"] = arrays[f"gallery_{key}"][keep]
        rest[f"query_{key}"] = arrays[f"query_{key}"][asked]
    np.savez(tmp_path / "f.npz", **arrays)
    np.savez(tmp_path / "rest.npz", **rest)
    found = read_features(tmp_path / "f.npz").without("3")
    assert found.evaluate(find_protocol("veri776"), Method()).summary() == run(tmp_path / "rest.npz")
    dropped = int((~keep).sum() + (~asked).sum())
    assert found.remarks[0].startswith(f"{dropped} images of the identity 3 are left out")
    with pytest.raises(UserError, match="No image has the identity -1"):
        found.without("-1")


def test_distances_take_the_place_of_features(tmp_path, arrays, expected):
    labels = {name: values for name, values in arrays.items() if "features" not in name}
    np.savez(tmp_path / "labels.npz", **labels)
    matrix = np.array(
        [
            [slow_distance(q.tolist(), g.tolist(), "cosine") for g in arrays["gallery_features"]]
            for q in arrays["query_features"]
        ]
    )
    np.save(tmp_path / "d.npy", matrix)
    found = read_features(tmp_path / "labels.npz", distances=tmp_path / "d.npy")
    summary = found.evaluate(find_protocol("veri776"), Method()).summary()
    assert metrics(summary) == pytest.approx(metrics(expected))
    assert summary["rules"]["distance"] == "given" and found.suspicions() == []
    keep = arrays["gallery_ids"] != 3
    asked = arrays["query_ids"] != 3
    np.savez(tmp_path / "f.npz", **arrays)
    without = read_features(tmp_path / "f.npz").without("3").evaluate(find_protocol("veri776"), Method())
    given_without = found.without("3").evaluate(find_protocol("veri776"), Method())
    assert metrics(given_without.summary()) == pytest.approx(metrics(without.summary()))
    assert given_without.trials[0].gallery == keep.sum() and len(given_without.trials[0].rows) == asked.sum()


def test_distances_of_one_set_are_searched_and_drawn_like_features(tmp_path, arrays):
    features, ids = arrays["gallery_features"], arrays["gallery_ids"]
    np.savez(tmp_path / "f.npz", features=features, ids=ids)
    np.savez(tmp_path / "ids.npz", ids=ids)
    np.save(
        tmp_path / "d.npy",
        [[slow_distance(a, b, "cosine") for b in features.tolist()] for a in features.tolist()],
    )
    for name in ("all_vs_all", "vehicleid_official_800", "vru_swapped_1200"):
        one = read_features(tmp_path / "f.npz").evaluate(find_protocol(name), Method(), seed=2)
        other = read_features(tmp_path / "ids.npz", distances=tmp_path / "d.npy")
        found = other.evaluate(find_protocol(name), Method(), seed=2)
        assert metrics(found.summary()) == pytest.approx(metrics(one.summary()))


@pytest.mark.parametrize(
    ("change", "options", "sentence"),
    [
        (
            lambda matrix: matrix[:, :-1],
            {},
            r"gallery_ids has the shape \(70,\); .* each of the 69",
        ),
        (lambda matrix: np.where(matrix < 1, np.nan, matrix), {}, r"row 0 \(from 0\) holds nan"),
        (lambda matrix: matrix, {"flip": True}, "flip test needs features"),
        (lambda matrix: matrix, {"method": Method(reranking=Reranking())}, "re-ranking needs features"),
        (lambda matrix: matrix, {"method": Method(distance="cosine")}, "distances are given"),
    ],
)
def test_distances_that_do_not_do_are_refused(tmp_path, arrays, change, options, sentence):
    np.savez(
        tmp_path / "f.npz", **{name: values for name, values in arrays.items() if "features" not in name}
    )
    np.save(tmp_path / "d.npy", change(np.arange(1400.0).reshape(20, 70)))
    with pytest.raises(UserError, match=sentence):
        found = read_features(tmp_path / "f.npz", distances=tmp_path / "d.npy")
        found.evaluate(find_protocol("veri776"), **{"method": Method(), **options})


def test_features_that_tell_nothing_apart_are_remarked(tmp_path):
    query, gallery = np.eye(4), np.ones((6, 4))
    query[1] = 0
    ids = {"query_ids": np.arange(4), "gallery_ids": np.arange(6)}
    np.savez(tmp_path / "f.npz", query_features=query, gallery_features=gallery, **ids)
    assert read_features(tmp_path / "f.npz").suspicions() == [
        "1 of 4 query features are all zero: look at what made them",
        "All 6 gallery features are equal: look at what made them",
    ]
    np.savez(tmp_path / "f.npz", query_features=np.eye(4), gallery_features=np.eye(6)[:, :4] + 1, **ids)
    assert read_features(tmp_path / "f.npz").suspicions() == []


IDS = st.sampled_from(
    [0, 1, 2, -1, 7, 2047, 2048, 2049, 2**24, 2**24 + 1, 2**53, 2**53 + 1, 2**62, 2**63 - 1, 2**63, 2**63 + 1]
)
NUMBERS = ("i1", "i2", "i4", "i8", "u1", "u8", "f2", "f4", "f8")
CONTAINERS = ("npz", "one npz", "npy", "parquet", "large parquet", "csv")


def labelled(ids, kind):
    """The labels as a file may hold them, or None where this type cannot be asked to hold them."""
    if kind in ("U", "S"):
        return np.array([f"car {value}" for value in ids], kind)
    if kind[0] in "iu" and not all(np.iinfo(kind).min <= value <= np.iinfo(kind).max for value in ids):
        return None
    with np.errstate(over="ignore"):
        return np.array(ids, object).astype(kind)


def stored(folder, container, features, ids, cams, roles):
    """Write images in a container; return what `read_features` is called with."""
    if container == "npz":
        parts = {}
        for role in ("query", "gallery"):
            mine = roles == role
            parts |= {
                f"{role}_features": features[mine],
                f"{role}_ids": ids[mine],
                f"{role}_cams": cams[mine],
            }
        np.savez(folder / "f.npz", **parts)
        return (folder / "f.npz",)
    if container == "one npz":
        np.savez(folder / "f.npz", features=features, ids=ids, cams=cams)
        return (folder / "f.npz",)
    if container == "npy":
        fields = [
            ("features", "f4", (features.shape[1],)),
            ("id", ids.dtype),
            ("cam", cams.dtype),
            ("role", "U7"),
        ]
        whole = np.empty(len(ids), fields)
        for name, values in zip(whole.dtype.names, (features, ids, cams, roles), strict=True):
            whole[name] = values
        np.save(folder / "f.npy", whole)
        return (folder / "f.npy",)
    table = {"pid": ids, "camid": cams, "split": roles}
    if container == "csv":
        texts = [
            values.astype("U")
            for values in (np.char.decode(ids) if ids.dtype.kind == "S" else ids, cams, roles)
        ]
        rows = "".join(",".join(row) + "\n" for row in zip(*texts, strict=True))
        (folder / "l.csv").write_text("id,cam,role\n" + rows)
        np.save(folder / "f.npy", features)
        return folder / "f.npy", folder / "l.csv"
    kind = pa.large_list if container.startswith("large") else pa.list_
    column = pa.array(features.tolist(), kind(pa.float32()))
    pq.write_table(pa.table({**table, "features": column}), folder / "f.parquet")
    return (folder / "f.parquet",)


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(IDS, st.integers(0, 2), st.booleans()), min_size=2, max_size=9),
    st.sampled_from([*NUMBERS, "U", "S"]),
    st.sampled_from(CONTAINERS),
    st.booleans(),
)
def test_every_file_gives_the_number_of_a_slow_search_or_a_sentence(tmp_path, rows, kind, container, narrow):
    if narrow:  # so that most examples have numbers that every type holds
        rows = [(value % 3, *rest) for value, *rest in rows]
    true, cams, is_query = (list(values) for values in zip(*rows, strict=True))
    is_query[0], is_query[1] = True, False
    ids = labelled(true, kind)
    if ids is None:
        return
    roles = np.array(["query" if asked else "gallery" for asked in is_query])
    features = np.random.default_rng(len(rows)).standard_normal((len(rows), 4)).astype(np.float32)
    one_set = container == "one npz"
    query = [n for n in range(len(rows)) if one_set or is_query[n]]
    gallery = [n for n in range(len(rows)) if one_set or not is_query[n]]
    expected = slow_evaluate(
        [
            [slow_distance(features[q].tolist(), features[g].tolist(), "cosine") for g in gallery]
            for q in query
        ],
        [true[q] for q in query],
        [true[g] for g in gallery],
        lambda i, j: query[i] == gallery[j] if one_set else cams[query[i]] == cams[gallery[j]],
    )
    exact = kind in ("U", "S") or (
        np.isfinite(ids.astype("f8")).all() and [int(value) for value in ids.tolist()] == true
    )
    if container == "csv" and not exact:
        return  # text does not tell that it was rounded before it was written
    files = stored(tmp_path, container, features, ids, np.array(cams), roles)
    protocol = find_protocol("all_vs_all" if one_set else "veri776")
    try:
        found = read_features(*files).evaluate(protocol, Method(threads=1)).summary()
    except UserError as error:
        assert re.search("as float|a match|second image|is inf|among numbers", str(error))
        # Floats are refused from the first that a neighbour may have become; numbers as text never are.
        limit = {"f2": 2**11, "f4": 2**24}.get(kind, 2**53)
        assert expected is None or not exact or (kind[0] == "f" and max(map(abs, true)) >= limit)
        return
    assert expected is not None
    assert found["mAP"] == pytest.approx(expected["mAP"], abs=1e-6)
    assert found["cmc"] == pytest.approx(expected["cmc"])
    assert found["valid_queries"] == expected["valid_queries"]


OBJECTS = st.one_of(
    st.integers(-(2**65), 2**65),
    st.integers(0, 2),
    st.booleans(),
    st.floats(),
    st.text(max_size=3),
    st.binary(max_size=2),
    st.none(),
    st.decimals(allow_nan=True),
)


@settings(deadline=None)
@given(st.lists(OBJECTS, min_size=1, max_size=6), st.booleans())
def test_labels_of_any_objects_stay_as_different_as_they_were_or_are_refused(values, as_list):
    given_labels = values if as_list else np.array([*values, None], dtype=object)[:-1]
    try:
        found = label_vector(given_labels, len(values), "ids").tolist()
    except UserError as error:
        assert str(error).startswith("ids")
        return
    for i, one in enumerate(values):
        for j, other in enumerate(values):
            assert (found[i] == found[j]) == (one == other)


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

    def test_without_a_protocol_the_images_are_taken_as_they_are(self, tmp_path, arrays):
        np.savez(tmp_path / "f.npz", **arrays)
        assert "No --protocol is given: custom takes" in self.call(tmp_path / "f.npz").output
        blind = {name: values for name, values in arrays.items() if not name.endswith("cams")}
        np.savez(tmp_path / "f.npz", **blind)
        assert "No --protocol is given: custom_no_cameras takes" in self.call(tmp_path / "f.npz").output
        np.savez(tmp_path / "f.npz", features=arrays["query_features"], ids=arrays["query_ids"])
        assert "No --protocol is given: all_vs_all takes" in self.call(tmp_path / "f.npz").output

    def test_names_and_junk_are_options(self, tmp_path, arrays):
        arrays["vehicles"] = arrays.pop("query_ids")
        np.savez(tmp_path / "f.npz", **arrays)
        done = self.call(tmp_path / "f.npz", "--map", "query_ids=vehicles", "--junk-id", 3)
        assert done.exit_code == 0, done.output
        assert "images of the identity 3 are left out" in done.output
        assert "write NAME=KEY" in str(self.call(tmp_path / "f.npz", "--map", "vehicles").exception)

    def test_an_unknown_protocol_says_what_custom_is(self, tmp_path, arrays):
        np.savez(tmp_path / "f.npz", **arrays)
        done = self.call(tmp_path / "f.npz", "--protocol", "market1501")
        assert "`custom` takes query and gallery as given" in str(done.exception)

    def test_trials_are_shown_with_their_spread(self, tmp_path, arrays):
        features, table = lines(arrays)
        np.savez(tmp_path / "f.npz", features=features, ids=table["id"])
        done = self.call(tmp_path / "f.npz", "--protocol", "vehicleid_swapped_800")
        assert done.exit_code == 0, done.output
        assert "10 trials" in done.output
        assert " sd " in done.output
