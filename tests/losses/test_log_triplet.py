import math

import pytest
import torch
from tests.losses.pairwise import BATCHES, anchors, embeddings_of, loss_of, mean

from vreid.losses import triplet, unicon
from vreid.losses.log_triplet import build
from vreid.params.losses import LogTriplet as Config
from vreid.params.losses import Triplet, UniCon


def loss(**settings):
    return build(Config(name="log_triplet", **settings))


def slowly(embedding, labels, t, m, *, hinge):
    losses = []
    for positives, negatives in anchors(embedding, labels):
        if positives and negatives:
            product = 0.0
            for ag in negatives:
                for ap in positives:
                    product += math.exp(ag / t) * math.exp(-ap / t)
            value = t * math.log(product) + m
            losses.append(max(0.0, value) if hinge else value)
    return mean(losses)


@pytest.mark.parametrize("hinge", [False, True])
@pytest.mark.parametrize(("t", "m"), [(0.07, 0.1), (1.0, 0.0), (0.5, -0.2)])
@pytest.mark.parametrize("labels", BATCHES.values(), ids=BATCHES.keys())
def test_equals_equation_15_summed_pair_by_pair(labels, t, m, hinge):
    embedding = embeddings_of(labels)
    value = loss_of(loss(temperature=t, margin=m, hinge=hinge), embedding, labels)
    assert value.item() == pytest.approx(slowly(embedding, labels, t, m, hinge=hinge), rel=1e-12)


def test_margin_moves_the_value_and_leaves_every_gradient():
    labels = BATCHES["P x K"]
    gradients, values = [], []
    for m in (0.0, 0.1):
        embedding = embeddings_of(labels).requires_grad_()
        value = loss_of(loss(margin=m), embedding, labels)
        value.backward()
        values.append(value)
        gradients.append(embedding.grad)
    assert torch.allclose(values[1] - values[0], torch.tensor(0.1, dtype=torch.float64))
    assert torch.equal(*gradients)


@pytest.mark.usefixtures("float64")
def test_margin_matters_with_a_hinge():
    # Satisfied by far: cosine 1 to the positive, -1 to the negatives.
    embedding = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]], requires_grad=True)
    value = loss_of(loss(hinge=True), embedding, [0, 0, 1, 1])
    value.backward()
    assert value == 0
    assert embedding.grad.eq(0).all()
    assert loss_of(loss(), embedding, [0, 0, 1, 1]).item() == pytest.approx(-2 + 0.07 * math.log(2) + 0.1)


def test_tends_to_the_hardest_triplet_as_the_temperature_falls():
    labels = BATCHES["P x K"]
    embedding = embeddings_of(labels)
    hardest = triplet.build(Triplet(name="triplet", margin=0.1, distance="cosine"))
    value = loss_of(loss(temperature=1e-5, hinge=True), embedding, labels)
    assert value.item() == pytest.approx(loss_of(hardest, embedding, labels).item(), abs=1e-4)


@pytest.mark.usefixtures("float64")
def test_is_unicon_without_its_one():
    # With a single anchor that counts, log(1 + e^x) of the one is known from x of the other.
    labels = [0, 1, 1, 2]
    embedding = embeddings_of(labels)[:, :2]
    embedding[2] = embedding[1]
    x = loss_of(loss(margin=0.0, temperature=0.2), embedding, labels) / 0.2
    both = loss_of(unicon.build(UniCon(name="unicon", temperature=0.2)), embedding, labels)
    assert both.item() == pytest.approx(math.log1p(math.exp(x.item())))


def test_extreme_similarities_do_not_overflow():
    labels = [0, 0, 1, 1]
    embedding = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]], requires_grad=True)
    value = loss_of(loss(temperature=0.001), embedding, labels)
    value.backward()
    assert value.item() == pytest.approx(2.1, abs=1e-3)
    assert embedding.grad.isfinite().all()
