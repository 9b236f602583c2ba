import numpy as np
import pytest
import torch

from vreid.params.errors import UserError
from vreid.params.run import Flip, PadCrop, RandomErasing
from vreid.training.augment import MEAN, STD, Augmentation, flip, pad_crop, random_erasing

CPU = torch.device("cpu")
ALL = (Flip(name="flip"), PadCrop(name="pad_crop", padding=0.1), RandomErasing(name="random_erasing"))


def pixels(batch=16, height=20, width=24, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(1, 256, (batch, 3, height, width), dtype=np.uint8))


def rng(seed=0):
    return np.random.default_rng(seed)


def test_without_augmentations_images_are_normalised_as_imagenet_weights_expect():
    images = pixels().permute(0, 2, 3, 1)
    expected = (images.numpy() / 255.0 - np.array(MEAN)) / np.array(STD)
    got = Augmentation((), 0, CPU)(images, 0, 0)
    assert got.shape == (16, 3, 20, 24)
    np.testing.assert_allclose(got.permute(0, 2, 3, 1), expected, atol=1e-5)


def test_flip_mirrors_left_to_right():
    images = pixels()
    assert torch.equal(flip(images.clone(), rng(), 1.0), torch.from_numpy(images.numpy()[..., ::-1].copy()))
    assert torch.equal(flip(images.clone(), rng(), 0.0), images)


def test_flip_takes_each_image_with_its_probability():
    images = pixels(batch=2000, height=1, width=2)
    flipped = (flip(images.clone(), rng(), 0.25) != images).flatten(1).any(1)
    distinct = (images[..., 0] != images[..., 1]).flatten(1).any(1)
    share = flipped[distinct].float().mean().item()
    assert abs(share - 0.25) < 5 * (0.25 * 0.75 / distinct.sum().item()) ** 0.5


def test_pad_crop_is_zero_padding_and_a_crop():
    images = pixels()
    border = 2  # a tenth of 20 pixels
    top, left = rng(5).integers(0, 2 * border + 1, size=(2, 16, 1, 1))
    padded = np.pad(images.numpy(), [(0, 0), (0, 0), (border, border), (border, border)])
    expected = np.stack(
        [
            image[:, t : t + 20, x : x + 24]
            for image, t, x in zip(padded, top.ravel(), left.ravel(), strict=True)
        ]
    )
    np.testing.assert_array_equal(pad_crop(images, rng(5), 0.1), expected)


def test_pad_crop_reaches_every_shift_and_no_more():
    image = torch.zeros(3000, 1, 4, 4, dtype=torch.uint8)
    image[:, :, 1, 1] = 255
    moved = pad_crop(image, rng(), 0.25).reshape(3000, 16) > 0
    shown = moved.any(1)
    places = moved[shown].long().argmax(1)
    assert set(places.tolist()) == {r * 4 + c for r in range(3) for c in range(3)}
    counts = torch.bincount(places)[[r * 4 + c for r in range(3) for c in range(3)]]
    assert (counts - 3000 / 9).abs().max() < 5 * (3000 / 9) ** 0.5


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


def test_an_image_depends_on_seed_epoch_and_step_alone():
    images = pixels().permute(0, 2, 3, 1)
    augmentation = Augmentation(ALL, 4, CPU)
    first = augmentation(images, 2, 3).clone()
    augmentation(images, 2, 4)
    torch.rand(5)
    assert torch.equal(augmentation(images, 2, 3), first)
    assert torch.equal(Augmentation(ALL, 4, CPU)(images, 2, 3), first)
    for seed, epoch, step in ((4, 2, 4), (4, 3, 3), (5, 2, 3)):
        assert not torch.equal(Augmentation(ALL, seed, CPU)(images, epoch, step), first)
    assert torch.equal(images, pixels().permute(0, 2, 3, 1))  # what was given is untouched


def test_images_of_a_batch_are_augmented_each_in_its_own_way():
    same = pixels(batch=1).expand(16, 3, 20, 24).permute(0, 2, 3, 1)
    assert len(torch.unique(Augmentation(ALL, 0, CPU)(same, 0, 0), dim=0)) > 12


def test_the_result_can_be_had_in_either_memory_format():
    images = pixels().permute(0, 2, 3, 1)
    result = Augmentation(ALL, 4, CPU, torch.channels_last)(images, 2, 3)
    assert result.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(result, Augmentation(ALL, 4, CPU)(images, 2, 3))


def test_erasing_ahead_of_an_augmentation_of_pixels_is_refused():
    with pytest.raises(UserError, match="list it last"):
        Augmentation((RandomErasing(name="random_erasing"), Flip(name="flip")), 0, CPU)
