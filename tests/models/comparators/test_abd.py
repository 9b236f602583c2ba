import copy

import pytest
import torch
from torch.nn import functional

from vreid.models.comparators.abd import Abd
from vreid.params.models.backbone import Backbone
from vreid.params.models.hamnet import Abd as Config

CLASSES = 5


def seeded(width=0.0625, feature=1.0, weight=1.0):
    torch.manual_seed(0)
    config = Config(name="abd", feature_penalty=feature, weight_penalty=weight, dropout=0.0)
    model = Abd(Backbone(name="resnet50", width=width, weights=None), config, CLASSES)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout2d):
            module.p = 0.0
    return model


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("height", "width"), [(64, 32), (96, 64)])
def test_the_network_step_by_step(height, width):
    model = seeded()
    for head in model.attentive_branch.heads:
        for parameter in head[1].parameters():
            torch.nn.init.normal_(parameter, std=0.1)
    images = torch.randn(4, 3, height, width)
    output = model(images)
    shared = model.trunk(model.shallow(model.layer1(model.stem(images))))
    vectors = [model.global_branch.reduction(model.global_branch.stage(shared).flatten(2).mean(2))]
    branch = model.attentive_branch
    reduced = branch.reduction(branch.stage(shared))
    rows = reduced.shape[2]
    assert rows == height // 16
    for stripe in (reduced[:, :, : -(-rows // 2)], reduced[:, :, rows // 2 :]):
        as_it_is, by_channel, by_position = (head(stripe) for head in branch.heads)
        vectors.append(branch.mix(as_it_is + by_channel + by_position).flatten(2).mean(2))
    for embedding, vector in zip(output.embeddings, vectors, strict=True):
        assert torch.allclose(embedding, vector)
    assert torch.equal(output.before_neck, torch.cat(output.embeddings, 1))
    for scores, vector, classifier in zip(output.logits, vectors, model.classifiers, strict=True):
        assert torch.allclose(scores, vector @ classifier.weight.T + classifier.bias)


def test_published_representation():
    with torch.device("meta"):
        model = seeded(width=1.0)
    assert sum(classifier.in_features for classifier in model.classifiers) == 3072


def test_both_branches_start_from_one_stage_and_share_nothing():
    model = seeded()
    pairs = zip(
        model.global_branch.stage.parameters(), model.attentive_branch.stage.parameters(), strict=True
    )
    for a, b in pairs:
        assert torch.equal(a, b) and a.data_ptr() != b.data_ptr()


@pytest.mark.usefixtures("float64")
def test_penalties_are_weighted_gaps_of_five_places_and_of_the_first_kernels(monkeypatch):
    def exact(matrix):
        values = torch.linalg.eigvalsh(matrix @ matrix.mT)
        return values[:, -1] - values[:, 0]

    monkeypatch.setattr("vreid.models.comparators.abd.eigenvalue_gap", exact)
    model = seeded(feature=0.5, weight=0.25)
    images = torch.randn(3, 3, 64, 32)
    features, weights = copy.deepcopy(model)(images).penalties
    shallow = model.shallow(model.layer1(model.stem(images)))
    branch = model.attentive_branch
    reduced = branch.reduction(branch.stage(model.trunk(shallow)))
    expected = 0.01 * exact(shallow.flatten(2))
    for stripe in (reduced[:, :, :2], reduced[:, :, 2:]):
        seen = [head(stripe) for head in branch.heads]
        seen.append(branch.mix(sum(seen)))
        expected = expected + sum(exact(place.flatten(2)) for place in seen) / 2
    assert features.item() == pytest.approx(0.5 * expected.mean().item())
    kernels = model.stem.conv1.weight.flatten(1)
    assert weights.item() == pytest.approx(0.25 * exact(kernels[None]).item() ** 2)


def test_there_are_no_penalties_at_test_and_gradients_reach_what_is_trained():
    model = seeded()
    assert model.eval()(torch.randn(2, 3, 64, 32)).penalties == ()
    output = model.train()(torch.randn(6, 3, 64, 32))
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    sum(functional.cross_entropy(scores, labels) for scores in output.logits).backward()
    # Position attention starts as the identity: what stands behind its gamma has no gradient yet.
    still = {name for name, parameter in model.named_parameters() if not parameter.grad.abs().sum() > 0}
    assert all(".query." in name or ".key." in name or ".value." in name for name in still)
