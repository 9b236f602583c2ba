import copy

import pytest
import torch
import torchvision
from torch import nn

from vreid.models.backbones.resnet import build, resnet50_parts, with_stride
from vreid.params.errors import UserError
from vreid.params.models.backbone import Backbone

IMAGENET = Backbone(name="resnet50")


def run(parts, images):
    features = parts.stem(images)
    for layer in (parts.layer1, parts.layer2, parts.layer3, parts.layer4):
        features = layer(features)
    return features


def parameters(*modules):
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def count_by_hand(width, layers=(3, 4, 6, 3)):
    # 7x7 stem; a block 1x1 to p, 3x3, 1x1 to 4p; the first of a layer has a 1x1 shortcut; BN after each.
    channels = round(64 * width)
    count = 3 * 49 * channels + 2 * channels
    for published, blocks in zip((64, 128, 256, 512), layers, strict=True):
        planes = round(published * width)
        for block in range(blocks):
            count += channels * planes + 9 * planes * planes + planes * 4 * planes + 2 * (6 * planes)
            if block == 0:
                count += channels * 4 * planes + 2 * 4 * planes
            channels = 4 * planes
    return count


@pytest.mark.parametrize("last_stride", [1, 2])
def test_is_torchvisions_resnet50_with_its_published_weights(published, last_stride):
    theirs, asked = published(torchvision.models.resnet50())
    if last_stride == 1:
        theirs.layer4[0].conv2.stride = theirs.layer4[0].downsample[0].stride = (1, 1)
    ours = build(IMAGENET, last_stride).eval()
    images = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        expected = nn.Sequential(*list(theirs.children())[:-2])(images)
        assert torch.equal(ours(images), expected)
    assert expected.shape == (2, 2048, 64 // (16 * last_stride), 96 // (16 * last_stride))
    assert expected.abs().max() > 0.1
    assert [url.rpartition("/")[2] for url in asked] == ["resnet50-0676ba61.pth"]


def test_published_parameter_count():
    # torchvision publishes 25,557,032 for ResNet-50, 2,049,000 of them in its classifier.
    assert count_by_hand(1.0) == 25_557_032 - (2048 * 1000 + 1000)
    parts = resnet50_parts(Backbone(name="resnet50", weights=None))
    assert parameters(parts.stem, *parts[1:5]) == count_by_hand(1.0)
    assert parts.channels == (256, 512, 1024, 2048)


@pytest.mark.parametrize("width", [0.125, 0.1875])
def test_narrow_has_the_same_names_and_fewer_channels(narrow, width):
    small, large = build(narrow("resnet50", width), 2), build(narrow("resnet50", 1.0), 2)
    assert list(small.state_dict()) == list(large.state_dict())
    assert parameters(small) == count_by_hand(width)
    for name, module in large.named_modules():
        if isinstance(module, nn.Conv2d):
            one = small.get_submodule(name)
            assert one.out_channels == module.out_channels * width, name
            assert one.in_channels == (3 if name == "conv1" else module.in_channels * width), name


@pytest.mark.parametrize("pixels", [64, 96])
def test_parts_in_order_are_the_uncut_network(narrow, pixels):
    torch.manual_seed(0)
    parts = resnet50_parts(narrow("resnet50"))
    torch.manual_seed(0)
    whole = build(narrow("resnet50"), last_stride=1)
    images = torch.randn(2, 3, pixels, pixels)
    features = run(parts, images)
    assert torch.equal(features, whole(images))
    assert features.shape == (2, whole.channels, pixels // 16, pixels // 16)
    assert features.min() == 0
    assert parts.channels == (32, 64, 128, 256)


def test_calls_share_nothing(narrow):
    one, two = resnet50_parts(narrow("resnet50")), resnet50_parts(narrow("resnet50"))
    assert not {id(p) for p in one.layer4.parameters()} & {id(p) for p in two.layer4.parameters()}


def test_a_stages_stride_changes_its_resolution_and_no_weight(narrow):
    parts = resnet50_parts(narrow("resnet50"), last_stride=2)
    before = {name: value.clone() for name, value in parts.layer4.state_dict().items()}
    stage = copy.deepcopy(parts.layer4).eval()
    features = torch.randn(1, parts.channels[2], 4, 4)
    assert stage(features).shape[2:] == (2, 2)
    assert with_stride(stage, 1) is stage
    assert stage(features).shape[2:] == (4, 4)
    assert all(torch.equal(before[name], value) for name, value in stage.state_dict().items())
    assert parts.layer4.eval()(features).shape[2:] == (2, 2)


def test_gradients_reach_every_parameter(narrow):
    network = build(narrow("resnet50"), 1)
    network(torch.randn(2, 3, 64, 64)).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_another_backbone_is_refused(narrow):
    with pytest.raises(UserError, match="built on resnet50 alone"):
        resnet50_parts(narrow("mobilenet_v2"))


def test_shallow_has_fewer_blocks_in_each_layer(narrow):
    parts = resnet50_parts(narrow("resnet50", 0.25, 0.33))
    assert parameters(parts.stem, *parts[1:5]) == count_by_hand(0.25, (1, 1, 2, 1))
    assert run(parts, torch.randn(2, 3, 64, 64)).shape == (2, 512, 4, 4)
