import math

import pytest
import torch

from vreid.models.layers.ssa import SpatialSelfAttention


def seeded(channels=16, heads=4):
    torch.manual_seed(0)
    block = SpatialSelfAttention(channels, heads)
    torch.nn.init.normal_(block.out.weight)
    torch.nn.init.normal_(block.query)
    return block


def by_hand(block, images):
    """Algorithm 1, one head of one image after the other."""
    encoded = block.embedding(images)
    heads = block.heads
    size = encoded.shape[1] // heads
    betas = []
    for image in encoded:
        places = [image[:, y, x] for y in range(image.shape[1]) for x in range(image.shape[2])]
        found = []
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            keys = [(block.key.weight @ place)[part] for place in places]
            values = [(block.value.weight @ place)[part] for place in places]
            scores = [math.exp(float((block.query[0, head, 0] * key).sum())) for key in keys]
            weighted = [score / sum(scores) * value for score, value in zip(scores, values, strict=True)]
            found.append(torch.stack(weighted).sum(0))
        betas.append(block.out.weight @ torch.cat(found) + block.out.bias)
    return torch.stack(betas)[:, :, None, None]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("size", [(16, 16), (24, 12)])
@pytest.mark.parametrize(("channels", "heads"), [(16, 4), (8, 2)])
def test_beta_is_that_of_algorithm_1(size, channels, heads):
    block = seeded(channels, heads).eval()
    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        beta = block(images)
        assert beta.shape == (2, 3, 1, 1)
        assert torch.allclose(beta, by_hand(block, images))


def test_parameter_count_is_the_hand_count():
    convolutions = (3 * 9 * 32 + 32) + (32 * 9 * 64 + 64)
    norms = 2 * 32 + 2 * 64
    attention = 64 + 64 * 64 + 64 * 64
    block = SpatialSelfAttention(64, 4)
    assert sum(p.numel() for p in block.parameters()) == convolutions + norms + attention + (64 * 3 + 3)


def test_it_starts_from_ones_and_changes_nothing():
    block = SpatialSelfAttention(16, 4)
    assert torch.equal(block.query, torch.ones(1, 4, 1, 4))
    assert torch.equal(block(torch.rand(2, 3, 16, 16)), torch.zeros(2, 3, 1, 1))


def test_gradients_reach_every_parameter():
    block = seeded()
    block(torch.rand(4, 3, 32, 32)).square().sum().backward()
    for name, parameter in block.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        # A bias ahead of batch normalisation has no effect.
        assert parameter.grad.abs().sum() > 0 or name in ("embedding.0.bias", "embedding.3.bias"), name
