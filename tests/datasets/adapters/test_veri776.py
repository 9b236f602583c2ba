import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.datasets import trees

from vreid.datasets.adapters.veri776 import read_labels
from vreid.datasets.catalogue import scan_dataset
from vreid.params.errors import UserError

SPEC = trees.spec("veri776")


def test_lists_decide_order_and_names_say_identity_and_camera(tmp_path):
    scan = scan_dataset(SPEC, trees.veri(tmp_path))
    assert [(r.path, r.pid, r.camid, r.split) for r in scan.records[:5]] == [
        ("image_train/0002_c002_00030600_0.jpg", 2, 2, "train"),
        ("image_train/0001_c001_00016450_0.jpg", 1, 1, "train"),
        ("image_train/0001_c003_00016460_0.jpg", 1, 3, "train"),
        ("image_query/0005_c003_00077115_0.jpg", 5, 3, "query"),
        ("image_query/0004_c001_00000001_0.jpg", 4, 1, "query"),
    ]
    assert [r.path for r in scan.records[5:]] == [f"image_test/{name}" for name in trees.VERI_TEST]
    assert not scan.missing and not scan.unlisted and not scan.repeated


def test_a_parent_folder_that_looks_like_a_name_says_nothing(tmp_path):
    scan = scan_dataset(SPEC, trees.veri(tmp_path / "run7_c123" / "0009_c009"))
    assert {r.pid for r in scan.records} == {1, 2, 4, 5}
    assert {r.camid for r in scan.records} == {1, 2, 3, 16}


def test_a_folder_around_the_dataset_is_found(tmp_path):
    trees.veri(tmp_path / "download" / "VeRi")
    assert scan_dataset(SPEC, tmp_path).records[0].path == f"download/VeRi/image_train/{trees.VERI_TRAIN[0]}"


def test_lines_without_file_and_files_without_line(tmp_path):
    root = trees.veri(tmp_path)
    (root / "image_train" / trees.VERI_TRAIN[1]).unlink()
    trees.write(
        root, {"image_test/0009_c001_00000000_0.jpg": 1, "image_test/Thumbs.db": "", "image_test/._x.jpg": ""}
    )
    scan = scan_dataset(SPEC, root)
    assert scan.missing == [(f"image_train/{trees.VERI_TRAIN[1]}", "name_train.txt, line 2")]
    assert scan.unlisted == ["image_test/0009_c001_00000000_0.jpg"]


def test_blank_lines_byte_order_mark_and_repeated_lines(tmp_path):
    lines = "\ufeff" + "\r\n\r\n".join([*trees.VERI_TRAIN, trees.VERI_TRAIN[0]]) + "\r\n  \r\n"
    scan = scan_dataset(SPEC, trees.veri(tmp_path, **{"name_train.txt": lines}))
    assert sum(r.split == "train" for r in scan.records) == 3
    assert scan.repeated == [f"name_train.txt, line 7 ({trees.VERI_TRAIN[0]})"]


def test_the_published_ground_truth_is_compared_with_the_rule(tmp_path):
    assert "for 2 of 2 queries" in " ".join(scan_dataset(SPEC, trees.veri(tmp_path)).remarks)
    wrong = trees.veri(tmp_path / "b", **{"jk_index.txt": "1 \n4 \n"})
    assert "for 1 of 2 queries" in " ".join(scan_dataset(SPEC, wrong).remarks)
    short = trees.veri(tmp_path / "c", **{"gt_index.txt": "1 \n"})
    assert "gt_index.txt has 1 and jk_index.txt 2 lines" in " ".join(scan_dataset(SPEC, short).remarks)
    text = trees.veri(tmp_path / "d", **{"gt_index.txt": "one\n"})
    assert "gt_index.txt is no list of row numbers" in " ".join(scan_dataset(SPEC, text).remarks)


def test_labels_in_gb2312_are_read(tmp_path):
    labels = read_labels(trees.veri(tmp_path) / "train_label.xml")
    assert [(x.image, x.vehicle, x.camera, x.color, x.kind) for x in labels] == [
        ("0002_c002_00030600_0.jpg", 2, 2, 2, 3),
        ("0001_c001_00016450_0.jpg", 1, 1, 2, 0),
        ("0001_c003_00016460_0.jpg", 1, 3, 2, 0),
    ]


def test_labels_without_a_type_and_labels_that_disagree_are_remarks(tmp_path):
    labels = trees.veri_labels(trees.VERI_TRAIN, untyped=(1,)).replace(
        b'vehicleID="0002"', b'vehicleID="0003"'
    )
    remarks = scan_dataset(SPEC, trees.veri(tmp_path, **{"train_label.xml": labels})).remarks
    assert "train_label.xml gives no vehicle type for the identities 1." in remarks
    assert any("disagree on 1 images (0002_c002_00030600_0.jpg)" in remark for remark in remarks)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(garbage=st.binary(max_size=30), place=st.integers(0, 400))
def test_broken_labels_are_a_remark(tmp_path, garbage, place):
    labels = trees.veri_labels(trees.VERI_TRAIN)
    root = trees.veri(tmp_path, **{"train_label.xml": labels[:place] + garbage + labels[place:]})
    assert len(scan_dataset(SPEC, root).records) == 10


def test_entities_in_labels_are_refused(tmp_path):
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb">]><a><Item imageName="&b;"/></a>'
    path = trees.write(tmp_path, {"labels.xml": bomb}) / "labels.xml"
    with pytest.raises(UserError, match="declares a document type"):
        read_labels(path)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name_test.txt": None}, "has no name_test.txt; is the dataset unpacked there completely"),
        ({"name_query.txt": "\n \n"}, "name_query.txt is empty"),
        (
            {"name_train.txt": b"\xff\xfe\x00"},
            "name_train.txt is not text in UTF-8: save the list in this encoding",
        ),
        ({"name_query.txt": "car.jpg\n"}, "name_query.txt, line 1: 'car.jpg' does not begin like 0001_c001"),
        ({"name_train.txt": "9" * 30 + "_c001_0.jpg"}, "name_train.txt, line 1: .* says no identity"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, changes, sentence):
    with pytest.raises(UserError, match=sentence):
        scan_dataset(SPEC, trees.veri(tmp_path, **changes))


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match=r"The folder .*nowhere does not exist"):
        scan_dataset(SPEC, tmp_path / "nowhere")
