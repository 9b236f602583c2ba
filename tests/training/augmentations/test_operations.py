import math

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as reference

from vreid.training.augmentations import operations


def pixels(batch=5, height=30, width=37):
    """Smooth pictures with a little noise, darker from one to the next, the last of one colour."""
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.uniform(0, 255, (batch, 3, 4, 4))).float()
    images = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")
    images = images / torch.arange(1, batch + 1)[:, None, None, None] + torch.rand_like(images) * 3
    images[-1] = 77
    return images.clamp(0, 255).byte()


def differences(got, expected):
    return (got.int() - torch.stack(list(expected)).int()).abs()


def test_autocontrast():
    images = pixels()
    different = differences(operations.autocontrast(images), map(reference.autocontrast, images))
    assert different.max() <= 1  # torchvision cuts off what float32 makes of a whole number
    assert (different > 0).float().mean() < 0.05


def test_equalize():
    images = pixels(height=60)
    assert differences(operations.equalize(images), map(reference.equalize, images)).max() == 0


def test_equalize_of_a_small_image_changes_nothing():
    images = pixels(height=15, width=16)  # fewer than 255 pixels
    assert torch.equal(operations.equalize(images), images)
    assert torch.equal(reference.equalize(images), images)


def test_posterize():
    images, bits = pixels(), (1, 2, 3, 4, 8)
    expected = (reference.posterize(image, n) for image, n in zip(images, bits, strict=True))
    assert differences(operations.posterize(images, np.array(bits, float)), expected).max() == 0


def test_solarize():
    images, thresholds = pixels(), (1, 77, 128, 200, 255)
    expected = (reference.solarize(image, t) for image, t in zip(images, thresholds, strict=True))
    assert differences(operations.solarize(images, np.array(thresholds, float)), expected).max() == 0
    assert torch.equal(operations.solarize(images, np.full(5, 256.0)), images)


@pytest.mark.parametrize(("height", "width"), [(30, 37), (37, 30)])
def test_rotate(height, width):
    images, degrees = pixels(height=height, width=width), (-29.0, -3.0, 0.0, 15.0, 30.0)
    expected = (
        reference.rotate(image, angle, InterpolationMode.BILINEAR)
        for image, angle in zip(images, degrees, strict=True)
    )
    assert differences(operations.rotate(images, np.array(degrees)), expected).max() <= 1


@pytest.mark.parametrize("axis", [0, 1])
def test_shear(axis):
    images, slopes = pixels(), (-0.3, -0.11, 0.0, 0.2, 0.3)
    expected = []
    for image, slope in zip(images, slopes, strict=True):
        angles = [0.0, 0.0]
        angles[axis] = math.degrees(math.atan(slope))
        expected.append(
            reference.affine(image, 0.0, [0, 0], 1.0, angles, InterpolationMode.BILINEAR, center=[0.0, 0.0])
        )
    shear = operations.shear_x if axis == 0 else operations.shear_y
    assert differences(shear(images, np.array(slopes)), expected).max() <= 1


@pytest.mark.parametrize("axis", [0, 1])
def test_translate(axis):
    images, distances = pixels(), (-12, -1, 0, 3, 12)
    expected = []
    for image, distance in zip(images, distances, strict=True):
        shift = [0, 0]
        shift[axis] = -distance
        expected.append(reference.affine(image, 0.0, shift, 1.0, [0.0, 0.0]))
    translate = operations.translate_x if axis == 0 else operations.translate_y
    assert differences(translate(images, np.array(distances, float)), expected).max() == 0
