"""Softmax focal loss on identities."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from vreid.losses.outputs import Outputs, summed
from vreid.params.losses import Focal as FocalConfig


class Focal(nn.Module):
    """Mean over the batch of -(1 - p_y)^gamma log p_y, summed over the model's classifiers.

    Eq. 5 of the SE-DenseNet paper: its sum over classes has one term, as the label is one-hot, and
    no class weight (the alpha of Lin et al., ICCV 2017). p is the softmax over all identities; the
    sigmoid focal loss of detection is another function.

    With gamma 0 it is the cross-entropy, to the last bit, in value and gradient. Where p_y rounds
    to 1, value and gradient are 0 for every gamma above 0.
    """

    def __init__(self, gamma: float) -> None:
        super().__init__()
        self.gamma = gamma

    def forward(self, output: Outputs, labels: Tensor) -> Tensor:
        """Return the scalar loss for `labels` (B,), int64 in [0, classes)."""
        return summed(lambda logits: self._of(logits, labels), output.logits)

    def _of(self, logits: Tensor, labels: Tensor) -> Tensor:
        minus_log_p = functional.cross_entropy(logits, labels, reduction="none")
        # 1 - p without cancellation. For gamma < 1 its power is infinitely steep at 0, where log p
        # is 0 too and the gradient would be inf x 0; the smallest normal number keeps it finite.
        miss = -torch.expm1(-minus_log_p)
        miss = miss.clamp_min(torch.finfo(miss.dtype).tiny)
        return (miss**self.gamma * minus_log_p).mean()


def build(config: FocalConfig) -> Focal:
    """Return the loss that `config` describes."""
    return Focal(config.gamma)
