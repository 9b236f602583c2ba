import math

import pytest
import torch

from vreid.models.layers.gca import GlobalChannelAttention


def by_hand(images, threshold):
    """Algorithm 2, one channel of one image after the other."""
    rows = []
    for image in images.tolist():
        row = []
        for channel in image:
            values = [value for line in channel for value in line]
            alpha = 1 / (1 + math.exp(-(sum(values) / len(values) + max(values))))
            row.append(1.0 if alpha > threshold else alpha)
        rows.append(row)
    return torch.tensor(rows)[:, :, None, None]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("shape", [(4, 3, 8, 8), (3, 3, 5, 11)])
@pytest.mark.parametrize("threshold", [0.6, 0.7, 0.8, 0.9])
def test_alpha_is_that_of_algorithm_2(shape, threshold):
    images = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    images *= torch.linspace(0, 1, shape[0])[:, None, None, None]
    alpha = GlobalChannelAttention(threshold)(images)
    assert alpha.shape == (shape[0], 3, 1, 1)
    assert torch.allclose(alpha, by_hand(images, threshold))


@pytest.mark.usefixtures("float64")
def test_alpha_lies_between_a_half_and_sigmoid_of_two():
    extremes = torch.stack([torch.zeros(3, 4, 4), torch.ones(3, 4, 4)])
    alpha = GlobalChannelAttention(0.9)(extremes).flatten(1)
    assert torch.equal(alpha[0], torch.full((3,), 0.5))
    assert torch.allclose(alpha[1], torch.full((3,), 0.8807971))


@pytest.mark.parametrize(("threshold", "cut"), [(0.6, 0.405), (0.7, 0.847), (0.8, 1.386)])
def test_cut_offs_are_the_logits_of_the_thresholds(threshold, cut):
    # Grey images: mean + maximum is twice the level. ln(t / (1 - t)) is where alpha reaches t.
    assert math.log(threshold / (1 - threshold)) == pytest.approx(cut, abs=1e-3)
    levels = torch.tensor([cut - 0.002, cut + 0.002]) / 2
    below, above = GlobalChannelAttention(threshold)(levels[:, None, None, None].expand(2, 3, 4, 4))
    assert (below < threshold).all()
    assert torch.equal(above, torch.ones(3, 1, 1))


def test_a_threshold_of_0_9_is_never_reached():
    assert math.log(0.9 / 0.1) > 2
    assert (GlobalChannelAttention(0.9)(torch.ones(1, 3, 4, 4)) < 0.9).all()


def test_channels_are_judged_one_by_one():
    image = torch.zeros(1, 3, 4, 4)
    image[:, 1] = 1
    alpha = GlobalChannelAttention(0.8)(image).flatten()
    assert alpha.tolist() == [0.5, 1.0, 0.5]


def test_pytorch_s_own_threshold_does_the_opposite():
    # The paper names that function; it keeps what is above and replaces what is below.
    alpha = torch.tensor([0.6, 0.85])
    assert torch.equal(torch.nn.functional.threshold(alpha, 0.8, 1.0), torch.tensor([1.0, 0.85]))
    assert torch.equal(torch.where(alpha > 0.8, 1.0, alpha), torch.tensor([0.6, 1.0]))
