import math

import pytest
import torch

from vreid.models.layers.soft_pooling import SoftPool2d


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (1, 2, 5, 7)])
@pytest.mark.parametrize("window", [1, 2, 3])
def test_forward_is_equation_4_computed_window_by_window(shape, window):
    torch.manual_seed(0)
    features = torch.randn(shape)
    height, width = shape[2] // window, shape[3] // window
    expected = torch.empty(*shape[:2], height, width)
    for image, channel, row, column in torch.cartesian_prod(
        *(torch.arange(n) for n in expected.shape)
    ).tolist():
        rows = slice(row * window, (row + 1) * window)
        region = features[image, channel, rows, column * window : (column + 1) * window].flatten().tolist()
        weights = [math.exp(x) for x in region]
        pooled = sum(w * x for w, x in zip(weights, region, strict=True)) / sum(weights)
        expected[image, channel, row, column] = pooled
    assert torch.allclose(SoftPool2d(window)(features), expected)


def test_a_window_of_one_is_the_identity():
    torch.manual_seed(0)
    features = torch.randn(2, 3, 4, 5)
    assert torch.equal(SoftPool2d(1)(features), features)


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (1, 2, 4, 6)])
def test_lies_between_mean_and_maximum(shape):
    torch.manual_seed(0)
    features = torch.randn(shape)
    pooled = SoftPool2d(2)(features)
    assert (pooled >= torch.nn.functional.avg_pool2d(features, 2)).all()
    assert (pooled <= torch.nn.functional.max_pool2d(features, 2)).all()


def test_large_values_do_not_overflow():
    features = torch.tensor([[[[1000.0, 0.0], [0.0, -1000.0]]]])
    assert SoftPool2d(2)(features).item() == 1000.0


def test_gradient_is_that_of_finite_differences():
    torch.manual_seed(0)
    features = torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(SoftPool2d(2), (features,))
