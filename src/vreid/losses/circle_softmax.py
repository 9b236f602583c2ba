"""Softmax cross-entropy on cosine scores with circle loss' weights and margins."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from vreid.losses.outputs import Outputs, summed
from vreid.params.losses import CircleSoftmax as CircleSoftmaxConfig


class CircleSoftmax(nn.Module):
    """Cross-entropy of the scores s a_p (c - 1 + m) of the own identity and s a_n (c - m) of all others.

    The circle loss with class-level labels (Sun et al., CVPR 2020): c is the cosine between an embedding and
    an identity's weight vector; the weights a_p = max(1 + m - c, 0) and a_n = max(c + m, 0) carry no
    gradient. `CircleSoftmax` of the DpA paper's released configuration. The mean is taken over the batch and
    the sum over the model's classifiers, which must put out cosines, in [-1, 1].
    """

    def __init__(self, scale: float, margin: float, label_smoothing: float) -> None:
        super().__init__()
        self.scale = scale
        self.margin = margin
        self.label_smoothing = label_smoothing

    def forward(self, output: Outputs, labels: Tensor) -> Tensor:
        """Return the scalar loss for `labels` (B,), int64 in [0, classes)."""
        return summed(lambda cosines: self._of(cosines, labels), output.logits)

    def _of(self, cosines: Tensor, labels: Tensor) -> Tensor:
        fixed = cosines.detach()
        own = functional.relu(1 + self.margin - fixed) * (cosines - 1 + self.margin)
        other = functional.relu(fixed + self.margin) * (cosines - self.margin)
        is_own = labels[:, None] == torch.arange(cosines.shape[1], device=labels.device)
        scores = self.scale * torch.where(is_own, own, other)
        return functional.cross_entropy(scores, labels, label_smoothing=self.label_smoothing)


def build(config: CircleSoftmaxConfig) -> CircleSoftmax:
    """Return the loss that `config` describes."""
    return CircleSoftmax(config.scale, config.margin, config.label_smoothing)
