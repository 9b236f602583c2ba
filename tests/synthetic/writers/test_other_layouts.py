"""Reads the other seven rendered sets by their documented layouts."""

import re
from collections import Counter

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat

from vreid.params.errors import UserError
from vreid.synthetic.render import render_dataset


@pytest.fixture
def rendered(spec, tmp_path):
    """Return a function that renders a small set and returns its folder."""

    def render(dataset, **changes):
        render_dataset(dataset, spec(image_size=16, **changes), tmp_path / "set", workers=1)
        return tmp_path / "set"

    return render


def pairs(path):
    return [tuple(line.split(" ")) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    ("dataset", "style", "folder", "name", "sizes"),
    [
        ("vehicleid", "surveillance", "image", r"\d{7}", {"800": 1, "1600": 2, "2400": 3}),
        ("vru", "uav", "Pic", r"[1-9]\d*", {"1200": 1, "2400": 1, "8000": 3}),
    ],
)
def test_numbered_sets(rendered, dataset, style, folder, name, sizes):
    root = rendered(dataset, style=style, train_ids=2, test_ids=6, models=4, twins=0.0, images_per_camera=1)
    images = {path.stem for path in (root / folder).iterdir()}
    assert all(re.fullmatch(name, image) for image in images)
    lists = root / "train_test_split"
    train = pairs(lists / "train_list.txt")
    largest = pairs(lists / f"test_list_{list(sizes)[-1]}.txt")
    assert {image for image, _ in train + largest} == images
    assert not {pid for _, pid in train} & {pid for _, pid in largest}
    assert set(Counter(pid for _, pid in largest).values()) == {2}
    held = []
    for size, share in sizes.items():
        test = set(pairs(lists / f"test_list_{size}.txt"))
        assert len({pid for _, pid in test}) == max(2, 2 * share)
        held.append(test)
    assert held[0] <= held[1] <= held[2]


def test_loaders_of_the_owners_find_every_image_of_vru_and_vehicleid(rendered, tmp_path):
    for dataset, style, folder, name_of in (
        ("vru", "uav", "Pic", lambda image: f"{int(image)}.jpg"),  # as the loader in GeoX-Lab/ReID builds it
        ("vehicleid", "surveillance", "image", lambda image: f"{image}.jpg"),  # as fast-reid's does
    ):
        root = rendered(dataset, style=style).rename(tmp_path / dataset)
        listed = [pair for path in (root / "train_test_split").glob("*.txt") for pair in pairs(path)]
        assert all(len(pair) == 2 for pair in listed)
        found = {name_of(image) for image, _ in listed}
        assert found == {path.name for path in (root / folder).iterdir()}


def test_vehicleid_attributes(rendered):
    root = rendered("vehicleid") / "attribute"
    images = dict(pairs(root / "img2vid.txt"))
    assert len(images) == 16
    for kind in ("model", "color"):
        numbers = {number for _, number in pairs(root / f"{kind}_names.txt")}
        attributes = dict(pairs(root / f"{kind}_attr.txt"))
        assert set(attributes) == set(images.values())
        assert set(attributes.values()) <= numbers


def test_veri_uav(rendered):
    root = rendered("veri_uav", style="uav")
    found = {
        folder: [
            tuple(map(int, re.search(r"([\d]+)_(\d\d)", path.name).groups()))
            for path in (root / f"image_{folder}").iterdir()
        ]
        for folder in ("train", "query", "test")
    }
    assert [len(found[folder]) for folder in ("train", "query", "test")] == [8, 4, 4]
    assert all(1 <= camera <= 7 for labels in found.values() for _, camera in labels)
    # Every query has a match in another camera of the gallery.
    for pid, camera in found["query"]:
        assert any(other == pid and cam != camera for other, cam in found["test"])
    names = [path.name for path in root.rglob("*.jpg")]
    assert len(names) == len(set(names))


