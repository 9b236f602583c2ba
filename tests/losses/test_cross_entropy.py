import math
from types import SimpleNamespace

import pytest
import torch

from vreid.losses.cross_entropy import build
from vreid.params.losses import CrossEntropy as Config


def loss_of(logits, labels, smoothing=0.0):
    loss = build(Config(name="cross_entropy", label_smoothing=smoothing))
    return loss(SimpleNamespace(logits=logits, embeddings=()), labels)


def slowly(logits, labels, smoothing):
    total = 0.0
    for scores, label in zip(logits.tolist(), labels.tolist(), strict=True):
        sum_of_exponentials = sum(math.exp(score) for score in scores)
        for number, score in enumerate(scores):
            target = smoothing / len(scores) + (1 - smoothing) * (number == label)
            total -= target * math.log(math.exp(score) / sum_of_exponentials)
    return total / len(labels)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("shape", [(1, 2), (5, 7)])
def test_equals_the_definition_summed_number_by_number(shape, smoothing):
    torch.manual_seed(0)
    logits = torch.randn(shape) * 3
    labels = torch.randint(shape[1], (shape[0],))
    expected = slowly(logits, labels, smoothing)
    assert loss_of((logits,), labels, smoothing).item() == pytest.approx(expected)


@pytest.mark.usefixtures("float64")
def test_several_classifiers_are_summed():
    torch.manual_seed(0)
    one, two = torch.randn(4, 3), torch.randn(4, 3)
    labels = torch.tensor([0, 1, 2, 0])
    total = loss_of((one, two), labels)
    assert torch.allclose(total, loss_of((one,), labels) + loss_of((two,), labels))


@pytest.mark.usefixtures("float64")
def test_uniform_scores_cost_the_logarithm_of_the_classes():
    assert loss_of((torch.zeros(3, 576),), torch.arange(3)).item() == pytest.approx(math.log(576))


def test_model_in_eval_mode_has_no_scores():
    with pytest.raises(ValueError, match="holds nothing"):
        loss_of((), torch.tensor([0]))
