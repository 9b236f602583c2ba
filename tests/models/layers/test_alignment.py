import math

import pytest
import torch
from torch import nn

from vreid.models.layers.alignment import SelfAlignment, transformed


def module(channels=12, *, strides=(2, 2), grid=4, padding="zeros", align_corners=False):
    torch.manual_seed(0)
    return SelfAlignment(channels, (8, 6), strides, grid, 5, padding, align_corners)


def rotation(degrees, count=1):
    angle = math.radians(degrees)
    c, s = math.cos(angle), math.sin(angle)
    return torch.tensor([[c, -s, 0.0], [s, c, 0.0]]).expand(count, 2, 3)


def smooth(side):
    """A map that is no symmetric one, and dies out before its edge."""
    line = torch.linspace(-1, 1, side)
    y, x = torch.meshgrid(line, line, indexing="ij")
    bump = torch.exp(-8 * ((x - 0.2) ** 2 + 2 * (y + 0.1) ** 2))
    return torch.stack([bump, bump * x, bump * y])[None]


def slowly(maps, theta, align_corners):
    """Eq. 1 and bilinear sampling, point by point, zeros beyond the edge."""
    batch, _, height, width = maps.shape
    result = torch.zeros_like(maps)

    def positions(size):
        if align_corners:
            return [2 * i / (size - 1) - 1 for i in range(size)]
        return [(2 * i + 1) / size - 1 for i in range(size)]

    def place(position, size):
        return (position + 1) / 2 * (size - 1) if align_corners else ((position + 1) * size - 1) / 2

    for b in range(batch):
        for row, y in enumerate(positions(height)):
            for column, x in enumerate(positions(width)):
                source = theta[b] @ torch.tensor([x, y, 1.0])
                at_x, at_y = place(source[0].item(), width), place(source[1].item(), height)
                for i in (math.floor(at_y), math.floor(at_y) + 1):
                    for j in (math.floor(at_x), math.floor(at_x) + 1):
                        if 0 <= i < height and 0 <= j < width:
                            share = (1 - abs(at_y - i)) * (1 - abs(at_x - j))
                            result[b, :, row, column] += share * maps[b, :, i, j]
    return result


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("size", [(4, 4), (6, 9)])
def test_sampling_is_equation_1(size, align_corners):
    torch.manual_seed(0)
    maps, theta = torch.randn(2, 3, *size), torch.randn(2, 2, 3)
    expected = slowly(maps, theta, align_corners)
    assert torch.allclose(transformed(maps, theta, align_corners=align_corners), expected)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("side", [4, 16])
def test_a_new_module_leaves_maps_as_they_are(side, align_corners, padding):
    alignment = module(padding=padding, align_corners=align_corners)
    features = torch.randn(3, 12, side, side)
    assert torch.equal(alignment.theta(features), torch.eye(2, 3).expand(3, 2, 3))
    assert torch.allclose(alignment(features), features)


@pytest.mark.usefixtures("float64")
def test_a_quarter_turn_moves_every_value_to_its_place():
    maps = torch.randn(1, 2, 5, 5)
    # theta leads from the output to the input: (x, y) -> (-y, x), so what was right is at the top.
    assert torch.allclose(transformed(maps, rotation(90)), maps.rot90(1, (2, 3)))


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("degrees", [30, -75, 170])
def test_a_rotation_is_undone_by_its_inverse(degrees):
    maps = smooth(64)
    turned = transformed(maps, rotation(degrees))
    assert (turned - maps).abs().max() > 0.2
    assert torch.allclose(transformed(turned, rotation(-degrees)), maps, atol=0.02)


@pytest.mark.parametrize("padding", ["zeros", "border"])
def test_padding_says_what_stands_beyond_the_edge(padding):
    maps = torch.ones(1, 1, 4, 4)
    away = torch.tensor([[[1.0, 0.0, 4.0], [0.0, 1.0, 0.0]]])
    expected = torch.zeros if padding == "zeros" else torch.ones
    assert torch.equal(transformed(maps, away, padding=padding), expected(1, 1, 4, 4))


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("side", "strides"), [(16, (2, 2)), (4, (1, 1)), (4, (2, 2)), (8, (1, 2))])
def test_theta_is_what_the_two_convolutions_and_two_layers_say(side, strides):
    alignment = module(strides=strides).eval()
    nn.init.normal_(alignment.regression[-1].weight)
    features = torch.randn(2, 12, side, side)
    one, _, _, two, _, _ = alignment.localisation
    x = nn.functional.conv2d(features, one.weight, stride=strides[0], padding=1) / math.sqrt(1 + 1e-5)
    x = nn.functional.conv2d(x.relu(), two.weight, stride=strides[1], padding=1) / math.sqrt(1 + 1e-5)
    x = nn.functional.adaptive_avg_pool2d(x.relu(), 4).flatten(1)
    hidden, _, last = alignment.regression
    x = (x @ hidden.weight.T + hidden.bias).relu() @ last.weight.T + last.bias
    assert torch.allclose(alignment.theta(features), x.view(2, 2, 3))


def test_published_sizes():
    alignment = SelfAlignment(1024, (128, 64), (2, 2), 4, 64, "zeros", False)
    convolutions = 1024 * 128 * 9 + 2 * 128 + 128 * 64 * 9 + 2 * 64
    layers = 64 * 4 * 4 * 64 + 64 + 64 * 6 + 6
    assert sum(p.numel() for p in alignment.parameters()) == convolutions + layers


@pytest.mark.parametrize("side", [4, 16])
def test_gradients_reach_every_parameter_deterministically(side):
    alignment = module()
    nn.init.normal_(alignment.regression[-1].weight, std=0.01)
    features = torch.randn(3, 12, side, side)
    strictness = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("error")
    try:
        found = []
        for _ in range(2):
            again = features.clone().requires_grad_()
            alignment.zero_grad()
            alignment(again).square().sum().backward()
            found.append([again.grad, *(parameter.grad for parameter in alignment.parameters())])
    finally:
        torch.set_deterministic_debug_mode(strictness)
    assert all(gradient.abs().sum() > 0 for gradient in found[0])
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


@pytest.mark.usefixtures("float64")
def test_the_gradient_is_that_of_the_difference_quotient():
    # On a ramp, sampled inside the map, interpolation is exact and the sum of squares quadratic in theta, so
    # that the central quotient is the derivative.
    rows, columns = torch.meshgrid(torch.arange(5.0), torch.arange(5.0), indexing="ij")
    maps = torch.stack([0.7 * columns - 0.4 * rows + 1, 0.2 * columns + 0.9 * rows - 2])[None]
    theta = torch.tensor([[[0.5, 0.08, -0.05], [-0.06, 0.45, 0.1]]]).requires_grad_()
    transformed(maps, theta).square().sum().backward()
    step = 1e-2
    for i in range(2):
        for j in range(3):
            change = torch.zeros(1, 2, 3)
            change[0, i, j] = step
            more = transformed(maps, theta.detach() + change).square().sum()
            less = transformed(maps, theta.detach() - change).square().sum()
            quotient = (more - less) / (2 * step)
            assert quotient == pytest.approx(theta.grad[0, i, j].item(), rel=1e-3, abs=1e-2)


def test_positions_are_float32_under_autocast():
    alignment = module()
    features = torch.randn(2, 12, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        assert alignment.theta(features).dtype == torch.float32
        assert torch.allclose(alignment(features), features, atol=1e-5)
