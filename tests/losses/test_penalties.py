from types import SimpleNamespace

import pytest
import torch

from vreid.losses.penalties import build
from vreid.params.errors import UserError
from vreid.params.losses import Penalties as Config


def loss_of(*penalties):
    return build(Config(name="penalties"))(SimpleNamespace(penalties=penalties), torch.tensor([0]))


def test_is_the_sum_of_what_the_model_puts_out():
    one, two = torch.tensor(1.5, requires_grad=True), torch.tensor(-0.25, requires_grad=True)
    value = loss_of(one, two)
    value.backward()
    assert value == 1.25
    assert one.grad == two.grad == 1


def test_model_without_penalties_is_refused():
    with pytest.raises(UserError, match="no penalties"):
        loss_of()
