"""Multi-similarity loss with its miner."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from vreid.losses.outputs import Outputs, summed
from vreid.losses.pairs import Pairs, cosine_similarities, log_sum_exp, mean_over, pairs_of
from vreid.params.losses import MultiSimilarity as MultiSimilarityConfig


class MultiSimilarity(nn.Module):
    """Mean over anchors of log(1 + sum_p exp(-alpha (s_p - base))) / alpha + the same over negatives.

    Wang et al., "Multi-Similarity Loss with General Pair Weighting for Deep Metric Learning", CVPR 2019; the
    second term is log(1 + sum_n exp(beta (s_n - base))) / beta. s are the cosine similarities of an anchor.
    Only pairs that its miner keeps are summed: positives p with s_p - epsilon below the largest s_n,
    negatives n with s_n + epsilon above the smallest s_p. Summed over the model's embeddings.

    Anchors without a positive or without a negative in the batch do not count; those whose pairs the miner
    all drops count with 0. If none counts, the loss and its gradient are 0.
    """

    def __init__(self, alpha: float, beta: float, base: float, epsilon: float) -> None:
        super().__init__()
        self.alpha = alpha
        self.beta = beta
        self.base = base
        self.epsilon = epsilon

    def forward(self, output: Outputs, labels: Tensor) -> Tensor:
        """Return the scalar loss for `labels` (B,), int64."""
        return summed(lambda embedding: self._of(embedding, labels), output.embeddings)

    def _of(self, embedding: Tensor, labels: Tensor) -> Tensor:
        pairs = pairs_of(labels)
        similarity = cosine_similarities(embedding)
        kept = self._mined(similarity.detach(), pairs)
        from_base = similarity - self.base
        positives = functional.softplus(log_sum_exp(-self.alpha * from_base, kept.positive)) / self.alpha
        negatives = functional.softplus(log_sum_exp(self.beta * from_base, kept.negative)) / self.beta
        return mean_over(positives + negatives, pairs.anchors())

    def _mined(self, similarity: Tensor, pairs: Pairs) -> Pairs:
        # Of an anchor without a partner of one kind, the infinity keeps no partner of the other.
        least = similarity.masked_fill(~pairs.positive, torch.inf).amin(dim=1, keepdim=True)
        most = similarity.masked_fill(~pairs.negative, -torch.inf).amax(dim=1, keepdim=True)
        return Pairs(
            pairs.positive & (similarity - self.epsilon < most),
            pairs.negative & (similarity + self.epsilon > least),
        )


def build(config: MultiSimilarityConfig) -> MultiSimilarity:
    """Return the loss that `config` describes."""
    return MultiSimilarity(config.alpha, config.beta, config.base, config.epsilon)
