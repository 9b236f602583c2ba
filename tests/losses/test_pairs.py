"""What all losses on pairs of a batch have in common."""

from types import SimpleNamespace

import pytest
import torch
from tests.losses.pairwise import BATCHES, WHOLE, embeddings_of, loss_of

from vreid.losses.factory import build_losses
from vreid.losses.pairs import cosine_similarities, log_sum_exp, mean_over, pairs_of
from vreid.params.losses import Circle, LogTriplet, MultiSimilarity, RecallAtK, SupCon, Triplet, UniCon

LOSSES = {
    "hard triplet": Triplet(name="triplet", margin=0.3),
    "soft triplet": Triplet(name="triplet", margin="soft"),
    "cosine triplet": Triplet(name="triplet", margin=0.1, distance="cosine"),
    "weighted triplet": Triplet(name="triplet", margin="soft", mining="weighted"),
    "weighted cosine triplet": Triplet(name="triplet", margin=0.3, mining="weighted", distance="cosine"),
    "circle": Circle(name="circle"),
    "multi-similarity": MultiSimilarity(name="multi_similarity"),
    "supcon": SupCon(name="supcon"),
    "unicon": UniCon(name="unicon"),
    "log-triplet": LogTriplet(name="log_triplet"),
    "log-triplet with hinge": LogTriplet(name="log_triplet", hinge=True),
    "recall at k": RecallAtK(name="recall_at_k"),
}
NEEDS_NEGATIVES = [name for name in LOSSES if name not in ("supcon", "recall at k")]


def built(name):
    joint = build_losses([LOSSES[name]])
    return lambda embedding, labels: joint(
        SimpleNamespace(logits=(), embeddings=(embedding,)), torch.as_tensor(labels)
    )[0]


@pytest.mark.parametrize("labels", BATCHES.values(), ids=BATCHES.keys())
@pytest.mark.parametrize("scale", [0.0, 1e-3, 1.0, 1e3])
@pytest.mark.parametrize("name", LOSSES)
def test_value_and_gradient_are_finite_on_every_batch(name, scale, labels):
    embedding = (scale * embeddings_of(labels).float()).requires_grad_()
    value = built(name)(embedding, labels)
    value.backward()
    assert value.isfinite()
    assert embedding.grad.isfinite().all()


@pytest.mark.parametrize("labels", BATCHES.values(), ids=BATCHES.keys())
@pytest.mark.parametrize("name", LOSSES)
def test_value_and_gradient_are_finite_where_all_embeddings_coincide(name, labels):
    embedding = torch.full((len(labels), 3), 0.7, requires_grad=True)
    value = built(name)(embedding, labels)
    value.backward()
    assert value.isfinite()
    assert embedding.grad.isfinite().all()


@pytest.mark.parametrize("labels", [BATCHES["all ids alone"], BATCHES["one image"]])
@pytest.mark.parametrize("name", LOSSES)
def test_batch_without_positives_costs_nothing(name, labels):
    embedding = embeddings_of(labels).requires_grad_()
    value = built(name)(embedding, labels)
    value.backward()
    assert value == 0
    assert embedding.grad.eq(0).all()


@pytest.mark.parametrize("name", NEEDS_NEGATIVES)
def test_batch_without_negatives_costs_nothing(name):
    embedding = embeddings_of(BATCHES["one id"]).requires_grad_()
    value = built(name)(embedding, BATCHES["one id"])
    value.backward()
    assert value == 0
    assert embedding.grad.eq(0).all()


@pytest.mark.parametrize("name", LOSSES)
def test_order_of_the_batch_does_not_matter(name):
    labels = torch.tensor(BATCHES["P x K"])
    embedding = embeddings_of(labels)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))
    value = built(name)(embedding[order], labels[order])
    assert torch.allclose(value, built(name)(embedding, labels))


@pytest.mark.parametrize("labels", [BATCHES[name] for name in WHOLE], ids=WHOLE)
@pytest.mark.parametrize("name", [name for name in LOSSES if name != "circle"])
def test_gradient_is_that_of_finite_differences(name, labels):
    # Circle's weights carry no gradient, so its gradient is not its value's; its own test compares it.
    embedding = embeddings_of(labels, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda points: built(name)(points, labels), (embedding,))


@pytest.mark.parametrize("name", LOSSES)
def test_autocast_changes_no_bit(name):
    labels = BATCHES["P x K"]
    ours, theirs = (embeddings_of(labels).float().requires_grad_() for _ in range(2))
    value = built(name)(ours, labels)
    with torch.autocast("cpu", torch.bfloat16):
        under = built(name)(theirs, labels)
    assert under.dtype == torch.float32
    assert torch.equal(value, under)
    value.backward()
    under.backward()
    assert torch.equal(ours.grad, theirs.grad)


def test_several_embeddings_are_summed():
    labels = torch.tensor(BATCHES["shuffled"])
    one, two = embeddings_of(labels), embeddings_of(labels, 7)
    for name, config in LOSSES.items():
        total, _ = build_losses([config])(SimpleNamespace(logits=(), embeddings=(one, two)), labels)
        assert torch.allclose(total, built(name)(one, labels) + built(name)(two, labels)), name


def test_positives_share_the_label_and_are_not_the_anchor():
    pairs = pairs_of(torch.tensor([4, 7, 4]))
    assert pairs.positive.tolist() == [[False, False, True], [False, False, False], [True, False, False]]
    assert pairs.negative.tolist() == [[False, True, False], [True, False, True], [False, True, False]]
    assert pairs.anchors().tolist() == [True, False, True]


@pytest.mark.usefixtures("float64")
def test_cosines_do_not_depend_on_lengths():
    embedding = torch.tensor([[3.0, 0.0], [1.0, 1.0], [0.0, -2.0]])
    half = 0.5**0.5
    expected = torch.tensor([[1, half, 0], [half, 1, -half], [0, -half, 1]])
    assert torch.allclose(cosine_similarities(embedding), expected)


@pytest.mark.usefixtures("float64")
def test_log_of_no_summand_is_minus_infinity_without_a_gradient():
    values = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    result = log_sum_exp(values, torch.tensor([[True, True], [False, False]]))
    assert torch.allclose(result, torch.tensor([2.3132617, -torch.inf]))
    mean_over(result, torch.tensor([True, False])).backward()
    assert torch.allclose(values.grad, torch.tensor([[0.2689414, 0.7310586], [0.0, 0.0]]))


def test_loss_of_a_batch_in_float64_stays_in_it():
    value = loss_of(build_losses([LOSSES["circle"]]), embeddings_of([0, 0, 1]), [0, 0, 1])[0]
    assert value.dtype == torch.float64
