import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.miners import BatchHardMiner
from pytorch_metric_learning.reducers import MeanReducer
from tests.losses.pairwise import BATCHES, anchors, cosine, embeddings_of, mean

from vreid.losses.triplet import build
from vreid.params.losses import Triplet as Config


def loss_of(embeddings, labels, margin=0.3):
    loss = build(Config(name="triplet", margin=margin))
    return loss(SimpleNamespace(logits=(), embeddings=embeddings), labels)


def slowly(embedding, labels, margin):
    points, names = embedding.tolist(), labels.tolist()
    losses = []
    for a, (anchor, name) in enumerate(zip(points, names, strict=True)):
        others = [(math.dist(anchor, points[b]), names[b]) for b in range(len(names)) if b != a]
        positives = [distance for distance, n in others if n == name]
        negatives = [distance for distance, n in others if n != name]
        if positives and negatives:
            losses.append(max(max(positives) - min(negatives) + margin, 0.0))
    return sum(losses) / len(losses) if losses else 0.0


MINING = {
    "hard": (max, min),
    "weighted": (
        lambda distances: weighted(distances, [math.exp(d) for d in distances]),
        lambda distances: weighted(distances, [math.exp(-d) for d in distances]),
    ),
}
DISTANCES = {"euclidean": math.dist, "cosine": lambda one, two: 1 - cosine(one, two)}


def weighted(values, weights):
    return sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("margin", [0.0, 0.3, 5.0])
@pytest.mark.parametrize("labels", BATCHES.values(), ids=BATCHES.keys())
def test_equals_a_search_over_all_pairs(labels, margin):
    torch.manual_seed(0)
    labels = torch.tensor(labels)
    embedding = torch.randn(len(labels), 4)
    expected = slowly(embedding, labels, margin)
    assert loss_of((embedding,), labels, margin).item() == pytest.approx(expected)


@settings(deadline=None)
@given(data=st.data())
def test_equals_a_search_over_all_pairs_on_any_batch(data):
    size = data.draw(st.integers(1, 8))
    labels = torch.tensor(data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size)))
    # Whole numbers make ties and coinciding embeddings common.
    points = st.lists(st.integers(-3, 3), min_size=2, max_size=2)
    numbers = data.draw(st.lists(points, min_size=size, max_size=size))
    embedding = torch.tensor(numbers, dtype=torch.float64, requires_grad=True)
    value = loss_of((embedding,), labels)
    assert value.item() == pytest.approx(slowly(embedding, labels, 0.3))
    value.backward()
    assert embedding.grad.isfinite().all()


@pytest.mark.parametrize("margin", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("labels", BATCHES.values(), ids=BATCHES.keys())
def test_equals_pytorch_metric_learning(labels, margin):
    torch.manual_seed(0)
    labels = torch.tensor(labels)
    embedding = torch.randn(len(labels), 16, dtype=torch.float64)
    ours, theirs = embedding.clone().requires_grad_(), embedding.clone().requires_grad_()
    distance = LpDistance(normalize_embeddings=False)
    loss = TripletMarginLoss(margin=margin, distance=distance, reducer=MeanReducer())
    expected = loss(theirs, labels, BatchHardMiner(distance=distance)(theirs, labels))
    value = loss_of((ours,), labels, margin)
    assert torch.allclose(value, expected)
    value.backward()
    expected.backward()
    other = torch.zeros_like(ours) if theirs.grad is None else theirs.grad
    assert torch.allclose(ours.grad, other)


@pytest.mark.parametrize("margin", [0.3, "soft"])
@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("mining", MINING)
@pytest.mark.parametrize("labels", BATCHES.values(), ids=BATCHES.keys())
def test_every_form_equals_its_definition(labels, mining, distance, margin):
    farthest, nearest = MINING[mining]
    losses = []
    embedding = embeddings_of(labels)
    for positives, negatives in anchors(embedding, labels, DISTANCES[distance]):
        if positives and negatives:
            gap = farthest(positives) - nearest(negatives)
            losses.append(math.log1p(math.exp(gap)) if margin == "soft" else max(gap + margin, 0.0))
    loss = build(Config(name="triplet", margin=margin, mining=mining, distance=distance))
    value = loss(SimpleNamespace(logits=(), embeddings=(embedding,)), torch.tensor(labels))
    assert value.item() == pytest.approx(mean(losses), rel=1e-9)


def test_weights_of_far_apart_images_do_not_overflow():
    embedding = torch.tensor([[0.0], [3000.0], [1.0], [5000.0]], requires_grad=True)
    loss = build(Config(name="triplet", margin="soft", mining="weighted"))
    value = loss(SimpleNamespace(embeddings=(embedding,)), torch.tensor([0, 0, 1, 1]))
    value.backward()
    # Distances this large leave one image all the weight, as in hard mining.
    assert value.item() == pytest.approx((3000 - 1 + 3000 - 2000 + 4999 - 1 + 4999 - 2000) / 4)
    assert embedding.grad.isfinite().all()


@pytest.mark.usefixtures("float64")
def test_value_by_hand():
    # Anchor at 0: positive at 3, negative at 1, 3 - 1 + .3. Anchor at 3: 3 - 2 + .3. The image at 1
    # has no positive and does not count.
    embedding = torch.tensor([[0.0], [3.0], [1.0]])
    value = loss_of((embedding,), torch.tensor([0, 0, 1]))
    assert value.item() == pytest.approx((2.3 + 1.3) / 2)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("labels", BATCHES.values(), ids=BATCHES.keys())
def test_coinciding_embeddings_give_the_margin_and_a_gradient_of_0(labels):
    labels = torch.tensor(labels)
    embedding = torch.ones(len(labels), 3, requires_grad=True)
    value = loss_of((embedding,), labels)
    value.backward()
    assert value.item() == pytest.approx(slowly(embedding, labels, 0.3))
    assert embedding.grad.eq(0).all()


@pytest.mark.parametrize("labels", [BATCHES["one id"], BATCHES["all ids alone"]])
def test_batch_without_a_triplet_gives_0_that_can_still_be_differentiated(labels):
    embedding = torch.randn(len(labels), 3, requires_grad=True)
    value = loss_of((embedding,), torch.tensor(labels))
    assert value.item() == 0
    value.backward()
    assert embedding.grad.eq(0).all()


def test_small_distances_far_from_the_origin_keep_their_digits():
    embedding = torch.tensor([[1000.0], [1000.5], [1002.0], [1002.25]])
    value = loss_of((embedding,), torch.tensor([0, 0, 1, 1]), margin=2.0)
    assert value.item() == pytest.approx((0.5 + 1.0 + 0.75 + 0.5) / 4)


def test_gradient_is_that_of_finite_differences():
    torch.manual_seed(0)
    embedding = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    assert torch.autograd.gradcheck(lambda x: loss_of((x,), labels, 1.0), (embedding,))


@pytest.mark.usefixtures("float64")
def test_several_embeddings_are_summed():
    torch.manual_seed(0)
    one, two = torch.randn(4, 3), torch.randn(4, 5)
    labels = torch.tensor([0, 1, 1, 0])
    assert torch.allclose(loss_of((one, two), labels), loss_of((one,), labels) + loss_of((two,), labels))
