import pytest
from tests.datasets import trees

from vreid.datasets.catalogue import scan_dataset
from vreid.params.errors import UserError

SPEC = trees.spec("veri_uav")
FILES = {
    "image_train/0003_02_000010.jpg": 1,
    "image_train/0001_00_000007.jpg": 2,  # camera 0 occurs
    "image_query/0012_07_000001.jpg": 3,
    "image_test/0012_01_000002_1.jpg": 4,
    "image_test/0012_07_000003.jpg": 5,
}


def test_names_say_identity_and_camera_and_folders_the_split(tmp_path):
    scan = scan_dataset(SPEC, trees.write(tmp_path / "gxy_07" / "0009_04", FILES))
    assert [(r.path, r.pid, r.camid, r.split) for r in scan.records] == [
        ("image_train/0001_00_000007.jpg", 1, 0, "train"),
        ("image_train/0003_02_000010.jpg", 3, 2, "train"),
        ("image_query/0012_07_000001.jpg", 12, 7, "query"),
        ("image_test/0012_01_000002_1.jpg", 12, 1, "gallery"),
        ("image_test/0012_07_000003.jpg", 12, 7, "gallery"),
    ]


def test_files_without_an_identity_are_reported_not_guessed(tmp_path):
    scan = scan_dataset(
        SPEC, trees.write(tmp_path, {**FILES, "image_train/scene.jpg": 6, "image_train/list.txt": "x"})
    )
    assert scan.unlisted == ["image_train/scene.jpg"] and len(scan.records) == 5


def test_a_missing_folder_is_named(tmp_path):
    files = {name: content for name, content in FILES.items() if "query" not in name}
    with pytest.raises(UserError, match="has no image_query"):
        scan_dataset(SPEC, trees.write(tmp_path, files))


def test_folders_without_images_are_no_dataset(tmp_path):
    with pytest.raises(UserError, match="holds no image that belongs to A dataset"):
        scan_dataset(SPEC, trees.write(tmp_path, {f"{name.split('/')[0]}/x.txt": "" for name in FILES}))
