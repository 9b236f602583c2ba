"""Reads the rendered set the way loaders of VeRi-776 do: by file names, lists and labels alone."""

import re
import xml.etree.ElementTree as ET

import pytest
from PIL import Image
from tests.synthetic.small import small_spec

from vreid.params.errors import UserError
from vreid.synthetic.render import render_dataset

PATTERN = re.compile(r"([\d]+)_c(\d\d\d)")


def labels(folder):
    return {path.name: tuple(map(int, PATTERN.search(path.name).groups())) for path in folder.glob("*.jpg")}


@pytest.fixture(scope="module")
def veri(tmp_path_factory):
    root = tmp_path_factory.mktemp("gxy_07_c123") / "VeRi"
    render_dataset("veri776", small_spec(train_ids=3, test_ids=3, models=2, twins=0.7), root, workers=1)
    return root


def lines(path):
    return path.read_text().splitlines()


def test_only_the_files_of_the_release_and_one_folder_beside_them(veri):
    assert {path.name for path in veri.iterdir()} == {
        "image_train", "image_query", "image_test", "name_train.txt", "name_query.txt", "name_test.txt",
        "gt_index.txt", "jk_index.txt", "test_track.txt", "train_label.xml", "test_label.xml",
        "list_color.txt", "list_type.txt", "camera_ID.txt", "camera_Dist.txt", "rendered",
    }  # fmt: skip


def test_file_names_tell_identity_and_camera(veri):
    for folder, count in (("image_train", 12), ("image_test", 12), ("image_query", 6)):
        found = labels(veri / folder)
        assert len(found) == count
        assert all(1 <= pid <= 776 and 1 <= camera <= 20 for pid, camera in found.values())
        assert all(re.fullmatch(r"\d{4}_c\d{3}_\d{8}_\d+\.jpg", name) for name in found)


def test_images_open_and_have_the_longer_side_asked_for(veri):
    for path in (veri / "image_train").glob("*.jpg"):
        with Image.open(path) as image:
            assert image.format == "JPEG"
            assert max(image.size) == 24


def test_splits_are_disjoint_and_queries_are_copies(veri):
    train, test, query = (labels(veri / f"image_{name}") for name in ("train", "test", "query"))
    assert not {pid for pid, _ in train.values()} & {pid for pid, _ in test.values()}
    for name in query:
        assert (veri / "image_query" / name).read_bytes() == (veri / "image_test" / name).read_bytes()
    # One query for each test identity in each camera that sees it.
    assert sorted(query.values()) == sorted(set(test.values()))


def test_lists_name_the_files(veri):
    for split in ("train", "query", "test"):
        assert sorted(lines(veri / f"name_{split}.txt")) == sorted(labels(veri / f"image_{split}"))


def test_index_files_equal_the_rule_of_identity_and_camera(veri):
    test, query = labels(veri / "image_test"), labels(veri / "image_query")
    names = lines(veri / "name_test.txt")
    true, junk = lines(veri / "gt_index.txt"), lines(veri / "jk_index.txt")
    queries = lines(veri / "name_query.txt")
    assert len(queries) == len(true) == len(junk)
    for name, true_rows, junk_rows in zip(queries, true, junk, strict=True):
        pid, camera = query[name]
        others = [n for n in names if test[n][0] == pid and test[n][1] != camera]
        same = [n for n in names if test[n] == (pid, camera)]
        assert [names[int(row) - 1] for row in true_rows.split()] == others != []
        assert [names[int(row) - 1] for row in junk_rows.split()] == same
        assert name in same


def test_tracks_hold_each_gallery_image_once(veri):
    test = labels(veri / "image_test")
    images = []
    for line in lines(veri / "test_track.txt"):
        track, *names = line.split()
        assert {test[name] for name in names} == {test[track]}
        images += names
    assert sorted(images) == sorted(test)


def test_xml_labels_agree_with_names_and_side_file(veri):
    colours = dict(line.split(" ", 1) for line in lines(veri / "list_color.txt"))
    types = dict(line.split(" ", 1) for line in lines(veri / "list_type.txt"))
    header, *rows = lines(veri / "rendered" / "attributes.csv")
    attributes = {
        row.split(",")[0]: dict(zip(header.split(","), row.split(","), strict=True)) for row in rows
    }
    same = {"grey": "gray", "silver": "gray", "navy": "blue", "gold": "golden"}
    same |= {"coupe": "sedan", "hatch": "hatchback", "wagon": "estate"}
    for split in ("train", "test"):
        # expat does not know gb2312, so readers decode the bytes themselves.
        text = (veri / f"{split}_label.xml").read_bytes()
        assert b'encoding="gb2312"' in text.splitlines()[0]
        root = ET.fromstring(text.decode("gb2312").split("?>", 1)[1])  # noqa: S314
        items = root.find("Items")
        assert int(items.get("number")) == len(items)
        assert sorted(item.get("imageName") for item in items) == sorted(labels(veri / f"image_{split}"))
        for item in items:
            pid, camera = map(int, PATTERN.search(item.get("imageName")).groups())
            assert (item.get("vehicleID"), item.get("cameraID")) == (f"{pid:04d}", f"c{camera:03d}")
            truth = attributes[str(pid)]
            assert colours[item.get("colorID")] == same.get(truth["paint"], truth["paint"])
            assert types[item.get("typeID")] == same.get(truth["type"], truth["type"])


def test_distances_between_cameras_are_symmetric(veri):
    cameras = lines(veri / "camera_ID.txt")
    table = [[int(cell) for cell in line.split()] for line in lines(veri / "camera_Dist.txt")]
    assert cameras == ["c001", "c002", "c003"]
    assert len(table) == 3
    assert all(table[i][j] == table[j][i] and table[i][i] == 0 for i in range(3) for j in range(3))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"style": "uav"}, "rendered in the style surveillance, not uav"),
        ({"cameras_per_id": 1}, "at least 2"),
        ({"cameras": 21}, "has cameras 1 to 20"),
        ({"train_ids": 775, "models": 100}, "numbers its identities up to 776"),
    ],
)
def test_worlds_that_the_layout_cannot_hold_are_refused(spec, tmp_path, changes, words):
    with pytest.raises(UserError, match=words):
        render_dataset("veri776", spec(**changes), tmp_path / "set", workers=1)
