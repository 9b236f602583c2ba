"""Traps of the published sets, from a tree written by hand to the splits, under the project's own params/.

Parent folders that look like names, blank last lines and order are tested adapter by adapter.
"""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.datasets import trees

from vreid.datasets.index import read_index
from vreid.datasets.pack import pack_dataset
from vreid.datasets.packed import PackedImages
from vreid.datasets.split import Labels, count_matches, trials, write_splits
from vreid.datasets.verify import verify_dataset
from vreid.params.dataset import read_dataset

PARAMS = Path(__file__).parents[2] / "params"


def prepared(name, root):
    """Index and splits of a small copy: what is published of the sizes is passed over."""
    spec = read_dataset(name, PARAMS).model_copy(update={"allow": ("counts",)})
    index, splits = root.parent / "index.parquet", root.parent / "splits.parquet"
    report = verify_dataset(spec, root, index, index.with_suffix(".json"))
    write_splits(spec, index, splits)
    return spec, read_index(index), pq.read_table(splits), report


def rows(splits, protocol, trial, role):
    table = splits.to_pylist()
    return [r["row"] for r in table if (r["protocol"], r["trial"], r["role"]) == (protocol, trial, role)]


def test_uav_veid_s_constant_camera_removes_no_match(tmp_path):
    # In file names the camera is 0 everywhere: the same-camera rule would leave no query a match.
    files = {f"{part}/0_0000{pid}_{part[0]}.jpg": pid for part in ("query", "gallery") for pid in (3, 4)}
    files |= {"train/0_00001_a.jpg": 11, "train/0_00001_b.jpg": 12}
    spec, index, _, report = prepared("uav_veid", trees.write(tmp_path / "raw", files))
    assert set(index["camid"].to_pylist()) == {0}
    labels = Labels.of(index)
    trial = next(trials(spec.protocols[0], labels))
    assert count_matches(spec.protocols[0], labels, trial).after.tolist() == [1, 1]
    assert report.status == "verified"


def test_veri776_s_query_is_in_the_gallery_and_the_camera_rule_removes_it(tmp_path):
    spec, index, splits, report = prepared("veri776", trees.veri(tmp_path / "raw"))
    assert report.duplicates.query_copies == 2 and report.measured["images"] == 8
    assert len(rows(splits, "veri776", 0, "query")) == 2 and len(rows(splits, "veri776", 0, "gallery")) == 5
    labels = Labels.of(index)
    found = count_matches(spec.protocol("veri776"), labels, next(trials(spec.protocol("veri776"), labels)))
    assert found.before.tolist() == [3, 2] and found.after.tolist() == [1, 1]


def vru(root):
    """Each list holds the ones before, as the release's do; a blank line ends them."""
    lines = [f"{number} {(number - 1) // 3 + 1}" for number in range(1, 13)]  # three images of each of four
    parts = {"train_list": lines[:3], "test_list_1200": lines[3:6], "test_list_2400": lines[3:9]}
    files = {f"Pic/{number}.jpg": number for number in range(1, 13)}
    for name, part in (parts | {"test_list_8000": lines[3:]}).items():
        files[f"train_test_split/{name}.txt"] = "\n".join(part) + "\n\n"
    return trees.write(root, files)


def test_vru_s_lists_are_nested_and_its_roles_are_named_both_ways(tmp_path):
    _, index, splits, _ = prepared("vru", vru(tmp_path / "raw"))
    assert index.num_rows == 12  # an image on three lists is one row
    pids = index["pid"].to_numpy()
    for size, identities in (("1200", 1), ("2400", 2), ("8000", 3)):
        for protocol, one in ((f"vru_{size}", "gallery"), (f"vru_swapped_{size}", "query")):
            other = {"gallery": "query", "query": "gallery"}[one]
            drawn = [rows(splits, protocol, trial, one) for trial in range(10)]
            assert all(sorted(pids[d]) == list(range(2, 2 + identities)) for d in drawn)
            assert all(len(rows(splits, protocol, t, other)) == 2 * identities for t in range(10))
    # One unseeded draw is what loaders do; here ten draws differ, and are the same tomorrow.
    draws = {tuple(rows(splits, "vru_8000", trial, "gallery")) for trial in range(10)}
    assert len(draws) > 1
    again = prepared("vru", vru(tmp_path / "again" / "raw"))[2]
    assert again.equals(splits)


@pytest.mark.parametrize(("name", "width"), [("rgbn300", 512), ("rgbnt100", 768)])
def test_each_spectrum_is_cut_where_the_release_has_it(tmp_path, name, width):
    # The release's size: 256 x 128 pixels of each spectrum, side by side. Here each is of one grey.
    greys = np.repeat(np.arange(1, width // 256 + 1, dtype=np.uint8) * 60, 256)
    picture = trees.encoded(np.broadcast_to(greys[None, :, None], (128, width, 3)))
    names = ("query/0011_c2_1", "bounding_box_test/0011_c2_1", "bounding_box_test/0011_c5_2")
    train = ("bounding_box_train/0007_c1_1", "bounding_box_train/0007_c2_1")
    files = {f"rgbir/{n}.jpg": picture + bytes([i]) for i, n in enumerate((*names, *train))}
    prepared(name, trees.write(tmp_path / "raw", files))
    pack_dataset(tmp_path / "index.parquet", tmp_path / "raw", tmp_path / "pack", height=64, width=128)
    spectra = PackedImages.open(tmp_path / "pack").spectra
    assert [round(float(images.mean())) for images in spectra.values()] == [60, 120, 180][: width // 256]
    assert all(float(images.std()) < 3 for images in spectra.values())


@pytest.mark.parametrize("sizes", [(8144, 8041), (8054, 8131)])
def test_cars196_is_compared_with_the_metric_learning_split(sizes):
    # The papers print the classifier's 8,144 / 8,041 beside results of the split by classes.
    stated = {
        (counts.train.images, counts.gallery.images)
        for counts in read_dataset("cars196", PARAMS).counts
        if counts.train and counts.gallery
    }
    assert (sizes in stated) == (sizes == (8054, 8131))
