import numpy as np
import pytest
import torch

from vreid.models.normalisation import MEAN, STD
from vreid.params.errors import UserError
from vreid.params.recipe import AugMix, ColorJitter, Flip, PadCrop, RandomErasing, RandomResizedCrop
from vreid.params.run import Input, Size
from vreid.training.augment import Augmentation, Centre
from vreid.training.share import Share

CPU = torch.device("cpu")
ALL = (
    RandomResizedCrop(name="random_resized_crop"),
    Flip(name="flip"),
    PadCrop(name="pad_crop", padding=0.1),
    ColorJitter(name="color_jitter", brightness=0.2, contrast=0.2, saturation=0.2, hue=0.1),
    AugMix(name="augmix"),
    RandomErasing(name="random_erasing"),
)


def pixels(batch=16, height=20, width=24, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(1, 256, (batch, height, width, 3), dtype=np.uint8))


@pytest.mark.usefixtures("float64")
def test_without_augmentations_images_are_normalised_as_imagenet_weights_expect():
    images = pixels()
    expected = (images.numpy() / 255.0 - np.array(MEAN)) / np.array(STD)
    for got in (Augmentation((), 0, CPU)(images, 0, 0), Centre(Input(height=20, width=24), CPU)(images)):
        assert got.shape == (16, 3, 20, 24)
        np.testing.assert_allclose(got.permute(0, 2, 3, 1), expected, atol=1e-12)


def test_an_image_depends_on_seed_epoch_and_step_alone():
    images = pixels()
    augmentation = Augmentation(ALL, 4, CPU)
    first = augmentation(images, 2, 3).clone()
    augmentation(images, 2, 4)
    torch.rand(5)
    assert torch.equal(augmentation(images, 2, 3), first)
    assert torch.equal(Augmentation(ALL, 4, CPU)(images, 2, 3), first)
    for seed, epoch, step in ((4, 2, 4), (4, 3, 3), (5, 2, 3)):
        assert not torch.equal(Augmentation(ALL, seed, CPU)(images, epoch, step), first)
    assert torch.equal(images, pixels())  # what was given is untouched


def test_images_of_a_batch_are_augmented_each_in_its_own_way():
    same = pixels(batch=1).expand(16, 20, 24, 3)
    assert len(torch.unique(Augmentation(ALL, 0, CPU)(same, 0, 0), dim=0)) > 12


def test_the_result_can_be_had_in_either_memory_format():
    images = pixels()
    result = Augmentation(ALL, 4, CPU, torch.channels_last)(images, 2, 3)
    assert result.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(result, Augmentation(ALL, 4, CPU)(images, 2, 3))


def test_erasing_ahead_of_an_augmentation_of_pixels_is_refused():
    with pytest.raises(UserError, match="list it last"):
        Augmentation((RandomErasing(name="random_erasing"), Flip(name="flip")), 0, CPU)


def test_larger_images_are_cut_to_the_input():
    size = Input(height=12, width=18, stored=Size(height=20, width=24))
    assert Augmentation(ALL, 0, CPU, size=size)(pixels(), 0, 0).shape == (16, 3, 12, 18)
    centre = Centre(size, CPU)(pixels())
    expected = Centre(Input(height=20, width=24), CPU)(pixels())[:, :, 4:16, 3:21]
    assert torch.equal(centre, expected)


def test_larger_images_that_nothing_crops_are_refused():
    size = Input(height=12, width=18, stored=Size(height=20, width=24))
    with pytest.raises(UserError, match="augment lists no random_resized_crop"):
        Augmentation((Flip(name="flip"),), 0, CPU, size=size)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_spectra_are_augmented_alike_and_laid_out_for_a_network_each(layout):
    one = pixels()
    images = torch.stack([one, one, one], dim=1)
    augmentation = Augmentation(ALL[:-1], 4, CPU, layout)
    result = augmentation(images, 2, 3)
    assert result.shape == (16, 3, 3, 20, 24)
    assert torch.equal(result[:, 0], result[:, 1])
    assert torch.equal(result[:, 0], result[:, 2])
    assert torch.equal(result[:, 0], Augmentation(ALL[:-1], 4, CPU)(one, 2, 3))
    assert layout == torch.contiguous_format or result[:, 1].is_contiguous(memory_format=layout)
    assert torch.equal(images[:, 1], one)  # what was given is untouched


def test_one_spectrum_keeps_its_axis_and_its_source():
    images = pixels()[:, None]
    result = Augmentation(ALL, 4, CPU)(images, 0, 0)
    assert result.shape == (16, 1, 3, 20, 24)
    assert torch.equal(images[:, 0], pixels())


@pytest.mark.parametrize("count", [2, 8])
def test_several_processes_augment_as_one_does(count):
    whole = Augmentation(ALL, 4, CPU)(pixels(), 2, 3)
    parts = [
        Augmentation(ALL, 4, CPU, share=Share(number, count))(part, 2, 3)
        for number, part in enumerate(pixels().chunk(count))
    ]
    assert torch.equal(torch.cat(parts), whole)
