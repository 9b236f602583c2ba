"""What a loss needs from a model's output, without knowing any model."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor


class Outputs(Protocol):
    """Scores and embeddings of one batch of B images."""

    @property
    def logits(self) -> tuple[Tensor, ...]:
        """Every classifier's scores, each (B, classes)."""

    @property
    def embeddings(self) -> tuple[Tensor, ...]:
        """Every vector on which metric losses are computed, each (B, D)."""

    @property
    def streams(self) -> tuple[Tensor, ...]:
        """The scores of each spectrum's own classifier, each (B, classes)."""

    @property
    def penalties(self) -> tuple[Tensor, ...]:
        """Scalars that the model itself adds to the loss."""


def summed(loss: Callable[[Tensor], Tensor], tensors: tuple[Tensor, ...]) -> Tensor:
    """Return the sum of the scalar `loss` over `tensors`.

    Raises:
        ValueError: there is no tensor. A model in eval mode, for one, has no classifiers' scores.
    """
    if not tensors:
        raise ValueError("the model's output holds nothing to compute this loss on")
    return torch.stack([loss(tensor) for tensor in tensors]).sum()
