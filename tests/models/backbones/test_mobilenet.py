import torch
import torchvision

from vreid.models.backbones.mobilenet import build
from vreid.params.models.backbone import Backbone


def test_is_torchvisions_mobilenet_with_its_published_weights(published):
    theirs, asked = published(torchvision.models.mobilenet_v2())
    ours = build(Backbone(name="mobilenet_v2")).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(ours(images), theirs.features(images))
    assert [url.rpartition("/")[2] for url in asked] == ["mobilenet_v2-b0353104.pth"]


def test_published_parameter_count(narrow):
    # torchvision publishes 3,504,872 for MobileNetV2, 1,281,000 of them in its classifier.
    network = build(narrow("mobilenet_v2", 1.0))
    assert sum(p.numel() for p in network.parameters()) == 3_504_872 - (1280 * 1000 + 1000)


def test_narrow_is_the_papers_but_for_its_last_layer(narrow):
    torch.manual_seed(0)
    network = build(narrow("mobilenet_v2", 0.25))
    papers = torchvision.models.mobilenet_v2(width_mult=0.25).features
    ours = {n: v.shape for n, v in network.features.state_dict().items()}
    theirs = {n: v.shape for n, v in papers.state_dict().items()}
    assert list(ours) == list(theirs)
    last = {n for n in ours if n.startswith("18.") and not n.endswith("num_batches_tracked")}
    assert {n for n in ours if ours[n] != theirs[n]} == last
    assert network.channels == 320
    features = network(torch.randn(4, 3, 64, 64))
    assert features.shape == (4, 320, 2, 2)
    assert features.min() >= 0 and features.max() <= 6
    features.square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name


def test_shallow_has_fewer_blocks_in_each_stage(narrow):
    # Table 2 repeats its seven stages 1, 2, 3, 4, 3, 3 and 1 times; a third of that is one block each.
    network = build(narrow("mobilenet_v2", 0.25, 0.33))
    assert len(network.features) == 1 + 7 + 1
    assert network(torch.randn(2, 3, 64, 64)).shape == (2, 320, 2, 2)
