import pytest
import torch
from torch import nn

from vreid.models.layers.non_local import NonLocal

SIZES = [(2, 6, 4, 4), (3, 6, 2, 5)]


def opened(block):
    nn.init.normal_(block.norm.weight)
    return block


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("shape", SIZES)
def test_forward_is_the_equations_computed_place_by_place(shape):
    torch.manual_seed(0)
    block = opened(NonLocal(6, reduction=2)).eval()
    nn.init.normal_(block.norm.running_mean)
    features = torch.randn(shape)
    expected = torch.stack([_slowly(block, image) for image in features])
    assert torch.allclose(block(features), expected)


def _slowly(block, image):
    def embedded(layer, x):
        return layer.weight[:, :, 0, 0] @ x + layer.bias

    places = image.flatten(1).unbind(1)
    norm, result = block.norm, []
    for x_i in places:
        scores = [(embedded(block.theta, x_i) @ embedded(block.phi, x_j)).exp() for x_j in places]
        y_i = sum(s / sum(scores) * embedded(block.g, x_j) for s, x_j in zip(scores, places, strict=True))
        w_i = embedded(block.out, y_i)
        normed = (w_i - norm.running_mean) / (norm.running_var + norm.eps).sqrt() * norm.weight + norm.bias
        result.append(normed + x_i)
    return torch.stack(result, 1).view_as(image)


@pytest.mark.parametrize("shape", SIZES)
def test_an_untrained_block_is_the_identity(shape):
    features = torch.randn(shape)
    assert torch.equal(NonLocal(6, 2)(features), features)


def test_parameters_are_four_convolutions_and_the_normalisation():
    # Without its biases and its normalisation the same as counted for g-re-id's block: 2,097,152.
    block = NonLocal(1024, 2)
    weights = sum(
        p.numel() for name, p in block.named_parameters() if name.endswith("weight") and p.ndim == 4
    )
    assert weights == 2_097_152
    assert sum(p.numel() for p in block.parameters()) == 2_097_152 + 3 * 512 + 1024 + 2 * 1024


@pytest.mark.parametrize("shape", SIZES)
def test_gradients_reach_the_input_and_every_parameter(shape):
    torch.manual_seed(0)
    block = opened(NonLocal(6, 2))
    features = torch.randn(shape, requires_grad=True)
    (block(features) ** 3).sum().backward()
    assert features.grad.abs().sum() > 0
    # phi's bias shifts all scores of a place alike, and a bias before a normalisation shifts nothing.
    for name in (
        "theta.weight",
        "phi.weight",
        "g.weight",
        "out.weight",
        "norm.weight",
        "norm.bias",
        "theta.bias",
    ):
        assert block.get_parameter(name).grad.abs().sum() > 0, name


def test_one_channel_is_left_at_least():
    assert NonLocal(1, 2)(torch.randn(2, 1, 3, 3)).shape == (2, 1, 3, 3)
