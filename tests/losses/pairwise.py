"""What the tests of the losses on pairs share: batches, outputs, and a slow view of a batch."""

import math
from types import SimpleNamespace

import torch

BATCHES = {
    "P x K": [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2],
    "shuffled": [2, 0, 1, 2, 1, 0],
    "an id alone": [0, 0, 1, 2, 2],
    "one id": [3, 3, 3],
    "all ids alone": [0, 1, 2, 3],
    "one image": [0],
}
WHOLE = ("P x K", "shuffled")


def embeddings_of(labels, dimensions=5):
    torch.manual_seed(0)
    return torch.randn(len(labels), dimensions, dtype=torch.float64)


def loss_of(loss, embedding, labels):
    return loss(SimpleNamespace(logits=(), embeddings=(embedding,)), torch.as_tensor(labels))


def cosine(one, two):
    dot = sum(a * b for a, b in zip(one, two, strict=True))
    return dot / math.hypot(*one) / math.hypot(*two)


def anchors(embedding, labels, value=cosine):
    """Yield, for each image, the values of its pairs with positives and with negatives."""
    points = embedding.tolist()
    for a, (anchor, label) in enumerate(zip(points, labels, strict=True)):
        others = [(value(anchor, point), labels[b]) for b, point in enumerate(points) if b != a]
        yield [v for v, other in others if other == label], [v for v, other in others if other != label]


def mean(values):
    values = list(values)
    return sum(values) / len(values) if values else 0.0
