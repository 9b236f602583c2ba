"""Unified contrastive loss."""

from torch import Tensor, nn
from torch.nn import functional

from vreid.losses.outputs import Outputs, summed
from vreid.losses.pairs import cosine_similarities, log_sum_exp, mean_over, pairs_of
from vreid.params.losses import UniCon as UniConConfig


class UniCon(nn.Module):
    """Mean over anchors of log(1 + sum_j exp(ag_j / t) sum_i exp(-ap_i / t)).

    Eq. 7 of the ALSA paper, which takes it from UniMoCo; ag are the cosine similarities of an anchor to its
    negatives, ap those to its positives, all within the batch, without UniMoCo's queue. The equation prints
    no temperature t; as in UniMoCo's code, the similarities are divided by one. Summed over the model's
    embeddings.

    Anchors without a positive or without a negative in the batch do not count; if none counts, the loss and
    its gradient are 0.
    """

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, output: Outputs, labels: Tensor) -> Tensor:
        """Return the scalar loss for `labels` (B,), int64."""
        return summed(lambda embedding: self._of(embedding, labels), output.embeddings)

    def _of(self, embedding: Tensor, labels: Tensor) -> Tensor:
        pairs = pairs_of(labels)
        logits = cosine_similarities(embedding) / self.temperature
        exponent = log_sum_exp(logits, pairs.negative) + log_sum_exp(-logits, pairs.positive)
        return mean_over(functional.softplus(exponent), pairs.anchors())


def build(config: UniConConfig) -> UniCon:
    """Return the loss that `config` describes."""
    return UniCon(config.temperature)
