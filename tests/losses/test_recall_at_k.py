import math

import pytest
import torch
from tests.losses.pairwise import BATCHES, cosine, embeddings_of, loss_of, mean

from vreid.losses.recall_at_k import build
from vreid.params.losses import RecallAtK as Config


def loss(**settings):
    return build(Config(name="recall_at_k", **settings))


def sigmoid(x, temperature):
    x = x / temperature
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def literally(embedding, labels, ks, rank_temperature, recall_temperature):
    points, losses = embedding.tolist(), []
    for q, query in enumerate(points):
        database = [b for b in range(len(points)) if b != q]
        similarity = {b: cosine(query, points[b]) for b in database}
        positives = [b for b in database if labels[b] == labels[q]]
        if not positives:
            continue
        for k in ks:
            found = 0.0
            for x in positives:
                rank = 1.0
                for z in database:
                    if z != x:
                        rank += sigmoid(similarity[z] - similarity[x], rank_temperature)
                found += sigmoid(k - rank, recall_temperature)
            losses.append(1 - min(k, found) / min(k, len(positives)))
    return mean(losses)


def recall_at(k, embedding, labels):
    points, recalls = embedding.tolist(), []
    for q, query in enumerate(points):
        others = sorted((b for b in range(len(points)) if b != q), key=lambda b: -cosine(query, points[b]))
        positives = sum(labels[b] == labels[q] for b in others)
        found = sum(labels[b] == labels[q] for b in others[:k])
        recalls.append(found / min(k, positives))
    return mean(recalls)


@pytest.mark.parametrize(("rank_temperature", "recall_temperature"), [(0.01, 1.0), (0.1, 0.2)])
@pytest.mark.parametrize("ks", [(1, 2, 4, 8, 16), (1,), (3,)])
@pytest.mark.parametrize("labels", BATCHES.values(), ids=BATCHES.keys())
def test_equals_its_definition_transcribed(labels, ks, rank_temperature, recall_temperature):
    embedding = embeddings_of(labels)
    ours = loss(ks=ks, rank_temperature=rank_temperature, recall_temperature=recall_temperature)
    expected = literally(embedding, labels, ks, rank_temperature, recall_temperature)
    assert loss_of(ours, embedding, labels).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_is_recall_itself_with_steps_as_sigmoids(k):
    # Half a rank is added to k, as a sigmoid at 0 is a half where the step is 1.
    labels = BATCHES["P x K"]
    embedding = embeddings_of(labels)
    ours = loss(ks=(k,), rank_temperature=1e-9, recall_temperature=1e-3)
    ours.ks = (k + 0.5,)
    value = 1 - loss_of(ours, embedding, labels).item()
    positives = 3
    expected = recall_at(k, embedding, labels) * min(k, positives) / min(k + 0.5, positives)
    assert value == pytest.approx(expected, abs=1e-9)


def test_query_does_not_stand_in_its_own_list():
    # One positive at the top of its list: rank 1, hence sigmoid(1 - 1) = 1/2 at k = 1.
    embedding = torch.tensor([[1.0, 0.0], [0.9, 0.1], [-1.0, 0.0], [-0.9, -0.1]])
    assert loss_of(loss(ks=(1,)), embedding, [0, 0, 1, 1]).item() == pytest.approx(0.5)


def test_better_lists_cost_less():
    labels = BATCHES["P x K"]
    centres = torch.eye(3, 5, dtype=torch.float64)[torch.tensor(labels)]
    noise = embeddings_of(labels)
    costs = [loss_of(loss(), centres + spread * noise, labels).item() for spread in (0.1, 0.5, 1.0, 10.0)]
    assert costs == sorted(costs)
