import math

import pytest
import torch
from pytorch_metric_learning.losses import SupConLoss
from pytorch_metric_learning.reducers import MeanReducer
from tests.losses.pairwise import BATCHES, WHOLE, anchors, embeddings_of, loss_of, mean

from vreid.losses.supcon import build
from vreid.params.losses import SupCon as Config


def slowly(embedding, labels, t):
    losses = []
    for positives, negatives in anchors(embedding, labels):
        total = sum(math.exp(s / t) for s in positives + negatives)
        if positives:
            losses.append(mean(-math.log(math.exp(s / t) / total) for s in positives))
    return mean(losses)


@pytest.mark.parametrize("t", [0.07, 1.0])
@pytest.mark.parametrize("labels", BATCHES.values(), ids=BATCHES.keys())
def test_equals_the_definition_number_by_number(labels, t):
    embedding = embeddings_of(labels)
    value = loss_of(build(Config(name="supcon", temperature=t)), embedding, labels)
    assert value.item() == pytest.approx(slowly(embedding, labels, t), rel=1e-10)


@pytest.mark.parametrize("labels", [BATCHES[name] for name in WHOLE], ids=WHOLE)
def test_equals_pytorch_metric_learning(labels):
    ours, theirs = (embeddings_of(labels, 16).requires_grad_() for _ in range(2))
    value = loss_of(build(Config(name="supcon")), ours, labels)
    expected = SupConLoss(temperature=0.07, reducer=MeanReducer())(theirs, torch.tensor(labels))
    assert torch.allclose(value, expected)
    value.backward()
    expected.backward()
    assert torch.allclose(ours.grad, theirs.grad)


@pytest.mark.usefixtures("float64")
def test_coinciding_images_cost_the_logarithm_of_the_others():
    value = loss_of(build(Config(name="supcon")), torch.ones(6, 2), [0, 0, 1, 1, 2, 2])
    assert value.item() == pytest.approx(math.log(5))
