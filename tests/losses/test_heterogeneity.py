import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vreid.losses.heterogeneity import build
from vreid.params.errors import UserError
from vreid.params.losses import Heterogeneity as Config


def loss_of(*streams, form="paper"):
    loss = build(Config(name="heterogeneity", form=form))
    return loss(SimpleNamespace(streams=streams), torch.zeros(1, dtype=torch.int64))


def scores_of(streams, images=4, classes=6):
    torch.manual_seed(0)
    return [3 * torch.randn(images, classes, dtype=torch.float64) for _ in range(streams)]


def softmax(row):
    total = sum(math.exp(score) for score in row)
    return [math.exp(score) / total for score in row]


def unit(row):
    return [score / math.hypot(*row) for score in row]


@pytest.mark.parametrize(("form", "normalised"), [("paper", softmax), ("released", unit)])
@pytest.mark.parametrize("streams", [2, 3])
def test_equals_equation_5_number_by_number(streams, form, normalised):
    scores = scores_of(streams)
    losses = []
    for rows in zip(*(stream.tolist() for stream in scores), strict=True):
        parts = [normalised(row) for row in rows]
        losses.append(1 - sum(math.prod(column) for column in zip(*parts, strict=True)))
    expected = sum(losses) / len(losses) if form == "paper" else sum(losses)
    assert loss_of(*scores, form=form).item() == pytest.approx(expected)


@pytest.mark.parametrize("streams", [2, 3])
def test_spectra_sure_of_the_same_identity_cost_nothing(streams):
    sure = 1000 * torch.eye(5)
    assert loss_of(*[sure] * streams) == 0


def test_spectra_sure_of_different_identities_cost_1():
    sure = 1000 * torch.eye(5)
    assert loss_of(sure, sure.roll(1, dims=1)) == 1


def test_identical_scores_cost_nothing_in_the_released_form_of_two():
    scores, _ = scores_of(2)
    assert loss_of(scores, scores, form="released").item() == pytest.approx(0, abs=1e-12)


@settings(deadline=None)
@given(st.lists(st.lists(st.floats(-1000, 1000, width=32), min_size=6, max_size=6), min_size=2, max_size=4))
def test_lies_between_0_and_1_with_a_finite_gradient(rows):
    streams = [torch.tensor(row).view(2, 3).requires_grad_() for row in rows]
    value = loss_of(*streams)
    value.backward()
    assert -1e-6 <= value.item() <= 1
    assert all(stream.grad.isfinite().all() for stream in streams)


@pytest.mark.parametrize("form", ["paper", "released"])
def test_gradient_is_that_of_finite_differences(form):
    streams = [stream.requires_grad_() for stream in scores_of(3)]
    assert torch.autograd.gradcheck(lambda *scores: loss_of(*scores, form=form), streams)


@pytest.mark.parametrize("streams", [0, 1])
def test_fewer_than_two_streams_are_refused(streams):
    with pytest.raises(UserError, match=f"puts out {streams}"):
        loss_of(*scores_of(streams))
