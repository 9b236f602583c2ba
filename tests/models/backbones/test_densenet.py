import re

import pytest
import torch
from torch.nn import functional
from torchvision.models import densenet121
from torchvision.models.densenet import DenseNet

from vreid.models.backbones import densenet
from vreid.models.backbones.densenet import densenet_parts

PUBLISHED = ((6, 12, 24, 16), 32, 64)
NARROW = [((2, 3, 2, 2), 8, 16), ((1, 2, 3, 1), 4, 12)]


def run(parts, images):
    features = parts.stem(images)
    for block, transition in zip(parts.blocks[:3], parts.transitions, strict=True):
        features = transition(block(features))
    return functional.relu(parts.norm5(parts.blocks[3](features)))


def parameters(parts):
    modules = [parts.stem, *parts.blocks, *parts.transitions, parts.norm5]
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def count_by_hand(blocks, growth_rate, stem_channels):
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


def test_published_parameter_count():
    # torchvision publishes 7,978,856 for DenseNet121, 1,025,000 of them in its classifier.
    assert count_by_hand(*PUBLISHED) == 7_978_856 - (1024 * 1000 + 1000) == 6_953_856
    assert parameters(densenet_parts(*PUBLISHED, weights=None)) == 6_953_856


@pytest.mark.parametrize("size", NARROW)
def test_narrow_parameter_count_and_channels(size):
    blocks, growth_rate, stem_channels = size
    parts = densenet_parts(*size, weights=None)
    assert parameters(parts) == count_by_hand(*size)
    channels = stem_channels
    for number, layers in enumerate(blocks):
        channels += layers * growth_rate
        assert parts.channels[number] == channels
        channels //= 2


@pytest.mark.parametrize("pixels", [64, 96])
@pytest.mark.parametrize("size", NARROW)
def test_parts_in_order_are_the_uncut_network(size, pixels):
    torch.manual_seed(0)
    parts = densenet_parts(*size, weights=None)
    torch.manual_seed(0)
    blocks, growth_rate, stem_channels = size
    whole = DenseNet(growth_rate, blocks, stem_channels, num_classes=1)
    images = torch.randn(2, 3, pixels, pixels)
    assert torch.equal(run(parts, images), functional.relu(whole.features(images)))


@pytest.mark.parametrize("with_counters", [True, False])
def test_imagenet_weights_are_read_under_their_old_names(monkeypatch, with_counters):
    torch.manual_seed(1)
    published = densenet121().eval()
    for buffer in published.buffers():
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 1.5)
    file = {
        re.sub(r"(denselayer\d+)\.(norm|conv)([12])\.", r"\1.\2.\3.", name): value
        for name, value in published.state_dict().items()
        if with_counters or not name.endswith("num_batches_tracked")
    }
    assert "features.denseblock4.denselayer16.norm.1.weight" in file
    asked = []
    monkeypatch.setattr(densenet, "load_weights", lambda url: asked.append(url) or file)
    parts = densenet_parts(*PUBLISHED, weights="imagenet")
    for module in [parts.stem, *parts.blocks, *parts.transitions, parts.norm5]:
        module.eval()
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(run(parts, images), functional.relu(published.features(images)))
    assert [url.rpartition("/")[2] for url in asked] == ["densenet121-a639ec97.pth"]
