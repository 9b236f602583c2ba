import numpy as np
import pytest
import torch

from vreid.datasets.packed import PackedImages
from vreid.params.errors import UserError
from vreid.params.run import Input
from vreid.training.data import TrainingImages, check_size, read_batches

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
DEVICES = ["cpu", pytest.param("cuda", marks=needs_cuda)]
PLAN = np.array([[0, 5, 53, 7], [20, 20, 1, 30]])


def test_identities_are_numbered_by_ascending_pid(pack):
    opened = PackedImages.open(pack)
    images = TrainingImages(opened, torch.device("cpu"))
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
    images = TrainingImages(opened, torch.device(device))
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
    images = np.asarray(PackedImages.open(pack).images)
    lines = [np.array([n % 50, (3 * n) % 50]) for n in range(40)]
    got = [batch.cpu() for batch in read_batches(images, iter(lines), torch.device(device))]
    assert len(got) == 40
    for batch, line in zip(got, lines, strict=True):
        np.testing.assert_array_equal(batch, images[line])


def test_a_pack_of_another_size_is_a_sentence(pack):
    check_size(PackedImages.open(pack), Input(height=32, width=32))
    with pytest.raises(UserError, match=r"32 x 32 pixels .* 32 x 64"):
        check_size(PackedImages.open(pack), Input(height=32, width=64))


def test_a_pack_without_training_images_is_a_sentence(other_pack):
    with pytest.raises(UserError, match="no training images"):
        TrainingImages(PackedImages.open(other_pack(identities=0)), torch.device("cpu"))
