"""Figures of single images: erased and darkened ones."""

import json

import numpy as np
import pytest
from tests.reporting.figures.small import DARK, SPLIT, dataset_plan, figure_plan, method, write_run

from vreid.params.errors import UserError
from vreid.params.figures import Darkened, Erased
from vreid.params.run import TrainConfig
from vreid.reporting.figures import darkened, erased

ERASING = {"name": "random_erasing", "p": 0.5, "area": [0.1, 0.3], "ratio": [0.5, 2.0], "fill": "random"}


def erased_plan(root, augment):
    result = write_run(root, "proposed", 0, 1.0)
    config = {
        "dataset": "veri776",
        "source": "synthetic",
        "data": "0",
        "code": "0",
        "seed": 0,
        "input": {"height": 8, "width": 8},
        "model": {
            "name": "se_densenet",
            "se": True,
            "mid_features": True,
            "backbone": {"name": "densenet121", "width": 0.125, "weights": None},
        },
        "losses": [{"name": "cross_entropy"}],
        "sampler": {"name": "pk", "ids": 2, "images_per_id": 2},
        "optimizer": {"name": "adam", "lr": 0.0005},
        "schedule": {"name": "cosine", "epochs": 1},
        "augment": augment,
    }
    valid = TrainConfig.model_validate_json(json.dumps(config))
    (root / "runs" / result.run / "config.json").write_text(valid.model_dump_json())
    spec = Erased(kind="erased", caption="c", run="proposed", images=4)
    return figure_plan(spec, [method("proposed", result)])


def rows_of(figure):
    """Return the pictures of a figure row by row, from the top."""
    shown = figure.axes[0].get_images()
    tops = sorted({round(image.get_extent()[3], 3) for image in shown})
    return [
        [np.asarray(image.get_array()) for image in shown if round(image.get_extent()[3], 3) == top]
        for top in tops
    ]


def test_erased_images_differ_in_a_rectangle_of_the_right_size(world):
    drawing = erased.draw(erased_plan(world, [{"name": "flip"}, ERASING]), world)
    before, after = rows_of(drawing.figure)
    images = np.load(world / "data/packed/veri776-0-8x8/images.npy")
    assert all(SPLIT[row] == "train" for row in drawing.numbers["rows"])
    for row, one, other in zip(drawing.numbers["rows"], before, after, strict=True):
        assert np.array_equal(one, images[row])
        high, wide = np.nonzero((one != other).any(axis=2))
        area = (np.ptp(high) + 1) * (np.ptp(wide) + 1)
        # Sides are rounded to whole pixels: 8 px are coarse.
        assert 0.05 * 64 < area < 0.45 * 64
        assert len(high) >= 0.95 * area
    assert "probability 0.5" in drawing.notes[0]
    assert "10 to 30 %" in drawing.notes[0]


def test_run_without_erasing_is_refused(world):
    with pytest.raises(UserError, match="trained without random_erasing"):
        erased.draw(erased_plan(world, [{"name": "flip"}]), world)


def test_darkened_images_stand_below_their_originals(world):
    spec = Darkened(kind="darkened", caption="c", dataset="veri776", images=5)
    drawing = darkened.draw(figure_plan(spec), world)
    before, after = rows_of(drawing.figure)
    assert len(before) == 5
    for one, other in zip(before, after, strict=True):
        assert np.array_equal(other, np.rint(0.3 * one))
    assert all(row % 3 == 2 for row in drawing.numbers["rows"])
    assert drawing.numbers["factors"] == [0.3] * 5
    brightness = drawing.numbers["brightness"]
    assert brightness["darkened"] == pytest.approx(0.3 * brightness["original"], abs=0.5)
    weights = [0.299, 0.587, 0.114]
    assert brightness["original"] == pytest.approx(
        np.mean([(one @ weights).mean() for one in before]), abs=1e-3
    )


def test_dataset_without_a_darkened_variant_is_refused(world):
    (world / DARK).unlink()
    spec = Darkened(kind="darkened", caption="c", dataset="veri776")
    with pytest.raises(UserError, match="veri776 has no darkened variant"):
        darkened.draw(figure_plan(spec, dataset=dataset_plan(darkened=None)), world)
