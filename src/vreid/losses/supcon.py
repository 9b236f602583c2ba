"""Supervised contrastive loss."""

from torch import Tensor, nn

from vreid.losses.outputs import Outputs, summed
from vreid.losses.pairs import cosine_similarities, log_sum_exp, mean_over, pairs_of
from vreid.params.losses import SupCon as SupConConfig


class SupCon(nn.Module):
    """Mean over anchors of the mean over positives of -log(exp(s_p / t) / sum_a exp(s_a / t)).

    Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, Eq. 2 (the sum over positives outside of
    the logarithm), with one view of each image: s are the cosine similarities of an anchor, a runs over all
    other images of the batch, t is the temperature. The factor of temperature over base temperature in the
    authors' code, 1 at their defaults, is left out. Summed over the model's embeddings.

    Anchors without a positive in the batch do not count; if none counts, the loss and its gradient are 0.
    """

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, output: Outputs, labels: Tensor) -> Tensor:
        """Return the scalar loss for `labels` (B,), int64."""
        return summed(lambda embedding: self._of(embedding, labels), output.embeddings)

    def _of(self, embedding: Tensor, labels: Tensor) -> Tensor:
        positive, negative = pairs_of(labels)
        logits = cosine_similarities(embedding) / self.temperature
        number = positive.sum(dim=1)
        to_positives = (logits * positive).sum(dim=1) / number.clamp_min(1)
        to_all = log_sum_exp(logits, positive | negative)
        return mean_over(to_all - to_positives, number > 0)


def build(config: SupConConfig) -> SupCon:
    """Return the loss that `config` describes."""
    return SupCon(config.temperature)
