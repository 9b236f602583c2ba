import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vreid.models.layers.class_aware_fusion import class_aware_weights, fused_map, released_fusion

SPECTRA = [2, 3]


def maps_of(spectra, seed=0, scale=3.0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(spectra, 4, 5, 3, 6, generator=generator, dtype=torch.float64) * scale


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def slow_weights(maps):
    """Eq. 7 to 10, number by number."""
    spectra, batch, classes, height, width = maps.shape
    result = torch.zeros(spectra, batch, classes, dtype=maps.dtype)
    for b in range(batch):
        for c in range(classes):
            eta = [0.0] * spectra
            for y in range(height):
                for x in range(width):
                    a = [sigmoid(maps[j, b, c, y, x].item()) for j in range(spectra)]
                    for j in range(spectra):
                        eta[j] += a[j] * max(a)
            for j in range(spectra):
                result[j, b, c] = eta[j] / sum(eta)
    return result


@pytest.mark.parametrize("spectra", SPECTRA)
def test_weights_and_fused_map_are_the_printed_equations(spectra):
    maps = maps_of(spectra)
    expected = slow_weights(maps)
    assert torch.allclose(class_aware_weights(maps), expected)
    fused = sum(expected[j][..., None, None] * maps[j] for j in range(spectra))
    assert torch.allclose(fused_map(maps), fused)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 4), st.integers(0, 99), st.floats(0.01, 30))
def test_weights_sum_to_one_over_the_spectra(spectra, seed, scale):
    weights = class_aware_weights(maps_of(spectra, seed, scale))
    assert weights.gt(0).all()
    assert torch.allclose(weights.sum(0), torch.ones(4, 5, dtype=torch.float64))


@pytest.mark.parametrize("spectra", SPECTRA)
def test_identical_streams_weigh_the_same_and_fuse_to_themselves(spectra):
    one = maps_of(1)
    maps = one.expand(spectra, -1, -1, -1, -1)
    assert torch.allclose(class_aware_weights(maps), torch.tensor(1 / spectra, dtype=torch.float64))
    assert torch.allclose(fused_map(maps), one[0])
    assert torch.allclose(released_fusion(maps).weights, torch.tensor(1 / spectra, dtype=torch.float64))


@pytest.mark.usefixtures("float64")
def test_the_more_active_spectrum_weighs_more():
    maps = torch.zeros(2, 1, 1, 2, 2)
    maps[1] = 2.0
    first, second = class_aware_weights(maps).flatten().tolist()
    assert first / second == pytest.approx(0.5 / sigmoid(2))  # B is the same for both


@pytest.mark.parametrize("spectra", SPECTRA)
def test_gradients_flow_through_the_weights(spectra):
    maps = maps_of(spectra).requires_grad_()
    fused_map(maps).square().sum().backward()
    through = maps.grad.clone()
    maps.grad = None
    (class_aware_weights(maps).detach()[..., None, None] * maps).sum(0).square().sum().backward()
    assert not torch.allclose(through, maps.grad)
    assert torch.autograd.gradcheck(fused_map, maps_of(spectra)[:, :1, :2, :2, :2].requires_grad_())


@pytest.mark.parametrize("spectra", SPECTRA)
def test_released_fusion_number_by_number(spectra):
    maps = maps_of(spectra)
    scores, weights = released_fusion(maps)
    for b in range(maps.shape[1]):
        a = [[[sigmoid(v) for v in plane.flatten().tolist()] for plane in maps[j, b]] for j in range(spectra)]
        strongest = [sum(map(max, zip(*(a[j][c] for j in range(spectra)), strict=True))) for c in range(5)]
        expected = [0.0] * spectra
        for c in range(5):
            response = [sum(a[j][c]) for j in range(spectra)]
            share = strongest[c] / sum(strongest)
            terms = [share * r / sum(response) for r in response]
            fused = sum(t * r for t, r in zip(terms, response, strict=True))
            assert scores[b, c].item() == pytest.approx(fused)
            expected = [e + t for e, t in zip(expected, terms, strict=True)]
        assert weights[:, b].tolist() == pytest.approx(expected)
        assert sum(expected) == pytest.approx(1)
