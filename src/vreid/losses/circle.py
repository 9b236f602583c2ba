"""Circle loss on pairs."""

from torch import Tensor, nn
from torch.nn import functional

from vreid.losses.outputs import Outputs, summed
from vreid.losses.pairs import cosine_similarities, log_sum_exp, mean_over, pairs_of
from vreid.params.losses import Circle as CircleConfig


class Circle(nn.Module):
    """Mean over anchors of log(1 + sum_n exp(gamma a_n (s_n - m)) sum_p exp(-gamma a_p (s_p - 1 + m))).

    Sun et al., "Circle Loss: A Unified Perspective of Pair Similarity Optimization", CVPR 2020. s are the
    cosine similarities of an anchor, a_n = max(s_n + m, 0) and a_p = max(1 + m - s_p, 0) its pairs' weights,
    through which no gradient flows. Summed over the model's embeddings.

    Anchors without a positive or without a negative in the batch do not count; if none counts, the loss and
    its gradient are 0.
    """

    def __init__(self, margin: float, gamma: float) -> None:
        super().__init__()
        self.margin = margin
        self.gamma = gamma

    def forward(self, output: Outputs, labels: Tensor) -> Tensor:
        """Return the scalar loss for `labels` (B,), int64."""
        return summed(lambda embedding: self._of(embedding, labels), output.embeddings)

    def _of(self, embedding: Tensor, labels: Tensor) -> Tensor:
        pairs = pairs_of(labels)
        similarity = cosine_similarities(embedding)
        fixed = similarity.detach()
        to_positive = functional.relu(1 + self.margin - fixed) * (similarity - 1 + self.margin)
        to_negative = functional.relu(fixed + self.margin) * (similarity - self.margin)
        exponent = log_sum_exp(-self.gamma * to_positive, pairs.positive)
        exponent = exponent + log_sum_exp(self.gamma * to_negative, pairs.negative)
        return mean_over(functional.softplus(exponent), pairs.anchors())


def build(config: CircleConfig) -> Circle:
    """Return the loss that `config` describes."""
    return Circle(config.margin, config.gamma)
