import pytest
from tests.datasets import trees

from vreid.datasets.catalogue import scan_dataset
from vreid.datasets.verify import verify_dataset
from vreid.params.errors import UserError

GIVEN = trees.spec("identity_folders", [{"name": "p", "form": "given", "junk": "none"}])
SPLIT = {
    "train/van/1.jpg": 1,
    "train/van/2.jpg": 2,
    "query/bus/1.jpg": 3,
    "gallery/bus/2.jpg": 4,
    "gallery/taxi/1.jpg": 5,
}


def test_folders_with_a_split(tmp_path):
    scan = scan_dataset(GIVEN, trees.write(tmp_path, SPLIT))
    assert [(r.path, r.pid, r.camid, r.split) for r in scan.records] == [
        ("train/van/1.jpg", 2, -1, "train"),
        ("train/van/2.jpg", 2, -1, "train"),
        ("query/bus/1.jpg", 0, -1, "query"),
        ("gallery/bus/2.jpg", 0, -1, "gallery"),
        ("gallery/taxi/1.jpg", 1, -1, "gallery"),
    ]
    assert scan.identities == {0: "bus", 1: "taxi", 2: "van"}


def test_folders_without_a_split_and_with_numbers(tmp_path):
    spec = trees.spec(
        "identity_folders", [{"name": "p", "form": "all_vs_all", "junk": "self"}], train_classes=2
    )
    files = {f"{pid:03}/{n}.jpg": pid * 10 + n for pid in (30, 4, 17, 5) for n in (1, 2)}
    root = trees.write(tmp_path / "raw", files | {".hidden/1.jpg": 1})
    scan = scan_dataset(spec, root)
    assert [(r.pid, r.split) for r in scan.records] == [
        (4, "train"), (4, "train"), (5, "train"), (5, "train"),
        (17, "gallery"), (17, "gallery"), (30, "gallery"), (30, "gallery"),
    ]  # fmt: skip
    assert verify_dataset(spec, root, tmp_path / "i.parquet", tmp_path / "i.json").measured["identities"] == 4


def test_a_query_without_a_match_is_named(tmp_path):
    root = trees.write(tmp_path / "raw", {**SPLIT, "query/tram/1.jpg": 9})
    with pytest.raises(UserError, match=r"1 of 2 queries have no match in the gallery \(query/tram/1.jpg\)"):
        verify_dataset(GIVEN, root, tmp_path / "i.parquet", tmp_path / "i.json")


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"1.jpg": 1}, "has no folders; a folder for each identity was expected"),
        (
            {"a/1.jpg": 1, "b/1.jpg": 2},
            "`train_classes` in the dataset's file must say how many of the 2 identities",
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path, files, sentence):
    with pytest.raises(UserError, match=sentence):
        scan_dataset(GIVEN, trees.write(tmp_path, files))


def test_training_on_everything_leaves_nothing_to_test(tmp_path):
    spec = trees.spec("identity_folders", train_classes=2)
    with pytest.raises(
        UserError, match=r"2 folders \(.*\), taken for one identity each; with train_classes 2 none is left"
    ):
        scan_dataset(spec, trees.write(tmp_path, {"a/1.jpg": 1, "b/1.jpg": 2}))
    with pytest.raises(UserError, match=r"nowhere does not exist"):
        scan_dataset(spec, tmp_path / "nowhere")
