import math
from types import SimpleNamespace

import pytest
import torch

from vreid.losses.circle_softmax import build
from vreid.params.losses import CircleSoftmax as Config


def loss_of(cosines, labels, **settings):
    loss = build(Config(name="circle_softmax", **settings))
    return loss(SimpleNamespace(logits=cosines, embeddings=()), torch.as_tensor(labels))


def cosines_of(images, classes):
    torch.manual_seed(0)
    return torch.rand(images, classes, dtype=torch.float64) * 2 - 1


def slowly(cosines, labels, s, m, smoothing):
    losses = []
    for row, label in zip(cosines.tolist(), labels, strict=True):
        scores = [s * max(c + m, 0) * (c - m) for c in row]
        scores[label] = s * max(1 + m - row[label], 0) * (row[label] - (1 - m))
        total = math.log(sum(math.exp(score) for score in scores))
        for number, score in enumerate(scores):
            target = smoothing / len(row) + (1 - smoothing) * (number == label)
            losses.append(target * (total - score))
    return sum(losses) / len(labels)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize(("s", "m"), [(64.0, 0.35), (10.0, 0.25), (1.0, 0.0)])
def test_equals_the_definition_number_by_number(s, m, smoothing):
    cosines, labels = cosines_of(5, 7), [0, 6, 3, 3, 1]
    value = loss_of((cosines,), labels, scale=s, margin=m, label_smoothing=smoothing)
    assert value.item() == pytest.approx(slowly(cosines, labels, s, m, smoothing), rel=1e-10)


def test_is_the_circle_loss_of_class_similarities():
    # log(1 + sum_n exp(s a_n (c_n - m)) exp(-s a_p (c_p - 1 + m))), the form with one positive.
    cosines, s, m = cosines_of(1, 4), 64.0, 0.35
    own, *others = cosines[0].tolist()
    to_others = sum(math.exp(s * max(c + m, 0) * (c - m)) for c in others)
    to_own = math.exp(-s * max(1 + m - own, 0) * (own - 1 + m))
    value = loss_of((cosines,), [0], scale=s, margin=m)
    assert value.item() == pytest.approx(math.log1p(to_others * to_own))


def test_weights_carry_no_gradient():
    # d loss / d c_j = s a_j (p_j - 1[j = y]) with a_j as a constant.
    s, m = 8.0, 0.35
    cosines = torch.tensor([[0.5, -0.2, -0.9]], dtype=torch.float64, requires_grad=True)
    loss_of((cosines,), [0], scale=s, margin=m).backward()
    weights = [1 + m - 0.5, -0.2 + m, 0.0]
    scores = [s * weights[0] * (0.5 - 1 + m), s * weights[1] * (-0.2 - m), 0.0]
    total = sum(math.exp(score) for score in scores)
    p = [math.exp(score) / total for score in scores]
    expected = [s * weights[0] * (p[0] - 1), s * weights[1] * p[1], 0.0]
    assert cosines.grad[0].tolist() == pytest.approx(expected)


@pytest.mark.parametrize("cosine", [-1.0, 0.0, 1.0])
def test_extreme_cosines_have_finite_values_and_gradients(cosine):
    cosines = torch.full((3, 600), cosine, requires_grad=True)
    value = loss_of((cosines,), [0, 1, 2], label_smoothing=0.1)
    value.backward()
    assert value.isfinite()
    assert cosines.grad.isfinite().all()


def test_several_classifiers_are_summed():
    one, two = cosines_of(4, 3), -cosines_of(4, 3)
    total = loss_of((one, two), [0, 1, 2, 0])
    assert torch.allclose(total, loss_of((one,), [0, 1, 2, 0]) + loss_of((two,), [0, 1, 2, 0]))
