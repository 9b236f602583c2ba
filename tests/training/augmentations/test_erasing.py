import numpy as np
import pytest
import torch

from vreid.params.recipe import RandomErasing
from vreid.training.augmentations.erasing import random_erasing
from vreid.training.share import Share


def rng(seed=0):
    return np.random.default_rng(seed)


def erased(config, batch=400, height=40, width=50):
    values = random_erasing(torch.full((batch, 3, height, width), 9.0), rng(1), config)
    return values, (values != 9.0).all(1)


def test_erasing_fills_rectangles_of_the_given_area_and_aspect():
    config = RandomErasing(name="random_erasing", p=1.0, area=(0.05, 0.3), ratio=(0.5, 2.0))
    _, masks = erased(config)
    for mask in masks:
        rows, columns = mask.any(1), mask.any(0)
        height, width = int(rows.sum()), int(columns.sum())
        assert (mask == rows[:, None] & columns[None, :]).all()
        assert torch.diff(rows.int()).abs().sum() <= 2  # rows and columns lie side by side
        assert torch.diff(columns.int()).abs().sum() <= 2
        # Sides are rounded to whole pixels, each by half a pixel at most.
        assert (height - 0.5) * (width - 0.5) <= 0.3 * 2000
        assert (height + 0.5) * (width + 0.5) >= 0.05 * 2000
        assert (height - 0.5) / (width + 0.5) <= 2.0
        assert (height + 0.5) / (width - 0.5) >= 0.5


def test_erasing_draws_area_and_aspect_uniformly():
    config = RandomErasing(name="random_erasing", p=1.0, area=(0.1, 0.2), ratio=(0.5, 1.5))
    _, masks = erased(config, batch=2000)
    heights, widths = masks.any(2).sum(1).double(), masks.any(1).sum(1).double()
    assert (heights * widths).mean() / 2000 == pytest.approx(0.15, abs=0.003)
    assert (heights / widths).mean() == pytest.approx(1.0, abs=0.03)


def test_erasing_takes_each_image_with_its_probability_and_fills_in_standard_normal_values():
    config = RandomErasing(name="random_erasing", p=0.3)
    values, masks = erased(config, batch=3000, height=16, width=16)
    assert masks.flatten(1).any(1).float().mean().item() == pytest.approx(0.3, abs=5 * 0.0084)
    fill = values.permute(1, 0, 2, 3)[:, masks]
    assert fill.mean(1).abs().max() < 0.03
    assert (fill.std(1) - 1).abs().max() < 0.03
    assert torch.corrcoef(fill).fill_diagonal_(0).abs().max() < 0.03  # channels are independent


def test_erasing_with_zeros():
    values, masks = erased(RandomErasing(name="random_erasing", p=1.0, fill="zero"))
    assert masks.any()
    assert (values.permute(1, 0, 2, 3)[:, masks] == 0).all()


def test_an_image_stays_as_it_is_when_no_attempt_fits():
    config = RandomErasing(name="random_erasing", p=1.0, area=(1.0, 1.0), ratio=(1.0, 1.0))
    values, _ = erased(config)
    assert (values == 9.0).all()


def test_a_misfit_is_drawn_anew():
    # On a square a rectangle of 80 % fits if its aspect is in 0.8 .. 1.25: 15 % of those drawn here.
    config = RandomErasing(name="random_erasing", p=1.0, area=(0.8, 0.8), ratio=(0.3, 3.3))
    _, masks = erased(config, batch=500, height=80, width=80)
    share = masks.flatten(1).any(1).float().mean().item()
    assert share == pytest.approx(1 - (1 - 0.45 / 3) ** 10, abs=5 * 0.018)


@pytest.mark.parametrize("count", [2, 4])
def test_each_process_erases_what_one_alone_would(count):
    config = RandomErasing(name="random_erasing", p=0.7)
    whole = random_erasing(torch.zeros(16, 3, 20, 20), rng(3), config)
    parts = [
        random_erasing(torch.zeros(16 // count, 3, 20, 20), rng(3), config, Share(number, count))
        for number in range(count)
    ]
    assert torch.equal(torch.cat(parts), whole)


def test_all_spectra_are_erased_at_the_same_place():
    config = RandomErasing(name="random_erasing", p=1.0)
    erased = random_erasing(torch.zeros(20, 9, 30, 30), rng(), config) != 0
    assert erased.flatten(1).any(1).sum() > 15
    assert (erased == erased[:, :1]).all()
