import pytest
import torch
from torch.nn import functional

from vreid.models.comparators.pcb import Pcb
from vreid.params.models.backbone import Backbone
from vreid.params.models.hamnet import Pcb as Config

CLASSES = 5


def seeded(stripes=6, dropout=0.0, width=0.0625):
    torch.manual_seed(0)
    backbone = Backbone(name="resnet50", width=width, weights=None)
    return Pcb(backbone, Config(name="pcb", stripes=stripes, dropout=dropout), CLASSES)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("height", "width", "stripes"), [(128, 64, 6), (64, 96, 3)])
def test_stripes_are_averaged_adaptively_reduced_alike_and_classified_apart(height, width, stripes):
    model = seeded(stripes)
    images = torch.randn(4, 3, height, width)
    output = model(images)
    features = model.backbone(images)
    assert features.shape[2] == height // 16  # the last stage has no stride
    parts = functional.adaptive_avg_pool2d(features, (stripes, 1))[..., 0]
    assert torch.allclose(output.before_neck, parts.mT.flatten(1))
    convolution = model.reduction[0].weight[:, :, 0]
    reduced = torch.einsum("rc,bcs->brs", convolution, parts)
    mean, variance = reduced.mean((0, 2)), reduced.var((0, 2), correction=0)
    reduced = ((reduced - mean[:, None]) / (variance[:, None] + 1e-5).sqrt()).clamp_min(0)
    assert len(output.logits) == stripes and output.embeddings == ()
    for i, (scores, classifier) in enumerate(zip(output.logits, model.classifiers, strict=True)):
        assert torch.allclose(scores, reduced[:, :, i] @ classifier.weight.T + classifier.bias)


def test_published_size():
    with torch.device("meta"):
        model = seeded(width=1.0)
    heads = 2048 * 256 + 2 * 256 + 6 * (256 * CLASSES + CLASSES)
    # 23,508,032: ResNet-50 without its classifier (25,557,032 - 2,049,000).
    assert sum(p.numel() for p in model.parameters()) == 23_508_032 + heads


def test_dropout_acts_in_training_alone():
    model = seeded(dropout=0.5)
    images = torch.randn(4, 3, 64, 64)
    one, two = model(images), model(images)
    assert not torch.equal(one.logits[0], two.logits[0])
    assert torch.equal(one.before_neck, two.before_neck)
    model.eval()
    with torch.no_grad():
        assert torch.equal(model(images).before_neck, model(images).before_neck)


def test_a_map_lower_than_its_stripes_repeats_rows():
    output = seeded()(torch.randn(4, 3, 32, 64))  # two rows
    parts = output.before_neck.unflatten(1, (6, -1))
    assert torch.equal(parts[:, 0], parts[:, 1])
    assert not torch.equal(parts[:, 0], parts[:, 5])
