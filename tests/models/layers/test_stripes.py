import pytest
import torch
from torch import nn

from vreid.models.layers.stripes import averaged_to, pooled, stripes


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("side", [4, 8, 16])
@pytest.mark.parametrize("parts", [1, 2, 4, 6])
def test_stripes_are_those_of_adaptive_pooling(side, parts):
    features = torch.randn(2, 5, side, side)
    rows = torch.stack([pooled(part, "average") for part in stripes(features, parts, 2)], dim=2)
    columns = torch.stack([pooled(part, "average") for part in stripes(features, parts, 3)], dim=2)
    assert torch.allclose(rows, nn.AdaptiveAvgPool2d((parts, 1))(features)[..., 0])
    assert torch.allclose(columns, nn.AdaptiveAvgPool2d((1, parts))(features)[:, :, 0])
    tallest = torch.stack([pooled(part, "max") for part in stripes(features, parts, 2)], dim=2)
    assert torch.equal(tallest, nn.AdaptiveMaxPool2d((parts, 1))(features)[..., 0])


def test_six_stripes_of_sixteen_lines_share_lines():
    lines = torch.arange(16.0).view(1, 1, 16, 1)
    found = [part.flatten().tolist() for part in stripes(lines, 6, 2)]
    # 16 / 6 is no whole number: 0-2.67, 2.67-5.33, 5.33-8 and so on, each widened to whole lines.
    ends = [(0, 3), (2, 6), (5, 8), (8, 11), (10, 14), (13, 16)]
    assert found == [list(range(start, end)) for start, end in ends]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (4, 4), (7, 5), (16, 8)])
def test_a_map_is_averaged_as_by_adaptive_pooling(size):
    features = torch.randn(2, 3, *size)
    assert torch.allclose(averaged_to(features, 4, 4), nn.AdaptiveAvgPool2d((4, 4))(features))


def test_a_map_of_the_right_size_is_left_alone():
    features = torch.randn(2, 3, 4, 4)
    assert averaged_to(features, 4, 4) is features


def test_pooled_is_float32():
    features = torch.randn(2, 3, 4, 4).bfloat16()
    for how in ("average", "max"):
        assert pooled(features, how).dtype == torch.float32
    assert torch.equal(pooled(features, "average"), features.float().mean((2, 3)))
