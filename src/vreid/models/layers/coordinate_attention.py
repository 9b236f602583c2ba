"""Coordinate attention: one weight for each row and one for each column of every channel."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class CoordinateAttention(nn.Module):
    """Scales each number by a weight of its row and a weight of its column (Hou et al., CVPR 2021, Eq. 4-9).

        f = hswish(BN(Conv([means of rows, means of columns]))),  X~ = sigmoid(F_h f_h) sigmoid(F_w f_w) X

    The hidden layer has C // reduction units, at least `least_hidden` (8 in the authors' code).
    """

    def __init__(self, channels: int, reduction: int, least_hidden: int = 8) -> None:
        super().__init__()
        hidden = max(least_hidden, channels // reduction)
        self.reduce = nn.Conv2d(channels, hidden, 1)
        self.norm = nn.BatchNorm2d(hidden)
        self.by_row = nn.Conv2d(hidden, channels, 1)
        self.by_column = nn.Conv2d(hidden, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return `features` (B, C, H, W), weighted by row and by column."""
        height = features.shape[2]
        rows = features.mean(dim=3, keepdim=True)
        columns = features.mean(dim=2, keepdim=True).transpose(2, 3)
        hidden = functional.hardswish(self.norm(self.reduce(torch.cat([rows, columns], dim=2))))
        row_weights = torch.sigmoid(self.by_row(hidden[:, :, :height]))
        column_weights = torch.sigmoid(self.by_column(hidden[:, :, height:].transpose(2, 3)))
        return features * row_weights * column_weights
