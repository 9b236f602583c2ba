"""Triplet loss with the hardest or with weighted examples."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from vreid.losses.outputs import Outputs, summed
from vreid.losses.pairs import Pairs, cosine_similarities, mean_over, pairs_of
from vreid.params.losses import Triplet as TripletConfig


class Triplet(nn.Module):
    """Mean over anchors of max(d(a, p) - d(a, n) + margin, 0), summed over the model's embeddings.

    Eq. 3 of the SE-DenseNet paper, Eq. 14 of the DpA paper; with the margin "soft", the hinge gives way to
    log(1 + exp(d(a, p) - d(a, n))). The distance d is the Euclidean one of the embeddings as they are, or
    1 - cosine similarity (then Eq. 3 of the ALSA paper).

    Every image of the batch is an anchor. Hard mining takes as p the image of its identity farthest from it
    and as n the nearest image of another (Hermans et al., "In Defense of the Triplet Loss for Person
    Re-Identification", 2017); where papers name no mining, their P x K batches are made for this one.
    Weighted mining takes for d(a, p) the mean over all positives weighted by the softmax of their distances,
    and for d(a, n) the mean over all negatives weighted by the softmax of minus theirs (Ye et al., "Deep
    Learning for Person Re-identification: A Survey and Outlook", 2021). Public implementations count the
    anchor, at distance 0, among its own positives; here it is none.

    Anchors without a positive or without a negative in the batch do not count; if none counts, the
    loss and its gradient are 0. Anchors that keep the margin count with 0. Where two embeddings
    coincide, the gradient of their distance is taken as 0.

    The tests hold hard mining equal to pytorch-metric-learning's TripletMarginLoss with BatchHardMiner and
    MeanReducer. Importing that library costs every training process two seconds, so it is not used.
    """

    def __init__(self, config: TripletConfig) -> None:
        super().__init__()
        self.margin = config.margin
        self._distances = _euclidean if config.distance == "euclidean" else _cosine
        self._mined = _hardest if config.mining == "hard" else _weighted

    def forward(self, output: Outputs, labels: Tensor) -> Tensor:
        """Return the scalar loss for `labels` (B,), int64."""
        return summed(lambda embedding: self._of(embedding, labels), output.embeddings)

    def _of(self, embedding: Tensor, labels: Tensor) -> Tensor:
        pairs = pairs_of(labels)
        positive, negative = self._mined(self._distances(embedding), pairs)
        gap = positive - negative
        losses = functional.softplus(gap) if self.margin == "soft" else functional.relu(gap + self.margin)
        return mean_over(losses, pairs.anchors())


def build(config: TripletConfig) -> Triplet:
    """Return the loss that `config` describes."""
    return Triplet(config)


def _euclidean(embedding: Tensor) -> Tensor:
    # Without the expansion into inner products, which loses the digits of small distances.
    return torch.cdist(embedding, embedding, compute_mode="donot_use_mm_for_euclid_dist")


def _cosine(embedding: Tensor) -> Tensor:
    return 1 - cosine_similarities(embedding)


def _hardest(distances: Tensor, pairs: Pairs) -> tuple[Tensor, Tensor]:
    # A maximum over nothing is -inf, a minimum inf: such anchors do not count.
    farthest = distances.masked_fill(~pairs.positive, -torch.inf).amax(dim=1)
    nearest = distances.masked_fill(~pairs.negative, torch.inf).amin(dim=1)
    return farthest, nearest


def _weighted(distances: Tensor, pairs: Pairs) -> tuple[Tensor, Tensor]:
    return (
        (_softmax(distances, pairs.positive) * distances).sum(dim=1),
        (_softmax(-distances, pairs.negative) * distances).sum(dim=1),
    )


def _softmax(values: Tensor, among: Tensor) -> Tensor:
    """Return the softmax of each row over the entries that `among` marks and 0 elsewhere."""
    lowest = torch.finfo(values.dtype).min
    return values.masked_fill(~among, lowest).softmax(dim=1) * among
