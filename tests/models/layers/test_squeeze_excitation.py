import math

import pytest
import torch
from torchvision.ops import SqueezeExcitation as TorchvisionBlock

from vreid.models.layers.squeeze_excitation import SqueezeExcitation

SIZES = [(2, 32, 5, 7), (3, 48, 1, 4)]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("shape", SIZES)
def test_forward_is_the_equation_computed_number_by_number(shape):
    torch.manual_seed(0)
    block = SqueezeExcitation(shape[1], reduction=16)
    images = torch.randn(shape)
    expected = torch.stack([_slowly(block, image) for image in images])
    assert torch.allclose(block(images), expected)


def _slowly(block, image):
    channels, height, width = image.shape
    numbers = image.tolist()
    z = [sum(sum(line) for line in channel) / (height * width) for channel in numbers]
    reduce, expand = block.reduce, block.expand
    hidden = [
        max(0.0, bias + sum(w * value for w, value in zip(line, z, strict=True)))
        for line, bias in zip(reduce.weight.tolist(), reduce.bias.tolist(), strict=True)
    ]
    raw = [
        bias + sum(w * value for w, value in zip(line, hidden, strict=True))
        for line, bias in zip(expand.weight.tolist(), expand.bias.tolist(), strict=True)
    ]
    scale = [1 / (1 + math.exp(-value)) for value in raw]
    return torch.tensor([[[scale[c] * x for x in line] for line in numbers[c]] for c in range(channels)])


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("shape", SIZES)
def test_equals_torchvisions_block_of_1x1_convolutions(shape):
    torch.manual_seed(0)
    channels = shape[1]
    block, other = SqueezeExcitation(channels, 16), TorchvisionBlock(channels, channels // 16)
    with torch.no_grad():
        other.fc1.weight.copy_(block.reduce.weight[:, :, None, None])
        other.fc1.bias.copy_(block.reduce.bias)
        other.fc2.weight.copy_(block.expand.weight[:, :, None, None])
        other.fc2.bias.copy_(block.expand.bias)
    images = torch.randn(shape)
    assert torch.allclose(block(images), other(images))


@pytest.mark.parametrize("shape", SIZES)
def test_gradients_reach_the_input_and_every_parameter(shape):
    torch.manual_seed(0)
    block = SqueezeExcitation(shape[1], reduction=4)
    images = torch.randn(shape, requires_grad=True)
    block(images).square().sum().backward()
    assert images.grad.abs().gt(0).all()
    for name, parameter in block.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


def test_gradient_is_that_of_finite_differences():
    torch.manual_seed(0)
    block = SqueezeExcitation(6, reduction=2).double()
    images = torch.randn(2, 6, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(block, (images,))


@pytest.mark.parametrize(("channels", "reduction", "hidden"), [(1024, 16, 64), (24, 16, 1), (8, 16, 1)])
def test_parameters_are_two_matrices_and_two_biases(channels, reduction, hidden):
    block = SqueezeExcitation(channels, reduction)
    count = sum(parameter.numel() for parameter in block.parameters())
    assert count == 2 * channels * hidden + hidden + channels


@pytest.mark.usefixtures("float64")
def test_every_weight_lies_between_0_and_1():
    torch.manual_seed(0)
    images = torch.rand(2, 32, 3, 3) + 0.1
    ratio = SqueezeExcitation(32, 16)(images) / images
    assert ratio.gt(0).all() and ratio.lt(1).all()
    assert torch.allclose(ratio, ratio[:, :, :1, :1].expand_as(ratio))


def test_channels_last_stays_channels_last():
    images = torch.randn(2, 32, 4, 4).to(memory_format=torch.channels_last)
    assert SqueezeExcitation(32, 16)(images).is_contiguous(memory_format=torch.channels_last)
