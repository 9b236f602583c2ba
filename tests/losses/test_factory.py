from types import SimpleNamespace

import pytest
import torch

from vreid.losses.factory import build_losses
from vreid.params.errors import UserError
from vreid.params.losses import CrossEntropy, Focal, Triplet

LABELS = torch.tensor([0, 0, 1, 1])


@pytest.fixture
def output():
    torch.manual_seed(0)
    return SimpleNamespace(
        logits=(torch.randn(4, 3, requires_grad=True),),
        embeddings=(torch.randn(4, 5, requires_grad=True),),
    )


@pytest.mark.usefixtures("float64")
def test_total_is_the_weighted_sum_of_the_named_terms(output):
    joint = build_losses([Triplet(name="triplet", margin=0.3), Focal(name="focal", gamma=2.0, weight=0.25)])
    total, terms = joint(output, LABELS)
    assert list(terms) == ["triplet", "focal"]
    assert torch.allclose(total, terms["triplet"] + 0.25 * terms["focal"])
    assert total.requires_grad
    assert not any(term.requires_grad for term in terms.values())


@pytest.mark.usefixtures("float64")
def test_gradient_is_the_weighted_sum_of_the_terms_gradients(output):
    (logits,) = output.logits
    alone, _ = build_losses([CrossEntropy(name="cross_entropy")])(output, LABELS)
    (expected,) = torch.autograd.grad(alone, logits)
    joint = build_losses(
        [Triplet(name="triplet", margin=0.3), CrossEntropy(name="cross_entropy", weight=3.0)]
    )
    total, _ = joint(output, LABELS)
    (actual,) = torch.autograd.grad(total, logits)
    assert torch.allclose(actual, 3 * expected)


def test_gamma_0_trains_like_cross_entropy_to_the_last_bit(output):
    # The check of Figure 6: its point at gamma 0 is Table 1's row without the focal loss.
    results = []
    for term in (CrossEntropy(name="cross_entropy"), Focal(name="focal", gamma=0.0)):
        total, _ = build_losses([Triplet(name="triplet", margin=0.3), term])(output, LABELS)
        gradients = torch.autograd.grad(total, [*output.logits, *output.embeddings])
        results.append((total, *gradients))
    assert all(torch.equal(one, two) for one, two in zip(*results, strict=True))


def test_loss_named_twice_is_refused():
    with pytest.raises(UserError, match="triplet more than once"):
        build_losses([Triplet(name="triplet", margin=0.3), Triplet(name="triplet", margin=0.1)])


def test_no_loss_is_refused():
    with pytest.raises(UserError, match="`losses` is empty"):
        build_losses([])
