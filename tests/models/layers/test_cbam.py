import pytest
import torch
from torch import nn

from vreid.models.layers.cbam import Cbam

SIZES = [(2, 16, 8, 8), (3, 16, 5, 3)]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("shape", SIZES)
def test_forward_is_the_equations_computed_image_by_image(shape):
    torch.manual_seed(0)
    block = Cbam(16, reduction=4, kernel=3).eval()
    nn.init.normal_(block.norm.running_mean)
    nn.init.normal_(block.norm.bias)
    features = torch.randn(shape)
    expected = torch.stack([_slowly(block, image) for image in features])
    assert torch.allclose(block(features), expected)


def _slowly(block, image):
    def mlp(vector):
        hidden = (block.reduce.weight @ vector + block.reduce.bias).clamp_min(0)
        return block.expand.weight @ hidden + block.expand.bias

    def sigmoid(x):
        return 1 / (1 + torch.exp(-x))

    flat = image.flatten(1)
    weights = sigmoid(mlp(flat.sum(1) / flat.shape[1]) + mlp(flat.max(1).values))
    image = torch.stack([weight * channel for weight, channel in zip(weights, image, strict=True)])
    height, width = image.shape[1:]
    pooled = torch.zeros(2, height + 2, width + 2)
    pooled[0, 1:-1, 1:-1] = image.max(0).values
    pooled[1, 1:-1, 1:-1] = image.sum(0) / len(image)
    norm = block.norm
    places = torch.empty(height, width)
    for row in range(height):
        for column in range(width):
            raw = (pooled[:, row : row + 3, column : column + 3] * block.conv.weight[0]).sum()
            normed = (raw - norm.running_mean) / (
                norm.running_var + norm.eps
            ).sqrt() * norm.weight + norm.bias
            places[row, column] = sigmoid(normed)
    return image * places


def test_published_parameter_count():
    # Of the authors' released module at C = 1024 and reduction 16.
    assert sum(parameter.numel() for parameter in Cbam(1024, 16).parameters()) == 132_260


@pytest.mark.parametrize(("channels", "shape"), [(3, (2, 3, 9, 7)), (16, SIZES[0])])
def test_gradients_reach_the_input_and_every_parameter(channels, shape):
    torch.manual_seed(0)
    block = Cbam(channels, reduction=16)
    # With one hidden unit, as here, the ReLU may cut all off: not with this weight.
    nn.init.constant_(block.reduce.weight, 0.5)
    features = torch.rand(shape, requires_grad=True)
    block(features).square().sum().backward()
    assert features.grad.isfinite().all()
    for name, parameter in block.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


def test_every_weight_lies_between_0_and_1():
    torch.manual_seed(0)
    features = torch.rand(2, 16, 6, 6) + 0.1
    ratio = Cbam(16, 4)(features) / features
    assert ratio.gt(0).all() and ratio.lt(1).all()
