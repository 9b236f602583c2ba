"""CBAM: channel attention, then spatial attention."""

import torch
from torch import Tensor, nn


class Cbam(nn.Module):
    """The convolutional block attention module of Woo et al. (ECCV 2018).

        X' = sigmoid(MLP(AvgP(X)) + MLP(MaxP(X))) X                    over channels
        X'' = sigmoid(BN(Conv([max over channels, mean over channels](X')))) X'

    The two poolings share one MLP with a hidden layer of max(1, C // reduction) units. As in the authors'
    released code, the convolution has no bias and is normalised (momentum 0.01), the MLP has biases.
    """

    def __init__(self, channels: int, reduction: int, kernel: int = 7) -> None:
        """Make the block for maps of `channels`; `kernel` is the odd side of the spatial convolution."""
        super().__init__()
        hidden = max(1, channels // reduction)
        self.reduce = nn.Linear(channels, hidden)
        self.expand = nn.Linear(hidden, channels)
        self.conv = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(1, momentum=0.01)

    def forward(self, features: Tensor) -> Tensor:
        """Return `features` (B, C, H, W), weighted by channel and then by place."""
        by_channel = self._mlp(features.mean(dim=(2, 3))) + self._mlp(features.amax(dim=(2, 3)))
        weighted = features * torch.sigmoid(by_channel)[:, :, None, None]
        pooled = torch.cat([weighted.amax(dim=1, keepdim=True), weighted.mean(dim=1, keepdim=True)], dim=1)
        return weighted * torch.sigmoid(self.norm(self.conv(pooled)))

    def _mlp(self, pooled: Tensor) -> Tensor:
        scores: Tensor = self.expand(torch.relu(self.reduce(pooled)))
        return scores
