import math

import pytest
import torch
from pytorch_metric_learning.losses import MultiSimilarityLoss
from pytorch_metric_learning.miners import MultiSimilarityMiner
from tests.losses.pairwise import BATCHES, WHOLE, anchors, embeddings_of, loss_of, mean

from vreid.losses.multi_similarity import build
from vreid.params.losses import MultiSimilarity as Config


def slowly(embedding, labels, alpha=2.0, beta=40.0, base=0.5, epsilon=0.1):
    losses = []
    for positives, negatives in anchors(embedding, labels):
        if not positives or not negatives:
            continue
        hard_positives = [s for s in positives if s - epsilon < max(negatives)]
        hard_negatives = [s for s in negatives if s + epsilon > min(positives)]
        losses.append(
            math.log(1 + sum(math.exp(-alpha * (s - base)) for s in hard_positives)) / alpha
            + math.log(1 + sum(math.exp(beta * (s - base)) for s in hard_negatives)) / beta
        )
    return mean(losses)


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 3.0])
@pytest.mark.parametrize("labels", BATCHES.values(), ids=BATCHES.keys())
def test_equals_the_definition_number_by_number(labels, epsilon):
    embedding = embeddings_of(labels, 2)
    value = loss_of(build(Config(name="multi_similarity", epsilon=epsilon)), embedding, labels)
    assert value.item() == pytest.approx(slowly(embedding, labels, epsilon=epsilon), rel=1e-8)


@pytest.mark.parametrize("dimensions", [2, 3, 16])
@pytest.mark.parametrize("labels", [BATCHES[name] for name in WHOLE], ids=WHOLE)
def test_equals_pytorch_metric_learning(labels, dimensions):
    ours, theirs = (embeddings_of(labels, dimensions).requires_grad_() for _ in range(2))
    value = loss_of(build(Config(name="multi_similarity")), ours, labels)
    labels = torch.tensor(labels)
    kept = MultiSimilarityMiner(epsilon=0.1)(theirs, labels)
    expected = MultiSimilarityLoss(alpha=2, beta=40, base=0.5)(theirs, labels, kept)
    assert torch.allclose(value, expected)
    value.backward()
    expected.backward()
    assert torch.allclose(ours.grad, theirs.grad)


def test_anchors_with_easy_pairs_alone_count_with_0():
    # Of the six, the images of identity 2 have only easy pairs; they halve nothing but the mean.
    points = [[1.0, 0.0], [0.8, 0.6], [0.9, 0.4], [0.7, 0.7], [-1.0, 0.0], [-1.0, 0.1]]
    embedding, labels = torch.tensor(points, dtype=torch.float64), [0, 0, 1, 1, 2, 2]
    loss = build(Config(name="multi_similarity"))
    expected = slowly(embedding, labels)
    assert loss_of(loss, embedding, labels).item() == pytest.approx(expected)
    alone = slowly(embedding[:4], labels[:4])
    assert expected == pytest.approx(alone * 4 / 6)
