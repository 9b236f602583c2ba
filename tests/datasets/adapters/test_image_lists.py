import pytest
from tests.datasets import trees

from vreid.datasets.catalogue import scan_dataset
from vreid.datasets.verify import verify_dataset
from vreid.params.errors import UserError

SPEC = trees.spec("image_lists", lists=["800", "1600"])


def vehicleid(root, **changes):
    """VehicleID after its read-me: 7-digit names, nested test lists, nothing in order."""
    files = {f"image/{number:07}.jpg": number for number in range(1, 11)}
    files["train_test_split/train_list.txt"] = "0000003 20\n0000001 7\n0000002 7\n\n"  # a blank last line
    files["train_test_split/test_list_800.txt"] = "0000005 9\n0000004 9\n"
    files["train_test_split/test_list_1600.txt"] = "0000006 4\n0000007 4\n0000005 9\n0000004 9\n"
    files["train_test_split/test_list_2400.txt"] = "0000008 5\n0000009 5\n"
    files["attribute/img2vid.txt"] = "0000001 7\n"
    return trees.write(root, files | changes)


def test_lists_decide_split_order_and_membership(tmp_path):
    scan = scan_dataset(SPEC, vehicleid(tmp_path))
    assert [(r.path, r.pid, r.camid, r.split, r.lists) for r in scan.records] == [
        ("image/0000003.jpg", 20, -1, "train", ()),
        ("image/0000001.jpg", 7, -1, "train", ()),
        ("image/0000002.jpg", 7, -1, "train", ()),
        ("image/0000005.jpg", 9, -1, "gallery", ("800", "1600")),
        ("image/0000004.jpg", 9, -1, "gallery", ("800", "1600")),
        ("image/0000006.jpg", 4, -1, "gallery", ("1600",)),
        ("image/0000007.jpg", 4, -1, "gallery", ("1600",)),
    ]
    assert scan.files == 10
    assert scan.unlisted == ["image/0000010.jpg"]  # images on a list that is not read are not stray


def test_vru_keeps_its_images_in_pic(tmp_path):
    lines = {"train_list": "12 1\n7 1\n", "test_list_1200": "9 3\n8 3\n"}
    files = {f"Pic/{number}.jpg": number for number in (7, 8, 9, 12)}
    root = trees.write(
        tmp_path / "g9" / "1_c1", files | {f"train_test_split/{k}.txt": v for k, v in lines.items()}
    )
    scan = scan_dataset(trees.spec("image_lists", lists=["1200"]), root)
    assert [(r.path, r.pid, r.split) for r in scan.records] == [
        ("Pic/12.jpg", 1, "train"),
        ("Pic/7.jpg", 1, "train"),
        ("Pic/9.jpg", 3, "gallery"),
        ("Pic/8.jpg", 3, "gallery"),
    ]


def test_two_files_of_one_name_are_refused(tmp_path):
    root = vehicleid(tmp_path, **{"image/0000001.png": 99})
    with pytest.raises(UserError, match=r"image holds 0000001\.jpg and 0000001\.png, and lists name images"):
        scan_dataset(SPEC, root)


def test_lines_without_file_and_repeated_lines(tmp_path):
    changes = {"train_test_split/train_list.txt": "0000001 7\r\n0000099 7\r\n0000001 7\r\n"}
    scan = scan_dataset(SPEC, vehicleid(tmp_path, **changes))
    assert scan.missing == [("image/0000099.jpg", "train_test_split/train_list.txt, line 2")]
    assert scan.repeated == ["train_test_split/train_list.txt, line 3 (0000001)"]


def test_counts_of_lists_and_of_files_are_measured(tmp_path):
    counts = [
        {"source": "a", "files": 10, "lists": {"800": {"images": 2, "identities": 1}, "1600": {"images": 9}}}
    ]
    spec = trees.spec("image_lists", lists=["800", "1600"], counts=counts, allow=["counts"])
    report = verify_dataset(spec, vehicleid(tmp_path / "raw"), tmp_path / "i.parquet", tmp_path / "i.json")
    assert {c.what: (c.measured, c.agrees) for c in report.counts} == {
        "files": (10, True),
        "list 800 images": (2, True),
        "list 800 identities": (1, True),
        "list 1600 images": (4, False),
    }


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"train_test_split/train_list.txt": "0000001\n"},
            "train_list.txt, line 1: '0000001' is not `<image> <vehicle>`",
        ),
        ({"train_test_split/train_list.txt": "0000001 x7\n"}, "is not `<image> <vehicle>`"),
        ({"train_test_split/train_list.txt": "\n"}, "train_list.txt is empty"),
        (
            {"train_test_split/test_list_1600.txt": "0000005 8\n"},
            r"test_list_1600.txt, line 1: image 0000005 shows vehicle 8 here, but 9 in .*_800.txt, line 1",
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path, changes, sentence):
    with pytest.raises(UserError, match=sentence):
        scan_dataset(SPEC, vehicleid(tmp_path, **changes))


def test_missing_parts_are_named(tmp_path):
    spec = trees.spec("image_lists", lists=["3200"])
    with pytest.raises(UserError, match=r"test_list_3200.txt is missing"):
        scan_dataset(spec, vehicleid(tmp_path))
    with pytest.raises(UserError, match=r"has no train_test_split/train_list.txt"):
        scan_dataset(SPEC, trees.write(tmp_path / "a", {"image/1.jpg": 1}))
    with pytest.raises(UserError, match="has neither a folder image nor Pic"):
        scan_dataset(SPEC, trees.write(tmp_path / "b", {"train_test_split/train_list.txt": "1 1"}))
