import re

import pytest
import torch
from torch.nn import functional
from torchvision.models import densenet121
from torchvision.models.densenet import DenseNet

from vreid.models.backbones.densenet import build, densenet_parts
from vreid.params.errors import UserError
from vreid.params.models.backbone import Backbone

BLOCKS = (6, 12, 24, 16)


def run(parts, images):
    features = parts.stem(images)
    for block, transition in zip(parts.blocks[:3], parts.transitions, strict=True):
        features = transition(block(features))
    return functional.relu(parts.norm5(parts.blocks[3](features)))


def parameters(parts):
    modules = [parts.stem, *parts.blocks, *parts.transitions, parts.norm5]
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def count_by_hand(growth_rate, stem_channels, blocks=BLOCKS):
    # 7x7 stem and its normalisation; a layer on c channels is BN(c), 1x1 to 4k, BN(4k), 3x3 to k;
    # a transition BN(c), 1x1 to c/2; norm5.
    count = 3 * 49 * stem_channels + 2 * stem_channels
    channels = stem_channels
    bottleneck = 4 * growth_rate
    for number, layers in enumerate(blocks):
        for _ in range(layers):
            count += 2 * channels + channels * bottleneck
            count += 2 * bottleneck + bottleneck * growth_rate * 9
            channels += growth_rate
        if number < 3:
            count += 2 * channels + channels * (channels // 2)
            channels //= 2
    return count + 2 * channels


def test_published_parameter_count(narrow):
    # torchvision publishes 7,978,856 for DenseNet121, 1,025,000 of them in its classifier.
    assert count_by_hand(32, 64) == 7_978_856 - (1024 * 1000 + 1000) == 6_953_856
    parts = densenet_parts(narrow("densenet121", 1.0))
    assert parameters(parts) == 6_953_856
    assert parts.channels == (256, 512, 1024, 1024)


@pytest.mark.parametrize(("width", "growth_rate", "stem_channels"), [(0.125, 4, 8), (0.25, 8, 16)])
def test_width_scales_growth_and_stem(narrow, width, growth_rate, stem_channels):
    parts = densenet_parts(narrow("densenet121", width))
    assert parameters(parts) == count_by_hand(growth_rate, stem_channels)
    assert parts.channels == tuple(round(width * channels) for channels in (256, 512, 1024, 1024))


@pytest.mark.parametrize("pixels", [64, 96])
def test_parts_in_order_are_the_uncut_network(narrow, pixels):
    torch.manual_seed(0)
    parts = densenet_parts(narrow("densenet121"))
    torch.manual_seed(0)
    ours = build(narrow("densenet121"))
    torch.manual_seed(0)
    theirs = DenseNet(4, BLOCKS, 8, num_classes=1)
    images = torch.randn(2, 3, pixels, pixels)
    expected = functional.relu(theirs.features(images))
    assert torch.equal(run(parts, images), expected)
    assert torch.equal(ours(images), expected)
    assert expected.shape == (2, ours.channels, pixels // 32, pixels // 32)


@pytest.mark.parametrize("with_counters", [True, False])
def test_imagenet_weights_are_read_under_their_old_names(published, with_counters):
    model = densenet121()
    file = {
        re.sub(r"(denselayer\d+)\.(norm|conv)([12])\.", r"\1.\2.\3.", name): value
        for name, value in model.state_dict().items()
        if with_counters or not name.endswith("num_batches_tracked")
    }
    assert "features.denseblock4.denselayer16.norm.1.weight" in file
    theirs, asked = published(model, file)
    parts = densenet_parts(Backbone(name="densenet121"))
    for module in [parts.stem, *parts.blocks, *parts.transitions, parts.norm5]:
        module.eval()
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(run(parts, images), functional.relu(theirs.features(images)))
    assert [url.rpartition("/")[2] for url in asked] == ["densenet121-a639ec97.pth"]


def test_another_backbone_is_refused(narrow):
    with pytest.raises(UserError, match="built on densenet121 alone"):
        densenet_parts(narrow("resnet50"))


def test_depth_scales_the_layers_of_each_block(narrow):
    # A third of 6, 12, 24 and 16 layers.
    parts = densenet_parts(narrow("densenet121", 0.5, 0.33))
    assert parameters(parts) == count_by_hand(16, 32, (2, 4, 8, 5))
    assert run(parts, torch.randn(2, 3, 64, 64)).shape == (2, parts.channels[3], 2, 2)
