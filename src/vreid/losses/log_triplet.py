"""Log-triplet loss (LT-loss)."""

from torch import Tensor, nn
from torch.nn import functional

from vreid.losses.outputs import Outputs, summed
from vreid.losses.pairs import cosine_similarities, log_sum_exp, mean_over, pairs_of
from vreid.params.losses import LogTriplet as LogTripletConfig


class LogTriplet(nn.Module):
    """Mean over anchors of t log(sum_j exp(ag_j / t) sum_i exp(-ap_i / t)) + m.

    Eq. 15 of the ALSA paper (Eq. 12 with m = 0): a smooth maximum of the cosine similarities ag of an anchor
    to its negatives less a smooth minimum of those ap to its positives. Eq. 13 and the first line of Eq. 14
    misplace a bracket; what is computed is the last line, which agrees with Eq. 8. Summed over the model's
    embeddings.

    As printed, m is a constant without influence on training, and the loss may be negative; with `hinge` an
    anchor's loss is cut off at 0, which is what the text wants of a margin.

    Anchors without a positive or without a negative in the batch do not count; if none counts, the loss and
    its gradient are 0.
    """

    def __init__(self, temperature: float, margin: float, *, hinge: bool) -> None:
        super().__init__()
        self.temperature = temperature
        self.margin = margin
        self.hinge = hinge

    def forward(self, output: Outputs, labels: Tensor) -> Tensor:
        """Return the scalar loss for `labels` (B,), int64."""
        return summed(lambda embedding: self._of(embedding, labels), output.embeddings)

    def _of(self, embedding: Tensor, labels: Tensor) -> Tensor:
        pairs = pairs_of(labels)
        logits = cosine_similarities(embedding) / self.temperature
        exponent = log_sum_exp(logits, pairs.negative) + log_sum_exp(-logits, pairs.positive)
        losses = self.temperature * exponent + self.margin
        return mean_over(functional.relu(losses) if self.hinge else losses, pairs.anchors())


def build(config: LogTripletConfig) -> LogTriplet:
    """Return the loss that `config` describes."""
    return LogTriplet(config.temperature, config.margin, hinge=config.hinge)
