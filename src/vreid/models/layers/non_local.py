"""The non-local block: attention between all places of a feature map."""

import torch
from torch import Tensor, nn


class NonLocal(nn.Module):
    """Adds to every place a mean over all places, weighted by how alike they are (embedded Gaussian).

        y_i = sum_j softmax_j(theta(x_i) . phi(x_j)) g(x_j),   z_i = BN(W y_i) + x_i

    Wang et al., "Non-local Neural Networks" (CVPR 2018), Eq. 4 and 6: theta, phi and g reduce the channels
    by `reduction` (2 there, at least one is left), and the normalisation's scale starts at 0, so that an
    untrained block is the identity.
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.theta = nn.Conv2d(channels, hidden, 1)
        self.phi = nn.Conv2d(channels, hidden, 1)
        self.g = nn.Conv2d(channels, hidden, 1)
        self.out = nn.Conv2d(hidden, channels, 1)
        self.norm = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.norm.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Return (B, C, H, W) of `features` of that shape."""
        queries = self.theta(features).flatten(2).transpose(1, 2)
        alike = torch.bmm(queries, self.phi(features).flatten(2)).softmax(dim=2)
        gathered = torch.bmm(self.g(features).flatten(2), alike.transpose(1, 2))
        places = gathered.view(*gathered.shape[:2], *features.shape[2:])
        added: Tensor = self.norm(self.out(places))
        return features + added
