"""Squeeze-and-excitation: channel attention."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class SqueezeExcitation(nn.Module):
    """Scales every channel by a weight in (0, 1) computed from the means of all channels.

        z = GAP(X),  s = sigmoid(W2 relu(W1 z + b1) + b2),  X~ = s X

    The block of Hu et al., "Squeeze-and-Excitation Networks" (CVPR 2018), in the form of Fig. 4 of
    the SE-DenseNet paper. That paper prints neither the reduction ratio nor whether the
    fully-connected layers have biases; resolved as 16 and yes, after the original.

    Input and output are (B, C, H, W). The hidden layer has C // reduction units, at least one.
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.reduce = nn.Linear(channels, hidden)
        self.expand = nn.Linear(hidden, channels)

    def forward(self, features: Tensor) -> Tensor:
        """Return `features` (B, C, H, W), each channel scaled by its weight."""
        squeezed = features.mean(dim=(2, 3))
        scale = torch.sigmoid(self.expand(functional.relu(self.reduce(squeezed))))
        return features * scale[:, :, None, None]
