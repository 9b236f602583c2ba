import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vreid.losses import cross_entropy, focal
from vreid.params.losses import CrossEntropy as CrossEntropyConfig
from vreid.params.losses import Focal as Config


def loss_of(logits, labels, gamma):
    loss = focal.build(Config(name="focal", gamma=gamma))
    return loss(SimpleNamespace(logits=logits, embeddings=()), labels)


def cross_entropy_of(logits, labels):
    loss = cross_entropy.build(CrossEntropyConfig(name="cross_entropy"))
    return loss(SimpleNamespace(logits=logits, embeddings=()), labels)


def slowly(logits, labels, gamma):
    losses = []
    for scores, label in zip(logits.tolist(), labels.tolist(), strict=True):
        exponentials = [math.exp(score) for score in scores]
        p = exponentials[label] / sum(exponentials)
        losses.append(-((1 - p) ** gamma) * math.log(p))
    return sum(losses) / len(losses)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 3.0, 5.0])
@pytest.mark.parametrize("shape", [(1, 2), (6, 9)])
def test_equals_equation_5_computed_number_by_number(shape, gamma):
    torch.manual_seed(0)
    logits = torch.randn(shape) * 2
    labels = torch.randint(shape[1], (shape[0],))
    expected = slowly(logits, labels, gamma)
    assert loss_of((logits,), labels, gamma).item() == pytest.approx(expected)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("p", "weight"), [(0.9, 0.01), (0.5, 0.25), (0.1, 0.81)])
def test_gamma_2_weighs_by_the_square_of_what_is_missing(p, weight):
    logits = torch.tensor([[math.log(p), math.log(1 - p)]])
    value = loss_of((logits,), torch.tensor([0]), 2.0).item()
    assert value == pytest.approx(-weight * math.log(p))


@pytest.mark.parametrize("scale", [0.1, 3.0, 200.0])
@pytest.mark.parametrize("classifiers", [1, 2])
def test_gamma_0_is_cross_entropy_to_the_last_bit(scale, classifiers):
    torch.manual_seed(0)
    labels = torch.randint(11, (37,))
    tensors = [torch.randn(37, 11) * scale for _ in range(classifiers)]
    ours = tuple(tensor.clone().requires_grad_() for tensor in tensors)
    theirs = tuple(tensor.clone().requires_grad_() for tensor in tensors)
    value, expected = loss_of(ours, labels, 0.0), cross_entropy_of(theirs, labels)
    assert torch.equal(value, expected)
    value.backward()
    expected.backward()
    for one, two in zip(ours, theirs, strict=True):
        assert torch.equal(one.grad, two.grad)


@pytest.mark.parametrize("gamma", [0.01, 0.5, 1.0, 2.0])
def test_certain_images_have_a_finite_gradient(gamma):
    # p rounds to 1 in the first row, to the number before 1 in the second, to 0 in the third.
    logits = torch.tensor([[500.0, 0.0], [16.0, 0.0], [-500.0, 0.0]], requires_grad=True)
    loss_of((logits,), torch.zeros(3, dtype=torch.int64), gamma).backward()
    assert logits.grad.isfinite().all()
    assert logits.grad[0].eq(0).all()
    assert torch.allclose(logits.grad[2], torch.tensor([-1 / 3, 1 / 3]))


@settings(deadline=None)
@given(
    logits=st.lists(
        st.lists(st.floats(-1000, 1000, width=32), min_size=3, max_size=3), min_size=1, max_size=5
    ),
    gamma=st.floats(0, 10),
)
def test_lies_between_0_and_cross_entropy_and_never_breaks(logits, gamma):
    scores = torch.tensor(logits, requires_grad=True)
    labels = torch.arange(len(logits)) % 3
    value = loss_of((scores,), labels, gamma)
    value.backward()
    assert 0 <= value.item() <= cross_entropy_of((scores,), labels).item()
    assert scores.grad.isfinite().all()


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_gradient_is_that_of_finite_differences(gamma):
    torch.manual_seed(0)
    logits = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 4, 2, 2])
    assert torch.autograd.gradcheck(lambda scores: loss_of((scores,), labels, gamma), (logits,))


@pytest.mark.usefixtures("float64")
def test_several_classifiers_are_summed():
    torch.manual_seed(0)
    one, two = torch.randn(4, 3), torch.randn(4, 3)
    labels = torch.tensor([0, 1, 2, 0])
    total = loss_of((one, two), labels, 2.0)
    assert torch.allclose(total, loss_of((one,), labels, 2.0) + loss_of((two,), labels, 2.0))
