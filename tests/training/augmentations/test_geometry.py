import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from vreid.params.recipe import RandomResizedCrop
from vreid.params.run import Size
from vreid.training.augmentations import geometry
from vreid.training.augmentations.geometry import (
    centre_crop,
    flip,
    pad_crop,
    random_resized_crop,
    shifted,
)
from vreid.training.share import Share


def pixels(batch=16, height=20, width=24, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(1, 256, (batch, 3, height, width), dtype=np.uint8))


def rng(seed=0):
    return np.random.default_rng(seed)


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
    top, left = rng(5).integers(0, 2 * border + 1, size=(2, 16))
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


def test_shifting_reaches_beyond_the_image():
    images = pixels(batch=3)
    moved = shifted(images, np.array([3, -25, 0]), np.array([-4, 1, 24]))
    assert torch.equal(moved[0, :, :17, 4:], images[0, :, 3:, :20])
    assert not moved[0, :, 17:].any()
    assert not moved[0, :, :, :4].any()
    assert not moved[1:].any()


@pytest.mark.parametrize(("height", "width"), [(20, 24), (19, 24), (20, 17), (13, 13)])
def test_the_centre_is_that_of_torchvision(height, width):
    images = pixels()
    expected = reference.center_crop(images, [height, width])
    assert torch.equal(centre_crop(images, Size(height=height, width=width)), expected)


CROP = RandomResizedCrop(name="random_resized_crop", scale=(0.1, 0.8), ratio=(0.5, 2.0))


@pytest.fixture
def rectangles(monkeypatch):
    """Remember the rectangles that are drawn."""
    drawn = []

    def remember(*arguments):
        drawn.append(original(*arguments))
        return drawn[-1]

    original = geometry._crops
    monkeypatch.setattr(geometry, "_crops", remember)
    return drawn


@pytest.mark.parametrize("size", [(20, 24), (32, 16), (9, 11)])  # as large, partly larger, smaller
def test_a_crop_is_cut_and_resized_as_by_torchvision(size, rectangles):
    images = pixels()
    got = random_resized_crop(images, rng(2), CROP, Size(height=size[0], width=size[1]))
    assert got.shape == (16, 3, *size)
    for image, result, (top, left, height, width) in zip(
        images, got, np.stack(rectangles[0], axis=1).tolist(), strict=True
    ):
        expected = reference.resized_crop(image, top, left, height, width, list(size), antialias=True)
        assert (result.int() - expected.int()).abs().max() <= 1


@pytest.mark.parametrize("size", [(20, 24), (32, 16), (9, 11)])
def test_the_products_of_matrices_resize_alike(size, rectangles):
    images = pixels()
    expected = random_resized_crop(images, rng(2), CROP, Size(height=size[0], width=size[1]))
    top, left, height, width = rectangles[0]
    down = torch.from_numpy(geometry._resizing(top, height, 20, size[0]))
    across = torch.from_numpy(geometry._resizing(left, width, 24, size[1]))
    got = down[:, None] @ images.float() @ across[:, None].transpose(2, 3)
    assert (got.round() - expected.float()).abs().max() <= 1


def test_crops_have_the_areas_and_aspects_that_are_asked_for():
    shape = torch.Size((0, 3, 200, 300))
    top, left, height, width = geometry._crops(rng(), 4000, shape, CROP)
    assert (np.minimum(top, left) >= 0).all()
    assert (top + height <= 200).all()
    assert (left + width <= 300).all()
    assert ((height + 0.5) * (width + 0.5) >= 0.1 * 60000).all()  # sides are rounded to whole pixels
    assert ((height - 0.5) * (width - 0.5) <= 0.8 * 60000).all()
    assert ((width + 0.5) / (height - 0.5) >= 0.5).all()
    assert ((width - 0.5) / (height + 0.5) <= 2.0).all()


def test_small_crops_are_uniform_in_area_and_in_the_logarithm_of_the_aspect():
    small = RandomResizedCrop(name="random_resized_crop", scale=(0.1, 0.3), ratio=(0.5, 2.0))
    _, _, height, width = geometry._crops(rng(), 4000, torch.Size((0, 3, 300, 300)), small)
    area, aspect = height * width / 90000, np.log(width / height)
    assert np.quantile(area, [0.25, 0.5, 0.75]) == pytest.approx([0.15, 0.2, 0.25], abs=0.01)
    limit = np.log(2)
    assert np.quantile(aspect, [0.25, 0.5, 0.75]) == pytest.approx([-limit / 2, 0, limit / 2], abs=0.07)


def test_where_no_crop_fits_the_largest_centred_one_is_taken():
    never = RandomResizedCrop(name="random_resized_crop", scale=(1.0, 1.0), ratio=(0.5, 0.5))
    drawn = geometry._crops(rng(), 3, torch.Size((0, 3, 20, 40)), never)
    assert [side.tolist() for side in drawn] == [[0] * 3, [15] * 3, [20] * 3, [10] * 3]


@pytest.mark.parametrize("count", [2, 4])
def test_each_process_moves_its_images_as_one_alone_would(count):
    images = pixels()
    size = Size(height=15, width=15)
    for change in (
        lambda x, generator, share: flip(x.clone(), generator, 0.5, share),
        lambda x, generator, share: pad_crop(x, generator, 0.2, share),
        lambda x, generator, share: random_resized_crop(x, generator, CROP, size, share),
    ):
        whole = change(images, rng(3), Share())
        parts = [change(part, rng(3), Share(n, count)) for n, part in enumerate(images.chunk(count))]
        assert torch.equal(torch.cat(parts), whole)
