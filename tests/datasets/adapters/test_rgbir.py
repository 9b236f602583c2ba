from tests.datasets import trees

from vreid.datasets.catalogue import scan_dataset
from vreid.datasets.index import read_index
from vreid.datasets.verify import verify_dataset

SPEC = trees.spec("rgbir", spectra=["rgb", "nir", "tir"])
TRIPLE = trees.jpeg(5, size=(768, 128))
FILES = {
    "rgbir/bounding_box_train/0200_c8_000003.jpg": 1,
    "rgbir/bounding_box_train/0007_c1_000001.jpg": 2,
    "rgbir/query/0011_c2_000001.jpg": TRIPLE,
    "rgbir/bounding_box_test/0011_c2_000001.jpg": TRIPLE,
    "rgbir/bounding_box_test/0011_c5_000009.jpg": 4,
    "rgbir/bounding_box_test/-1_c5_000010.jpg": 5,
}


def test_names_say_identity_and_camera_and_junk_is_left_out(tmp_path):
    scan = scan_dataset(SPEC, trees.write(tmp_path / "600_c9", FILES))
    assert [(r.path.split("/", 1)[1], r.pid, r.camid, r.split) for r in scan.records] == [
        ("bounding_box_train/0007_c1_000001.jpg", 7, 1, "train"),
        ("bounding_box_train/0200_c8_000003.jpg", 200, 8, "train"),
        ("query/0011_c2_000001.jpg", 11, 2, "query"),
        ("bounding_box_test/0011_c2_000001.jpg", 11, 2, "gallery"),
        ("bounding_box_test/0011_c5_000009.jpg", 11, 5, "gallery"),
    ]
    assert scan.remarks == [
        "1 files with a negative identity are left out (rgbir/bounding_box_test/-1_c5_000010.jpg)."
    ]


def test_spectra_are_boxes_of_the_release_s_size(tmp_path):
    root = trees.write(tmp_path / "raw", FILES)
    report = verify_dataset(SPEC, root, tmp_path / "i.parquet", tmp_path / "i.json")
    boxes = read_index(tmp_path / "i.parquet")["spectra"].to_pylist()[2]
    # The third spectrum begins at 512: one public loader cuts it at 256 and gets NIR and TIR in one picture.
    assert [tuple(box.values()) for box in boxes] == [
        ("rgb", 0, 0, 256, 128),
        ("nir", 256, 0, 512, 128),
        ("tir", 512, 0, 768, 128),
    ]
    assert report.duplicates.query_copies == 1
