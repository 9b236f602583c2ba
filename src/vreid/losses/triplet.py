"""Batch-hard triplet loss."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from vreid.losses.outputs import Outputs, summed
from vreid.params.run import Triplet as TripletConfig


class Triplet(nn.Module):
    """Mean over anchors of max(d(a, p) - d(a, n) + margin, 0), summed over the model's embeddings.

    Eq. 3 of the SE-DenseNet paper; d is the Euclidean distance of the embeddings as they are. Every
    image of the batch is an anchor, p the image of its identity farthest from it, n the nearest
    image of another identity (Hermans et al., "In Defense of the Triplet Loss for Person
    Re-Identification", 2017). The paper names no mining; its P x K batches are made for this one.

    Anchors without a positive or without a negative in the batch do not count; if none counts, the
    loss and its gradient are 0. Anchors that keep the margin count with 0. Where two embeddings
    coincide, the gradient of their distance is taken as 0.

    The tests hold it equal to pytorch-metric-learning's TripletMarginLoss with BatchHardMiner and
    MeanReducer. Importing that library costs every training process two seconds, so it is not used.
    """

    def __init__(self, margin: float) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, output: Outputs, labels: Tensor) -> Tensor:
        """Return the scalar loss for `labels` (B,), int64."""
        return summed(lambda embedding: self._of(embedding, labels), output.embeddings)

    def _of(self, embedding: Tensor, labels: Tensor) -> Tensor:
        # Without the expansion into inner products, which loses the digits of small distances.
        distances = torch.cdist(embedding, embedding, compute_mode="donot_use_mm_for_euclid_dist")
        negative = labels[:, None] != labels[None, :]
        positive = ~negative
        positive.fill_diagonal_(False)
        # A maximum over nothing is -inf, a minimum inf: the hinge makes 0 of such anchors.
        farthest = distances.masked_fill(~positive, -torch.inf).amax(dim=1)
        nearest = distances.masked_fill(~negative, torch.inf).amin(dim=1)
        counted = positive.any(dim=1) & negative.any(dim=1)
        hinge = functional.relu(farthest - nearest + self.margin)
        return hinge.sum() / counted.sum().clamp_min(1)


def build(config: TripletConfig) -> Triplet:
    """Return the loss that `config` describes."""
    return Triplet(config.margin)
