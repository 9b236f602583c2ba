import pytest
import torch
import torchvision
from torch import nn

from vreid.models.backbones.inception import build, to_unit_range
from vreid.models.normalisation import MEAN, STD
from vreid.params.models.backbone import Backbone


@pytest.mark.usefixtures("float64")
def test_is_torchvisions_inception_with_its_published_weights(published):
    whole = torchvision.models.inception_v3(transform_input=True, init_weights=False)
    theirs, asked = published(whole)
    ours = build(Backbone(name="inception_v3")).eval()
    seen = []
    theirs.Mixed_7c.register_forward_hook(lambda _, __, output: seen.append(output))
    images = torch.randn(1, 3, 107, 107)
    with torch.no_grad():
        theirs(images)
        # Rounding apart: torchvision brings one channel after the other into [-1, 1].
        assert torch.allclose(ours(images), seen[0])
    assert seen[0].shape == (1, 2048, 2, 2) and seen[0].abs().max() > 0.1
    assert [url.rpartition("/")[2] for url in asked] == ["inception_v3_google-0cc3c7bd.pth"]


def test_published_parameter_count(narrow):
    # torchvision publishes 27,161,264: 2,049,000 in the classifier and 3,326,696 in the auxiliary one.
    network = build(narrow("inception_v3", 1.0))
    assert sum(p.numel() for p in network.parameters()) == 27_161_264 - 2_049_000 - 3_326_696


def test_narrow_has_the_same_names_and_a_share_of_the_channels(narrow):
    small, large = build(narrow("inception_v3")), build(narrow("inception_v3", 1.0))
    assert list(small.state_dict()) == list(large.state_dict())
    assert small.channels == 256 and large.channels == 2048
    convolutions = [(n, m) for n, m in large.named_modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == 94
    for name, convolution in convolutions:
        narrow_one = small.get_submodule(name)
        assert narrow_one.out_channels * 8 == convolution.out_channels, name
        assert narrow_one.in_channels * 8 == convolution.in_channels or convolution.in_channels == 3, name


def test_smallest_image_and_gradients(narrow):
    torch.manual_seed(0)
    network = build(narrow("inception_v3"))
    features = network(torch.randn(4, 3, 75, 75))
    assert features.shape == (4, 256, 1, 1)
    features.square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name


@pytest.mark.usefixtures("float64")
def test_normalised_pixels_return_to_the_range_of_minus_one_to_one():
    pixels = torch.tensor([0.0, 0.5, 1.0]).expand(3, 3)
    normalised = (pixels - torch.tensor(MEAN)[:, None]) / torch.tensor(STD)[:, None]
    scale, shift = to_unit_range()
    assert torch.allclose(normalised * scale[:, :, 0] + shift[:, :, 0], 2 * pixels - 1)


@pytest.mark.parametrize(
    ("depth", "missing"),
    [
        # Of three, four and two blocks: 2.1, 2.8 and 1.4, rounded.
        (0.7, {"Mixed_5d", "Mixed_6e", "Mixed_7c"}),
        (0.33, {"Mixed_5d", "Mixed_6c", "Mixed_6d", "Mixed_6e", "Mixed_7c"}),
    ],
)
def test_shallow_lacks_blocks_that_change_no_channels(narrow, depth, missing):
    small, large = build(narrow("inception_v3", 0.125, depth)), build(narrow("inception_v3", 0.125))
    names = {name for name, _ in large.named_children()}
    assert names - {name for name, _ in small.named_children()} == missing
    assert small(torch.randn(2, 3, 75, 75)).shape == (2, 256, 1, 1)
