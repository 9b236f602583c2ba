import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import savemat
from tests.datasets import trees

from vreid.datasets.catalogue import scan_dataset
from vreid.params.errors import UserError

SPEC = trees.spec(
    "cars196", train_classes=98, protocols=[{"name": "p", "form": "all_vs_all", "junk": "self"}]
)
CLASSES = [1, 1, 98, 99, 99, 196]


def annotations(field, names, classes, test=None):
    """A Matlab file shaped as the published ones: a 1 x N struct array of 1 x 1 arrays."""
    flag = [("test", object)] if test else []
    fields = [
        (field, object),
        *((f"bbox_{e}", object) for e in ("x1", "y1", "x2", "y2")),
        ("class", object),
        *flag,
    ]
    entries = np.empty((1, len(names)), fields)
    for n, (name, number) in enumerate(zip(names, classes, strict=True)):
        boxes = [np.array([[value]], np.uint16) for value in (1, 2, 20, 14)]
        tail = [np.array([[test[n]]], np.uint8)] if test else []
        entries[0, n] = (name, *boxes, np.array([[number]], np.uint8), *tail)
    buffer = io.BytesIO()
    savemat(buffer, {"annotations": entries})
    return buffer.getvalue()


def all_in_one(root, **changes):
    names = [f"car_ims/{n:06}.jpg" for n in range(1, 7)]
    files = {name: n for n, name in enumerate(names)}
    files["cars_annos.mat"] = annotations("relative_im_path", names, CLASSES, test=[0, 1, 0, 1, 0, 1])
    return trees.write(root, files | changes)


def test_classes_decide_the_split_and_the_closed_set_flag_does_not(tmp_path):
    scan = scan_dataset(SPEC, all_in_one(tmp_path / "99_c001"))
    assert [(r.path, r.pid, r.camid, r.split) for r in scan.records] == [
        ("car_ims/000001.jpg", 1, -1, "train"),
        ("car_ims/000002.jpg", 1, -1, "train"),
        ("car_ims/000003.jpg", 98, -1, "train"),
        ("car_ims/000004.jpg", 99, -1, "gallery"),
        ("car_ims/000005.jpg", 99, -1, "gallery"),
        ("car_ims/000006.jpg", 196, -1, "gallery"),
    ]


@pytest.mark.parametrize("folder", ["", "devkit/", "car_devkit/devkit/"])
def test_the_devkit_joins_its_two_parts(tmp_path, folder):
    files = {
        "cars_train/00001.jpg": 1,
        "cars_train/00002.jpg": 2,
        "cars_test/00001.jpg": 3,
        f"{folder}cars_train_annos.mat": annotations("fname", ["00001.jpg", "00002.jpg"], [120, 5]),
        "cars_test_annos_withlabels.mat": annotations("fname", ["00001.jpg"], [6]),
    }
    scan = scan_dataset(SPEC, trees.write(tmp_path / "stanford_cars", files))
    assert [(r.path, r.pid, r.split) for r in scan.records] == [
        ("cars_train/00002.jpg", 5, "train"),
        ("cars_test/00001.jpg", 6, "train"),
        ("cars_train/00001.jpg", 120, "gallery"),
    ]


def test_entries_without_file_and_files_without_entry(tmp_path):
    root = all_in_one(tmp_path, **{"car_ims/000007.jpg": 7})
    (root / "car_ims/000002.jpg").unlink()
    scan = scan_dataset(SPEC, root)
    assert scan.missing == [("car_ims/000002.jpg", "cars_annos.mat, entry 2")]
    assert scan.unlisted == ["car_ims/000007.jpg"]


def test_missing_parts_are_named(tmp_path):
    with pytest.raises(UserError, match=r"has no car_ims; .* has no cars_train and no cars_test"):
        scan_dataset(SPEC, trees.write(tmp_path / "a", {"x.txt": "x"}))
    with pytest.raises(UserError, match=r"has no cars_annos.mat"):
        scan_dataset(SPEC, trees.write(tmp_path / "b", {"car_ims/000001.jpg": 1}))


def test_a_single_annotation_is_no_trap(tmp_path):
    files = {
        "car_ims/1.jpg": 1,
        "cars_annos.mat": annotations("relative_im_path", ["car_ims/1.jpg"], [7], test=[0]),
    }
    assert [r.pid for r in scan_dataset(SPEC, trees.write(tmp_path, files)).records] == [7]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=40), st.integers(0, 600))
def test_broken_annotations_give_a_sentence(tmp_path, garbage, place):
    root = all_in_one(tmp_path)
    whole = (root / "cars_annos.mat").read_bytes()
    (root / "cars_annos.mat").write_bytes(whole[:place] + garbage + whole[place + len(garbage) :])
    try:
        scan_dataset(SPEC, root)
    except UserError as error:
        assert str(error).endswith(".")
