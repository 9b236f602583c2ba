import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from vreid.models.layers.omni_dimensional import OmniDimensionalConv2d

SIZES = [(3, 6, 8, 8), (2, 6, 5, 3), (2, 6, 1, 1)]


def with_unit_attentions(conv):
    """Make the sigmoids 1 and the softmax 1 for the first kernel."""
    with torch.no_grad():
        for layer in (conv.channel, conv.filter, conv.spatial, conv.kernel):
            if layer is not None:
                layer.weight.zero_()
                layer.bias.fill_(100.0)
        if conv.kernel is not None:
            conv.kernel.bias[1:] = -100.0
    return conv


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("kernels", [1, 3])
def test_unit_attentions_leave_an_ordinary_convolution(shape, kernels):
    torch.manual_seed(0)
    conv = with_unit_attentions(OmniDimensionalConv2d(6, 4, 3, kernels))
    plain = nn.Conv2d(6, 4, 3, padding=1, bias=False)
    plain.weight.data.copy_(conv.weight[:4])
    features = torch.randn(shape)
    assert torch.allclose(conv(features), plain(features))


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("kernels", [1, 3])
@pytest.mark.parametrize("side", [1, 3])
def test_forward_is_the_equation_computed_image_by_image(shape, kernels, side):
    torch.manual_seed(0)
    conv = OmniDimensionalConv2d(6, 4, side, kernels).eval()
    nn.init.normal_(conv.norm.running_mean)
    features = torch.randn(shape)
    expected = torch.cat([_slowly(conv, image) for image in features])
    assert torch.allclose(conv(features), expected)


def _slowly(conv, image):
    means = image.flatten(1).mean(1)
    norm = conv.norm
    scaled = (conv.reduce.weight @ means - norm.running_mean) / (norm.running_var + norm.eps).sqrt()
    hidden = (scaled * norm.weight + norm.bias).clamp_min(0)

    def raw(layer):
        return layer.weight @ hidden + layer.bias

    def gate(layer):
        return 1 / (1 + torch.exp(-raw(layer)))

    powers = [math.exp(score) for score in raw(conv.kernel).tolist()] if conv.kernel is not None else [1.0]
    side = conv.kernel_size
    kernel = torch.zeros(4, 6, side, side)
    for number, power in enumerate(powers):
        kernel += power / sum(powers) * conv.weight[4 * number : 4 * number + 4]
    if conv.spatial is not None:
        kernel = kernel * gate(conv.spatial).view(side, side)
    kernel = torch.einsum("oihw,o,i->oihw", kernel, gate(conv.filter), gate(conv.channel))
    return functional.conv2d(image[None], kernel, padding=side // 2)


@pytest.mark.parametrize(
    ("channels", "filters", "kernels", "count"),
    # Counts of the authors' released module (ODConv; the first two) and of the layers that follow from it.
    [(1024, 64, 4, 2_496_525), (1024, 64, 1, 726_793), (64, 1024, 1, 609_529)],
)
def test_published_parameter_counts(channels, filters, kernels, count):
    conv = OmniDimensionalConv2d(channels, filters, 3, kernels)
    assert sum(parameter.numel() for parameter in conv.parameters()) == count


@pytest.mark.parametrize("shape", SIZES[:2])
@pytest.mark.parametrize("kernels", [1, 2])
def test_gradients_reach_the_input_and_every_parameter(shape, kernels):
    torch.manual_seed(0)
    conv = OmniDimensionalConv2d(6, 4, 3, kernels)
    features = torch.randn(shape, requires_grad=True)
    conv(features).square().sum().backward()
    assert features.grad.isfinite().all() and features.grad.abs().sum() > 0
    for name, parameter in conv.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


def test_gradient_is_that_of_finite_differences():
    torch.manual_seed(0)
    conv = OmniDimensionalConv2d(3, 2, 3, 2).double().eval()
    features = torch.randn(2, 3, 3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(conv, (features,))


def test_kernels_start_as_those_of_a_resnet():
    torch.manual_seed(0)
    weight = OmniDimensionalConv2d(40, 50, 3, 2).weight
    # Normal with variance 2 / (9 x 50); of 36,000 draws, 2 % is over five deviations of what is measured.
    assert weight.std().item() == pytest.approx((2 / 450) ** 0.5, rel=0.02)


@pytest.mark.usefixtures("float64")
def test_channels_last_changes_rounding_only():
    torch.manual_seed(0)
    conv = OmniDimensionalConv2d(6, 4, 3, 2).eval()
    features = torch.randn(2, 6, 4, 4)
    expected = conv(features)
    conv.to(memory_format=torch.channels_last)
    assert torch.allclose(conv(features.to(memory_format=torch.channels_last)), expected)
