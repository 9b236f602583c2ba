"""What the losses on pairs of a batch share: who goes with whom, how alike they are, sums and means."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class Pairs(NamedTuple):
    """Which images of a batch are an anchor's positives and negatives, each (B, B), a row per anchor."""

    positive: Tensor
    negative: Tensor

    def anchors(self) -> Tensor:
        """Return which images (B,) have both a positive and a negative in the batch."""
        return self.positive.any(dim=1) & self.negative.any(dim=1)


def pairs_of(labels: Tensor) -> Pairs:
    """Return the pairs of `labels` (B,): positives share the anchor's label and are not the anchor itself."""
    negative = labels[:, None] != labels[None, :]
    positive = ~negative
    positive.fill_diagonal_(False)
    return Pairs(positive, negative)


def cosine_similarities(embedding: Tensor) -> Tensor:
    """Return the cosine of the angle between any two of `embedding` (B, D), as (B, B) in [-1, 1]."""
    directions = functional.normalize(embedding, dim=1)
    return directions @ directions.T


def log_sum_exp(values: Tensor, among: Tensor) -> Tensor:
    """Return log(sum of exp(values)) over the entries that `among` marks, row by row.

    It is -inf where none is marked. Entries that are not marked get the gradient 0 even then.
    """
    return values.masked_fill(~among, -torch.inf).logsumexp(dim=1)


def mean_over(values: Tensor, counted: Tensor) -> Tensor:
    """Return the mean of those of `values` (B,) that are `counted`; 0, with gradient 0, if none is."""
    return values.where(counted, 0.0).sum() / counted.sum().clamp_min(1)
