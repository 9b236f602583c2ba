import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from vreid.params.recipe import ColorJitter
from vreid.training.augmentations import colour
from vreid.training.augmentations.colour import color_jitter
from vreid.training.share import Share

ALL = ColorJitter(name="color_jitter", brightness=0.4, contrast=0.3, saturation=0.5, hue=0.2)
ADJUSTMENTS = ("brightness", "contrast", "saturation", "hue")


def pixels(batch=6, channels=3, seed=0):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (batch, channels, 14, 17), dtype=np.uint8)
    images[:, :, :3] = images[:, :1, :3]  # some grey, too
    return torch.from_numpy(images)


@pytest.mark.parametrize("kind", ADJUSTMENTS)
def test_each_adjustment_is_that_of_torchvision(kind):
    amounts = (-0.5, -0.3, 0.0, 0.07, 0.25, 0.5) if kind == "hue" else (0.0, 0.4, 1.0, 1.3, 1.9, 2.5)
    images = pixels()
    values = images.float()[:, None]
    got = getattr(colour, f"adjust_{kind}")(values, np.array(amounts, np.float32))
    for image, result, amount in zip(images, got[:, 0], amounts, strict=True):
        expected = getattr(reference, f"adjust_{kind}")(image.float() / 255, amount) * 255
        torch.testing.assert_close(result, expected, atol=0.02, rtol=0)


def test_every_image_has_its_own_amounts_and_order():
    """Replayed image by image with torchvision, from the same draws."""
    images = pixels(batch=12)
    rng = np.random.default_rng(4)
    got = color_jitter(images.clone(), np.random.default_rng(4), ALL)
    rng.random(12)
    amounts = rng.uniform([0.6, 0.7, 0.5, -0.2], [1.4, 1.3, 1.5, 0.2], (12, 4)).astype(np.float32)
    order = rng.permuted(np.tile(np.arange(4), (12, 1)), axis=1)
    assert len(np.unique(order, axis=0)) > 6
    for n, image in enumerate(images):
        value = image.float() / 255
        for kind in order[n]:
            value = getattr(reference, f"adjust_{ADJUSTMENTS[kind]}")(value, float(amounts[n, kind]))
        assert (got[n] - value * 255).abs().max() <= 0.53  # rounded, with some slack for float32


def test_all_at_once_is_the_same_as_one_by_one(monkeypatch):
    expected = color_jitter(pixels(), np.random.default_rng(1), ALL)
    monkeypatch.setattr(colour, "pieces", lambda images, batch, times=1: iter([images]))
    assert torch.equal(color_jitter(pixels(), np.random.default_rng(1), ALL), expected)


def test_an_image_is_taken_with_its_probability_and_strength_zero_changes_nothing():
    half = ALL.model_copy(update={"p": 0.5})
    images = pixels(batch=300)
    changed = (color_jitter(images.clone(), np.random.default_rng(0), half) != images).flatten(1).any(1)
    assert abs(changed.float().mean().item() - 0.5) < 5 * 0.5 / 300**0.5
    nothing = ColorJitter(name="color_jitter")
    assert torch.equal(color_jitter(images.clone(), np.random.default_rng(0), nothing), images)


def test_factors_do_not_fall_below_zero():
    strong = ColorJitter(name="color_jitter", brightness=3.0)
    means = color_jitter(torch.full((2000, 3, 1, 1), 10, dtype=torch.uint8), np.random.default_rng(0), strong)
    assert abs(means.float().mean().item() - 20) < 5 * 40 / 12**0.5 / 2000**0.5  # uniform in 0 .. 40


def test_the_spectra_of_an_image_are_adjusted_alike():
    image = pixels(batch=4)
    twice = color_jitter(torch.cat([image, image], dim=1), np.random.default_rng(0), ALL)
    assert torch.equal(twice[:, :3], twice[:, 3:])
    assert torch.equal(twice[:, :3], color_jitter(image.clone(), np.random.default_rng(0), ALL))


def test_each_process_adjusts_its_images_as_one_alone_would():
    whole = color_jitter(pixels(batch=8), np.random.default_rng(5), ALL)
    parts = [
        color_jitter(part.clone(), np.random.default_rng(5), ALL, Share(number, 2))
        for number, part in enumerate(pixels(batch=8).chunk(2))
    ]
    assert torch.equal(torch.cat(parts), whole)
