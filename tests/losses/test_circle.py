import math

import pytest
import torch
from pytorch_metric_learning.losses import CircleLoss
from pytorch_metric_learning.reducers import MeanReducer
from tests.losses.pairwise import BATCHES, WHOLE, anchors, embeddings_of, loss_of, mean

from vreid.losses.circle import build
from vreid.params.losses import Circle as Config


def slowly(embedding, labels, m, gamma):
    losses = []
    for positives, negatives in anchors(embedding, labels):
        to_negatives = sum(math.exp(gamma * max(s + m, 0) * (s - m)) for s in negatives)
        to_positives = sum(math.exp(-gamma * max(1 + m - s, 0) * (s - (1 - m))) for s in positives)
        if positives and negatives:
            losses.append(math.log1p(to_negatives * to_positives))
    return mean(losses)


@pytest.mark.parametrize(("m", "gamma"), [(0.25, 128.0), (0.4, 80.0), (0.0, 1.0)])
@pytest.mark.parametrize("labels", BATCHES.values(), ids=BATCHES.keys())
def test_equals_the_definition_number_by_number(labels, m, gamma):
    embedding = embeddings_of(labels)
    value = loss_of(build(Config(name="circle", margin=m, gamma=gamma)), embedding, labels)
    assert value.item() == pytest.approx(slowly(embedding, labels, m, gamma), rel=1e-10)


@pytest.mark.parametrize(("m", "gamma"), [(0.25, 128.0), (0.4, 80.0)])
@pytest.mark.parametrize("labels", [BATCHES[name] for name in WHOLE], ids=WHOLE)
def test_equals_pytorch_metric_learning(labels, m, gamma):
    ours, theirs = (embeddings_of(labels, 16).requires_grad_() for _ in range(2))
    value = loss_of(build(Config(name="circle", margin=m, gamma=gamma)), ours, labels)
    expected = CircleLoss(m=m, gamma=gamma, reducer=MeanReducer())(theirs, torch.tensor(labels))
    assert torch.allclose(value, expected)
    value.backward()
    expected.backward()
    assert torch.allclose(ours.grad, theirs.grad)


def test_pairs_at_their_optimum_pull_no_more():
    # s_p = 1 + m and s_n = -m are out of reach or beyond: at s_n = -1 < -m the weight is 0.
    embedding = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]], requires_grad=True)
    value = loss_of(build(Config(name="circle")), embedding, [0, 0, 1, 1])
    assert value.item() == pytest.approx(math.log1p(2 * math.exp(-128 * 0.25 * 0.25)), rel=1e-4)
