"""Position and channel attention, as the ABD network uses them."""

import torch
from torch import Tensor, nn

QUERY_SHARE = 8
"""Channels of the input for each channel of the queries and keys."""


class PositionAttention(nn.Module):
    """Adds to every position a weighted mean of all (Fu et al., "Dual Attention Network", CVPR 2019).

        S = softmax(Q K^T) over the H W positions,  out = gamma S V + X

    Q, K and V are 1 x 1 convolutions of X, Q and K with an eighth of the channels. gamma starts at 0. Input
    and output are (B, C, H, W). The softmax and what surrounds it are float32.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(1, channels // QUERY_SHARE)
        self.query = nn.Conv2d(channels, inner, 1)
        self.key = nn.Conv2d(channels, inner, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, features: Tensor) -> Tensor:
        """Return the attended `features`, (B, C, H, W)."""
        query, key, value = (
            convolution(features).flatten(2).float() for convolution in (self.query, self.key, self.value)
        )
        with torch.autocast(features.device.type, enabled=False):
            attention = (query.mT @ key).softmax(dim=2)
            seen = value @ attention.mT
            attended: Tensor = self.gamma * seen.reshape(features.shape) + features
        return attended


class ChannelAttention(nn.Module):
    """Adds to every channel a weighted mean of all channels (Fu et al., "Dual Attention Network", CVPR 2019).

        E = X X^T,  S = softmax(max(E) - E) over the channels,  out = gamma S X + X

    with the maximum of each row of E, so that channels unlike it count most. gamma starts at 0. Input and
    output are (B, C, H, W). The softmax and what surrounds it are float32.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, features: Tensor) -> Tensor:
        """Return the attended `features`, (B, C, H, W)."""
        with torch.autocast(features.device.type, enabled=False):
            flat = features.flatten(2).float()
            energy = flat @ flat.mT
            attention = (energy.amax(dim=2, keepdim=True) - energy).softmax(dim=2)
            seen = (attention @ flat).reshape(features.shape)
        return self.gamma * seen + features
