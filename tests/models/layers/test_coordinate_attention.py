import pytest
import torch
from torch import nn

from vreid.models.layers.coordinate_attention import CoordinateAttention

SIZES = [(2, 6, 4, 4), (3, 6, 2, 5)]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("shape", SIZES)
def test_forward_is_the_equations_computed_number_by_number(shape):
    torch.manual_seed(0)
    block = CoordinateAttention(6, reduction=32).eval()
    nn.init.normal_(block.norm.running_mean)
    features = torch.randn(shape)
    expected = torch.stack([_slowly(block, image) for image in features])
    assert torch.allclose(block(features), expected)


def _slowly(block, image):
    def linear(layer, x):
        return layer.weight[:, :, 0, 0] @ x + layer.bias

    def hidden(x):
        norm = block.norm
        raw = (linear(block.reduce, x) - norm.running_mean) / (norm.running_var + norm.eps).sqrt()
        return torch.tensor([v * min(max(v + 3, 0), 6) / 6 for v in raw.tolist()])

    def sigmoid(x):
        return 1 / (1 + torch.exp(-x))

    _, height, width = image.shape
    rows = [sigmoid(linear(block.by_row, hidden(image[:, i].sum(1) / width))) for i in range(height)]
    columns = [sigmoid(linear(block.by_column, hidden(image[:, :, j].sum(1) / height))) for j in range(width)]
    result = torch.empty_like(image)
    for i in range(height):
        for j in range(width):
            result[:, i, j] = image[:, i, j] * rows[i] * columns[j]
    return result


@pytest.mark.parametrize(("reduction", "count"), [(32, 100_448), (16, 198_848)])
def test_published_parameter_counts(reduction, count):
    # Of the authors' released module at C = 1024.
    block = CoordinateAttention(1024, reduction)
    assert sum(parameter.numel() for parameter in block.parameters()) == count


@pytest.mark.parametrize("shape", SIZES)
def test_gradients_reach_the_input_and_every_parameter(shape):
    torch.manual_seed(0)
    block = CoordinateAttention(6, 32)
    features = torch.randn(shape, requires_grad=True)
    block(features).square().sum().backward()
    assert features.grad.abs().gt(0).all()
    for name, parameter in block.named_parameters():
        if name != "reduce.bias":  # a bias before a normalisation shifts nothing
            assert parameter.grad.abs().sum() > 0, name


def test_every_weight_lies_between_0_and_1():
    torch.manual_seed(0)
    features = torch.rand(2, 6, 4, 3) + 0.1
    ratio = CoordinateAttention(6, 32)(features) / features
    assert ratio.gt(0).all() and ratio.lt(1).all()
