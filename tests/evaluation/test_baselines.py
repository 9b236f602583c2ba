import json

import numpy as np
import pytest
from tests.evaluation.slow import slow_query
from tests.evaluation.test_run import RULES

from vreid.evaluation.baselines import baselines, colour_histogram, raw_pixels
from vreid.params.errors import UserError


def test_histograms_count_the_colours_of_an_image():
    image = np.zeros((1, 2, 2, 3), np.uint8)
    image[0, 0, 0] = (255, 31, 32)
    squares = colour_histogram(image)[0] ** 2
    assert np.flatnonzero(squares).tolist() == [0, 7 * 64 + 0 * 8 + 1]
    np.testing.assert_allclose(squares[[0, 449]], [0.75, 0.25])


@pytest.mark.parametrize("shape", [(64, 64), (32, 32), (48, 40), (20, 100)])
def test_pixels_are_averaged_over_areas(shape):
    """The mean over an area is the difference of the integral of the image at its corners."""
    image = np.random.default_rng(0).integers(0, 256, (1, *shape, 3)).astype(np.uint8)
    small = raw_pixels(image).reshape(32, 32, 3)
    integral = np.pad(image[0].astype(float), ((1, 0), (1, 0), (0, 0))).cumsum(0).cumsum(1)

    def at(y, x):
        y0, x0 = min(int(y), shape[0] - 1), min(int(x), shape[1] - 1)
        corner = integral[y0 : y0 + 2, x0 : x0 + 2]
        wy, wx = np.array([y0 + 1 - y, y - y0]), np.array([x0 + 1 - x, x - x0])
        return np.einsum("y,x,yxc->c", wy, wx, corner)

    h, w = shape[0] / 32, shape[1] / 32
    for i, j in ((0, 0), (3, 17), (31, 31)):
        total = (
            at((i + 1) * h, (j + 1) * w) - at(i * h, (j + 1) * w) - at((i + 1) * h, j * w) + at(i * h, j * w)
        )
        assert np.abs(small[i, j] - total / (h * w)).max() <= 0.5 + 1e-3


def test_baselines_stand_by_protocol(dataset):
    out = dataset.folder / "baselines.json"
    baselines(dataset.index, dataset.splits, dataset.pack, out, dataset.folder / "no_such.csv")
    written = json.loads(out.read_text())["protocols"]
    assert sorted(written) == ["cars196", "vehicleid_official_800", "veri776"]
    for entry in written.values():
        assert sorted(entry) == ["chance", "colour_histogram", "gallery", "queries", "raw_pixels"]
        for method in ("chance", "colour_histogram", "raw_pixels"):
            assert sorted(entry[method]) == ["MRR", "R1", "cmc", "mAP", "mAP_trapezoid", "mINP"]
            assert entry[method]["R1"] == entry[method]["cmc"][0]
        assert entry["colour_histogram"]["mAP"] > entry["chance"]["mAP"]
        assert entry["raw_pixels"]["mAP"] > entry["chance"]["mAP"]
    official = written["vehicleid_official_800"]
    assert (official["queries"], official["gallery"]) == (43, 5)
    harmonic = sum(1 / rank for rank in range(1, 6)) / 5
    assert official["chance"]["mAP"] == pytest.approx(harmonic)
    assert official["chance"]["mINP"] == pytest.approx(harmonic)


@pytest.mark.parametrize("protocol", ["veri776", "cars196"])
def test_the_oracle_is_chance_among_vehicles_that_look_alike(dataset, protocol):
    looks = {
        0: ("car", 1, "red"),
        1: ("car", 1, "red"),
        2: ("car", 1, "blue"),
        3: ("van", 1, "red"),
        4: ("car", 1, "red"),
    }
    table = dataset.folder / "attributes.csv"
    lines = [f"{pid},test,{','.join(map(str, look))}" for pid, look in looks.items()]
    table.write_text("\n".join(["pid,split,type,model,paint", *lines]) + "\n")
    out = dataset.folder / "baselines.json"
    baselines(dataset.index, dataset.splits, dataset.pack, out, table, [protocol])
    oracle = json.loads(out.read_text())["protocols"][protocol]["attribute_oracle"]

    rng = np.random.default_rng(0)
    pids, cams = dataset.pids, dataset.camids
    rows = np.arange(6, len(pids))
    query, gallery = (rows[:8], rows[8:]) if protocol == "veri776" else (rows, rows)
    found = []
    for _ in range(60):
        for q in query:
            matches = {j for j, g in enumerate(gallery) if pids[g] == pids[q]}
            junk = {j for j in matches if RULES[protocol](q, gallery[j], cams)}
            far = [looks[pids[g]] != looks[pids[q]] for g in gallery]
            found.append(slow_query(far + rng.random(len(gallery)) * 0.5, matches - junk, junk))
    found = [one for one in found if one]
    for metric, values in (
        ("mAP", [one["AP"] for one in found]),
        ("mINP", [one["INP"] for one in found]),
        ("R1", [one["first"] == 1 for one in found]),
    ):
        assert abs(np.mean(values) - oracle[metric]) < 4 * np.std(values) / np.sqrt(len(values)) + 1e-9


def test_a_pack_of_other_images_is_refused(dataset):
    for name in ("images", "pids", "camids", "splits"):
        np.save(dataset.pack / f"{name}.npy", np.load(dataset.pack / f"{name}.npy")[:-1])
    with pytest.raises(UserError, match="pack them again"):
        baselines(dataset.index, dataset.splits, dataset.pack, dataset.folder / "out.json")


def test_a_table_without_attributes_is_refused(dataset):
    table = dataset.folder / "attributes.csv"
    table.write_text("pid,model\n1,2\n")
    with pytest.raises(UserError, match="no table of pid, type, model and paint"):
        baselines(dataset.index, dataset.splits, dataset.pack, dataset.folder / "out.json", table)
