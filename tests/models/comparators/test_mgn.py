import pytest
import torch
from torch.nn import functional

from vreid.models.comparators.mgn import Mgn
from vreid.params.models.backbone import Backbone

CLASSES = 5


def seeded(width=0.0625):
    torch.manual_seed(0)
    return Mgn(Backbone(name="resnet50", width=width, weights=None), CLASSES)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("height", "width"), [(128, 64), (96, 128)])
def test_eight_maxima_are_reduced_and_classified(height, width):
    model = seeded()
    images = torch.randn(4, 3, height, width)
    output = model(images)
    shared = model.trunk(images)
    assert shared.shape[2] == height // 16
    whole, halves, thirds = (branch(shared) for branch in model.branches)
    assert (whole.shape[2], halves.shape[2], thirds.shape[2]) == (height // 32, height // 16, height // 16)
    vectors = [whole.amax((2, 3)), halves.amax((2, 3))]
    vectors += functional.adaptive_max_pool2d(halves, (2, 1))[..., 0].unbind(2)
    vectors += [thirds.amax((2, 3)), *functional.adaptive_max_pool2d(thirds, (3, 1))[..., 0].unbind(2)]
    reduced = []
    for (linear, _, _), vector in zip(model.reductions, vectors, strict=True):
        line = vector @ linear.weight.T
        reduced.append(((line - line.mean(0)) / (line.var(0, correction=0) + 1e-5).sqrt()).clamp_min(0))
    assert torch.allclose(output.before_neck, torch.cat(reduced, 1))
    for embedding, position in zip(output.embeddings, (0, 1, 4), strict=True):
        assert torch.allclose(embedding, reduced[position])
    for scores, classifier, vector in zip(output.logits, model.classifiers, reduced, strict=True):
        assert torch.allclose(scores, vector @ classifier.weight.T + classifier.bias)


def test_published_size():
    with torch.device("meta"):
        model = seeded(width=1.0)
        trunk = sum(p.numel() for p in model.trunk.parameters())
    # Of ResNet-50's 23,508,032 parameters without classifier, all but the trunk are there three times.
    heads = 8 * (2048 * 256 + 2 * 256 + 256 * CLASSES + CLASSES)
    assert sum(p.numel() for p in model.parameters()) == trunk + 3 * (23_508_032 - trunk) + heads
    assert 8 * model.reductions[0][1].num_features == 2048


def test_branches_start_alike_and_share_nothing():
    model = seeded()
    one, two, three = (list(branch.parameters()) for branch in model.branches)
    for a, b, c in zip(one, two, three, strict=True):
        assert torch.equal(a, b) and torch.equal(b, c)
        assert len({a.data_ptr(), b.data_ptr(), c.data_ptr()}) == 3


def test_gradients_reach_every_parameter():
    model = seeded()
    output = model(torch.randn(6, 3, 64, 64))
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    sum(functional.cross_entropy(scores, labels) for scores in output.logits).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.isfinite().all() and parameter.grad.abs().sum() > 0, name
