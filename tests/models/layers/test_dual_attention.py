import math

import pytest
import torch

from vreid.models.layers.dual_attention import ChannelAttention, PositionAttention

SIZES = [(4, 4), (2, 7)]


def attended(module, gamma):
    with torch.no_grad():
        module.gamma.fill_(gamma)
    return module


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_position_attention_position_by_position(height, width):
    torch.manual_seed(0)
    module = attended(PositionAttention(16), 0.7)
    features = torch.randn(2, 16, height, width)
    query, key, value = (
        torch.einsum("oc,bchw->bohw", conv.weight[:, :, 0, 0], features) + conv.bias[:, None, None]
        for conv in (module.query, module.key, module.value)
    )
    assert query.shape[1] == 2  # an eighth
    expected = features.clone()
    places = [(y, x) for y in range(height) for x in range(width)]
    for b in range(2):
        for y, x in places:
            energies = [(query[b, :, y, x] @ key[b, :, v, u]).item() for v, u in places]
            total = sum(math.exp(e) for e in energies)
            for energy, (v, u) in zip(energies, places, strict=True):
                expected[b, :, y, x] += 0.7 * math.exp(energy) / total * value[b, :, v, u]
    assert torch.allclose(module(features), expected)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_channel_attention_channel_by_channel(height, width):
    torch.manual_seed(0)
    module = attended(ChannelAttention(), 0.7)
    features = torch.randn(2, 5, height, width)
    expected = features.clone()
    for b in range(2):
        for c in range(5):
            energies = [(features[b, c] * features[b, d]).sum().item() for d in range(5)]
            shares = [math.exp(max(energies) - e) for e in energies]
            for d in range(5):
                expected[b, c] += 0.7 * shares[d] / sum(shares) * features[b, d]
    assert torch.allclose(module(features), expected)


@pytest.mark.parametrize("module", [PositionAttention(8), ChannelAttention()])
def test_it_starts_as_the_identity_and_learns_its_strength(module):
    features = torch.randn(2, 8, 3, 3)
    result = module(features)
    assert torch.equal(result, features)
    result.square().sum().backward()
    assert module.gamma.grad.abs().item() > 0


def test_few_channels_have_one_query():
    assert PositionAttention(4).query.weight.shape == (1, 4, 1, 1)
