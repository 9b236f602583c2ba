import numpy as np
import pytest
import torch

from vreid.datasets.packed import PackedImages
from vreid.params.errors import UserError
from vreid.params.run import Input, Size
from vreid.training.data import PackView, TrainingImages, check_size, read_batches
from vreid.training.share import Share

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
DEVICES = ["cpu", pytest.param("cuda", marks=needs_cuda)]
SIZE = Input(height=32, width=32)
PLAN = np.array([[0, 5, 53, 7], [20, 20, 1, 30]])


def test_identities_are_numbered_by_ascending_pid(pack):
    opened = PackedImages.open(pack)
    images = TrainingImages(opened, SIZE, torch.device("cpu"))
    pids = opened.pids[opened.splits == 0]
    assert images.classes == 9
    assert images.labels.dtype == np.int64
    for label, pid in zip(images.labels, pids, strict=True):
        assert label == sorted(set(pids.tolist())).index(pid)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("share", [0.0, 0.5])  # of the device's memory that may be taken: streamed, resident
def test_batches_are_the_images_and_labels_of_the_plan(pack, device, share, monkeypatch):
    monkeypatch.setattr("vreid.training.data._RESIDENT_SHARE", share)
    opened = PackedImages.open(pack)
    images = TrainingImages(opened, SIZE, torch.device(device))
    rows = opened.rows("train")
    got = list(images.batches(PLAN))
    assert len(got) == 2
    for line, (batch, labels) in zip(PLAN, got, strict=True):
        assert batch.dtype == torch.uint8
        assert batch.device.type == labels.device.type == device
        np.testing.assert_array_equal(batch.cpu(), opened.images[rows[line]])
        np.testing.assert_array_equal(labels.cpu(), images.labels[line])


@pytest.mark.parametrize("device", DEVICES)
def test_many_batches_stay_in_order(pack, device):
    opened = PackedImages.open(pack)
    images = np.asarray(opened.images)
    lines = [np.array([n % 50, (3 * n) % 50]) for n in range(40)]
    got = [batch.cpu() for batch in read_batches(PackView(opened, SIZE), iter(lines), torch.device(device))]
    assert len(got) == 40
    for batch, line in zip(got, lines, strict=True):
        np.testing.assert_array_equal(batch, images[line])


def test_a_pack_of_another_size_is_a_sentence(pack):
    check_size(PackedImages.open(pack), Input(height=32, width=32))
    with pytest.raises(UserError, match=r"32 x 32 pixels .* 32 x 64"):
        check_size(PackedImages.open(pack), Input(height=32, width=64))


def test_a_pack_without_training_images_is_a_sentence(other_pack):
    with pytest.raises(UserError, match="no training images"):
        TrainingImages(PackedImages.open(other_pack(identities=0)), SIZE, torch.device("cpu"))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_spectra_come_side_by_side_in_the_order_of_the_input(spectral_pack, device, share, monkeypatch):
    monkeypatch.setattr("vreid.training.data._RESIDENT_SHARE", share)
    opened = PackedImages.open(spectral_pack)
    size = Input(height=32, width=32, spectra=("tir", "rgb"))
    got = list(TrainingImages(opened, size, torch.device(device)).batches(PLAN))
    rows = opened.rows("train")
    for line, (batch, _) in zip(PLAN, got, strict=True):
        assert batch.shape == (4, 2, 32, 32, 3)
        np.testing.assert_array_equal(batch[:, 0].cpu(), opened.spectra["tir"][rows[line]])
        np.testing.assert_array_equal(batch[:, 1].cpu(), opened.spectra["rgb"][rows[line]])


def test_one_spectrum_may_be_named_and_keeps_its_axis(spectral_pack):
    opened = PackedImages.open(spectral_pack)
    view = PackView(opened, Input(height=32, width=32, spectra=("nir",)))
    np.testing.assert_array_equal(view.read(np.array([3, 1]))[:, 0], opened.spectra["nir"][[3, 1]])


def test_a_missing_spectrum_is_a_sentence(pack):
    with pytest.raises(UserError, match="spectrum tir, but the packed images have only rgb"):
        PackView(PackedImages.open(pack), Input(height=32, width=32, spectra=("rgb", "tir")))


def test_images_may_be_stored_larger_than_the_input(other_pack):
    opened = PackedImages.open(other_pack(size=48))
    check_size(opened, Input(height=32, width=40, stored=Size(height=48, width=48)))
    with pytest.raises(UserError, match=r"input\.stored is 64 x 64"):
        check_size(opened, Input(height=32, width=40, stored=Size(height=64, width=64)))
    with pytest.raises(UserError, match="no 64 x 32 of input can be cut"):
        check_size(opened, Input(height=64, width=32, stored=Size(height=48, width=48)))


def test_a_process_reads_its_share_and_knows_all_labels(pack):
    images = TrainingImages(PackedImages.open(pack), SIZE, torch.device("cpu"))
    whole = list(images.batches(PLAN))
    for number in range(2):
        part = list(images.batches(PLAN, Share(number, 2)))
        for (all_images, all_labels), (own, labels) in zip(whole, part, strict=True):
            assert torch.equal(own, all_images[2 * number : 2 * number + 2])
            assert torch.equal(labels, all_labels)
