"""Spatial self-attention (SSA) of the ALSA paper: by how much each colour channel is to be adjusted."""

import torch
from torch import Tensor, nn


class SpatialSelfAttention(nn.Module):
    """One learned query per head looks at every place of the encoded image (Eq. 10, Algorithm 1, Fig. 4).

        X = embedding(image)                    two convolutions, N places of h C channels
        A = softmax(q k(X)^T)                   (B, h, 1, N), over the places, without a scale
        beta = Linear(A v(X))                   (B, 3, 1, 1), without bounds

    As the paper takes the pattern from IAT, the embedding is that of IAT's global branch: 3x3 convolutions
    of stride 2 with batch normalisation and one GELU between them, so that N = H W / 16; k and v have no
    bias, and q, which starts from ones, is trained. The last layer starts from zeros: beta is 0 at first, and
    the image stays what it was.
    """

    def __init__(self, channels: int, heads: int) -> None:
        """Make a block whose `heads` share `channels` channels: C is channels / heads."""
        super().__init__()
        self.heads = heads
        self.embedding = nn.Sequential(
            nn.Conv2d(3, channels // 2, 3, stride=2, padding=1),
            nn.BatchNorm2d(channels // 2),
            nn.GELU(),
            nn.Conv2d(channels // 2, channels, 3, stride=2, padding=1),
            nn.BatchNorm2d(channels),
        )
        self.query = nn.Parameter(torch.ones(1, heads, 1, channels // heads))
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.out = nn.Linear(channels, 3)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Return beta (B, 3, 1, 1), float32, of enhanced `images` (B, 3, H, W)."""
        places = self.embedding(images).flatten(2).transpose(1, 2)
        keys, values = self._by_head(self.key(places)), self._by_head(self.value(places))
        attention = (self.query @ keys.transpose(2, 3)).softmax(dim=-1)
        found = (attention @ values).flatten(1)
        beta: Tensor = self.out(found).float()
        return beta[:, :, None, None]

    def _by_head(self, places: Tensor) -> Tensor:
        """Return (B, h, N, C) of (B, N, h C)."""
        images, number, channels = places.shape
        return places.reshape(images, number, self.heads, channels // self.heads).transpose(1, 2)
