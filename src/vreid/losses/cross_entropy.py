"""Softmax cross-entropy on identities."""

from torch import Tensor, nn
from torch.nn import functional

from vreid.losses.outputs import Outputs, summed
from vreid.params.losses import CrossEntropy as CrossEntropyConfig


class CrossEntropy(nn.Module):
    """Mean over the batch of -log p_y, summed over the model's classifiers.

    Eq. 4 of the SE-DenseNet paper; p is the softmax over all identities, y the image's own. With
    `label_smoothing` e the target is (1 - e) one-hot(y) + e / classes.
    """

    def __init__(self, label_smoothing: float) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def forward(self, output: Outputs, labels: Tensor) -> Tensor:
        """Return the scalar loss for `labels` (B,), int64 in [0, classes)."""
        return summed(lambda logits: self._of(logits, labels), output.logits)

    def _of(self, logits: Tensor, labels: Tensor) -> Tensor:
        # The mean is taken apart from the loss as in the focal loss: one order of additions, hence
        # the same bits as that loss with gamma 0.
        return functional.cross_entropy(
            logits, labels, reduction="none", label_smoothing=self.label_smoothing
        ).mean()


def build(config: CrossEntropyConfig) -> CrossEntropy:
    """Return the loss that `config` describes."""
    return CrossEntropy(config.label_smoothing)
