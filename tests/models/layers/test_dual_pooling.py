import pytest
import torch
from torch import nn
from torch.nn import functional

from vreid.models.layers.dual_pooling import (
    ChannelPoolingAttention,
    DualPoolingAttention,
    SpatialPoolingAttention,
)
from vreid.params.errors import UserError
from vreid.params.models.dpa import DualPooling

RELEASED = DualPooling()
SIZES = [(8, 8), (16, 8), (32, 32)]


def relu_map(size, channels=32, batch=3):
    torch.manual_seed(1)
    return torch.randn(batch, channels, *size).relu()


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_published_parameter_counts():
    # Of the released modules at C = 1024 and 16 x 16, the only size that its SpA takes.
    assert count(ChannelPoolingAttention(1024, RELEASED)) == 1_338_498
    assert count(SpatialPoolingAttention(1024, (16, 16), RELEASED)) == 1_863_810
    assert count(DualPoolingAttention("dpa", 1024, (16, 16), RELEASED)) == 3_202_308


def obr_twice(module, features):
    first, norm1, _, second, norm2, _ = module.obr
    return functional.relu(norm2(second(functional.relu(norm1(first(features))))))


def p_mean(values, p, dim):
    return (values**p).mean(dim, keepdim=True) ** (1 / p)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("p", [1.0, 3.0])
def test_cpa_is_equations_5_to_8(size, p):
    torch.manual_seed(0)
    attention = ChannelPoolingAttention(32, DualPooling(gem_p=p))
    x = relu_map(size)
    flat = x.flatten(2)
    average = flat.mean(2)
    soft = torch.exp(x) * x / torch.exp(x)  # Eq. 4, every region one number
    a1 = average[:, :, None, None] + soft
    a2 = p_mean(flat.clamp_min(1e-6), p, 2) - -(-flat).max(2, keepdim=True).values  # Eq. 2
    expected = torch.sigmoid(obr_twice(attention, a1 * a2[..., None]) + x)
    assert torch.allclose(attention(x), expected)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("p", [1.0, 3.0])
def test_spa_is_equations_9_to_12(size, p):
    torch.manual_seed(0)
    attention = SpatialPoolingAttention(32, size, DualPooling(gem_p=p))
    x = relu_map(size)
    rows = x.flatten(2).transpose(1, 2)  # (B, HW, C)
    merge, expand = attention.merge.weight[0, :, 0, 0], attention.expand.weight[:, :, 0, 0]
    b1 = (rows.mean(2, keepdim=True) + rows) @ merge
    b2 = (p_mean(rows.clamp_min(1e-6), p, 2) - -(-rows).max(2, keepdim=True).values).squeeze(2)
    s = torch.cat([b1, b2], dim=1) @ expand.T
    expected = torch.sigmoid(obr_twice(attention, s[:, :, None, None]) + x)
    assert torch.allclose(attention(x), expected)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("config", [RELEASED, DualPooling(gem_p=3.0, gem_learnable=True, kernels=4)])
def test_maps_lie_between_a_half_and_one(size, config):
    torch.manual_seed(0)
    x = relu_map(size)
    for attention in (ChannelPoolingAttention(32, config), SpatialPoolingAttention(32, size, config)):
        weights = attention(x)
        assert weights.shape == x.shape
        assert weights.min() >= 0.5 and weights.max() < 1


@pytest.mark.usefixtures("float64")
def test_halves_alone_and_together_multiply_the_features():
    torch.manual_seed(0)
    dual = DualPoolingAttention("dpa", 32, (8, 8), RELEASED)
    x = relu_map((8, 8))
    expected = dual.spatial(x) * dual.channel(x) * x
    assert torch.allclose(dual(x), expected)
    for kind, name in (("cpa", "channel"), ("spa", "spatial")):
        half = DualPoolingAttention(kind, 32, (8, 8), RELEASED)
        assert [child for child, _ in half.named_children()] == [name]
        assert torch.allclose(half(x), half.get_submodule(name)(x) * x)


@pytest.mark.usefixtures("float64")
def test_concatenation_is_brought_back_to_the_channels():
    torch.manual_seed(0)
    dual = DualPoolingAttention("dpa", 32, (8, 8), DualPooling(fusion="concatenate"))
    x = relu_map((8, 8))
    both = torch.cat([dual.spatial(x) * x, dual.channel(x) * x], dim=1)
    conv, norm, _ = dual.fuse
    mixed = torch.einsum("oi,bihw->bohw", conv.weight[:, :, 0, 0], both)
    mean, variance = mixed.mean((0, 2, 3), keepdim=True), mixed.var((0, 2, 3), unbiased=False, keepdim=True)
    expected = ((mixed - mean) / (variance + norm.eps).sqrt()).clamp_min(0)
    assert torch.allclose(dual(x), expected)


@pytest.mark.parametrize("kind", ["cpa", "spa", "dpa"])
@pytest.mark.parametrize("size", SIZES[:2])
@pytest.mark.parametrize(
    "config",
    [RELEASED, DualPooling(gem_p=3.0, gem_learnable=True, kernels=2, fusion="concatenate")],
)
def test_gradients_reach_every_parameter(kind, size, config):
    torch.manual_seed(0)
    attention = DualPoolingAttention(kind, 32, size, config)
    x = relu_map(size, batch=6).requires_grad_()
    (attention(x) * torch.randn_like(x)).sum().backward()
    assert x.grad.isfinite().all() and x.grad.abs().sum() > 0
    for name, parameter in attention.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_few_channels_leave_one_hidden_channel():
    x = relu_map((4, 4), channels=8)
    dual = DualPoolingAttention("dpa", 8, (4, 4), RELEASED)
    assert dual(x).shape == x.shape
    assert isinstance(dual.channel.obr[1], nn.BatchNorm2d) and dual.channel.obr[1].num_features == 1


def test_another_size_is_refused_in_words():
    attention = SpatialPoolingAttention(32, (16, 16), RELEASED)
    with pytest.raises(UserError, match=r"16 x 16 .* 8 x 16: set model\.input_size"):
        attention(relu_map((8, 16)))
