import pytest
from tests.datasets import trees

from vreid.datasets.catalogue import scan_dataset
from vreid.params.errors import UserError

PROTOCOLS = [{"name": "p", "form": "given", "junk": "none"}]
SPEC = trees.spec("uav_veid", PROTOCOLS)
IMAGES = {
    "image_train/0_2_a.jpg": 1,
    "image_train/0_1_b.jpg": 2,
    "images_query_test/0_9_x.jpg": 3,
    "images_query_test/0_9_y.jpg": 4,
    "images_gallery_test/0_9_x.jpg": 5,  # a name that the query has too
}
EXPECTED = [
    ("image_train/0_2_a.jpg", 2, -1, "train"),
    ("image_train/0_1_b.jpg", 1, -1, "train"),
    ("images_query_test/0_9_y.jpg", 9, -1, "query"),
    ("images_query_test/0_9_x.jpg", 9, -1, "query"),
    ("images_gallery_test/0_9_x.jpg", 9, -1, "gallery"),
]


def lists(train, query, gallery):
    return {
        train: "somewhere/0_2_a.jpg 2\nelsewhere\\0_1_b.jpg 1\n\n",
        query: "images_query_test/0_9_y.jpg 9\nimages_query_test/0_9_x.jpg 9\n",
        gallery: "images_gallery_test/0_9_x.jpg 9\n",
    }


LOADER = lists(*(f"UAV-labels/{name}_label.txt" for name in ("train_id", "test_query", "test_gallery")))


def rows(scan):
    return [(r.path, r.pid, r.camid, r.split) for r in scan.records]


@pytest.mark.parametrize("files", [LOADER, lists("train_label.txt", "test_q_label.txt", "test_g_label.txt")])
def test_label_lists_under_either_name(tmp_path, files):
    assert rows(scan_dataset(SPEC, trees.write(tmp_path, IMAGES | files))) == EXPECTED


def test_explicit_lists(tmp_path):
    names = {"train": "my/a.txt", "query": "my/b.txt", "gallery": "c.txt"}
    spec = trees.spec("uav_veid", PROTOCOLS, label_files=names)
    assert rows(scan_dataset(spec, trees.write(tmp_path, IMAGES | lists(*names.values())))) == EXPECTED


def test_labels_in_file_names(tmp_path):
    files = {"train/1_00007_x.jpg": 1, "query/2_00012_y.jpg": 2, "gallery/2_00012_z.jpg": 3}
    scan = scan_dataset(SPEC, trees.write(tmp_path / "3_4", files))
    assert rows(scan) == [
        ("train/1_00007_x.jpg", 7, 1, "train"),
        ("query/2_00012_y.jpg", 12, 2, "query"),
        ("gallery/2_00012_z.jpg", 12, 2, "gallery"),
    ]


def test_lines_without_file_and_files_without_line(tmp_path):
    more = {
        "image_train/0_5_c.jpg": 6,
        "image_train/0_6_v.jpg": 7,
        "UAV-labels/val_q_label.txt": "0_6_v.jpg 6\n",
    }
    root = trees.write(tmp_path, IMAGES | LOADER | more)
    (root / "image_train/0_1_b.jpg").unlink()
    scan = scan_dataset(SPEC, root)
    assert scan.missing == [("elsewhere/0_1_b.jpg", "UAV-labels/train_id_label.txt, line 2")]
    assert scan.unlisted == ["image_train/0_5_c.jpg"]  # the validation part is not stray


def test_links_in_a_circle_are_walked_once(tmp_path):
    root = trees.write(tmp_path, IMAGES | LOADER)
    (root / "image_train" / "again").symlink_to(root)
    assert rows(scan_dataset(SPEC, root)) == EXPECTED


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"UAV-labels/test_query_label.txt": "0_9_y.jpg nine\n"}, "is not `path identity`"),
        ({"UAV-labels/test_query_label.txt": "0_9_x.jpg 9\n"}, "0_9_x.jpg could be any of"),
        ({"UAV-labels/test_gallery_label.txt": ""}, "test_gallery_label.txt is empty"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, changes, sentence):
    with pytest.raises(UserError, match=sentence):
        scan_dataset(SPEC, trees.write(tmp_path, IMAGES | LOADER | changes))


def test_neither_layout(tmp_path):
    with pytest.raises(
        UserError, match=r"neither the label lists .* nor the folders train, query and gallery"
    ):
        scan_dataset(SPEC, trees.write(tmp_path, IMAGES))