def test_uav_veid(rendered):
    root = rendered("uav_veid", style="uav")
    labels = {}
    for name, folder in (
        ("train_id_label", "image_train"),
        ("test_query_label", "images_query_test"),
        ("test_gallery_label", "images_gallery_test"),
    ):
        labels[name] = [
            (path.split("/")[-1], pid) for path, pid in pairs(root / "UAV-labels" / f"{name}.txt")
        ]
        assert sorted(image for image, _ in labels[name]) == sorted(p.name for p in (root / folder).iterdir())
        for image, pid in labels[name]:
            assert int(re.fullmatch(r"\d+_(\d+)_\d+\.jpg", image).group(1)) == int(pid)
    gallery = Counter(pid for _, pid in labels["test_gallery_label"])
    assert set(gallery.values()) == {1}
    assert {pid for _, pid in labels["test_query_label"]} == set(gallery)


@pytest.mark.parametrize(("dataset", "spectra"), [("rgbn300", 2), ("rgbnt100", 3)])
def test_spectra_stand_side_by_side(rendered, dataset, spectra):
    root = rendered(dataset, low_resolution=1.0) / "rgbir"
    names = {
        folder: {path.name for path in (root / folder).iterdir()}
        for folder in ("bounding_box_train", "query", "bounding_box_test")
    }
    assert names["query"] < names["bounding_box_test"]
    for folder, files in names.items():
        for name in files:
            pid, camera = map(int, re.search(r"([-\d]+)_c([-\d]+)", name).groups())
            assert 1 <= pid <= 600
            assert 1 <= camera <= 8
            pixels = np.asarray(Image.open(root / folder / name).convert("RGB")).astype(int)
            assert pixels.shape == (8, 16 * spectra, 3)
            infrared = pixels[:, 16:]
            assert np.ptp(infrared, axis=2).max() <= 24  # grey, but for the colour coding of JPEG


def test_cars196(rendered):
    root = rendered("cars196", style="product", train_ids=3, test_ids=2, models=5, twins=0.0)
    content = loadmat(root / "cars_annos.mat")
    annotations = content["annotations"][0]
    assert annotations.dtype.names == (
        "relative_im_path", "bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "test",
    )  # fmt: skip
    assert len(content["class_names"][0]) == 196
    classes = []
    for entry in annotations:
        with Image.open(root / entry[0].item()) as image:
            width, height = image.size
        x1, y1, x2, y2 = (int(entry[k].item()) for k in range(1, 5))
        assert 1 <= x1 < x2 <= width
        assert 1 <= y1 < y2 <= height
        assert (x2 - x1) * (y2 - y1) > 0.25 * width * height
        classes.append(int(entry[5].item()))
        assert entry[6].item() in (0, 1)
    assert classes == sorted(classes)
    assert Counter(classes) == {1: 4, 2: 4, 3: 4, 99: 4, 100: 4}
    paths = [entry[0].item() for entry in annotations]
    assert paths == [f"car_ims/{number:06d}.jpg" for number in range(1, 21)]
    assert b"Created on" not in (root / "cars_annos.mat").read_bytes()[:116]


@pytest.mark.parametrize(
    ("dataset", "changes", "words"),
    [
        ("vehicleid", {"cameras_per_id": 1, "images_per_camera": 1}, "two images per identity"),
        ("vru", {}, "style uav"),
        ("veri_uav", {"style": "uav", "images_per_camera": 1}, "out of the gallery"),
        ("veri_uav", {"style": "uav", "cameras": 8}, "cameras 1 to 7"),
        ("rgbn300", {"cameras": 9}, "cameras 1 to 8"),
        ("cars196", {"style": "product", "train_ids": 99, "models": 101, "twins": 0.0}, "98 classes"),
    ],
)
def test_worlds_that_a_layout_cannot_hold_are_refused(spec, tmp_path, dataset, changes, words):
    with pytest.raises(UserError, match=words):
        render_dataset(dataset, spec(**changes), tmp_path / "set", workers=1)
