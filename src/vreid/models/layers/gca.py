"""Global channel attention (GCA) of the ALSA paper: how much of an image is to stay as it is."""

import torch
from torch import Tensor, nn


class GlobalChannelAttention(nn.Module):
    """alpha = sigmoid(mean + max) of every colour channel, and 1 where that exceeds t (Eq. 9, Algorithm 2).

    It has nothing to learn. Mean and maximum lie in [0, 1], so that sigmoid gives 0.5 to 0.881 and a
    threshold from 0.881 on is never reached. The text averages the two, the algorithm adds them: as in the
    algorithm. Values above t become 1 and the others stay, as text and algorithm say; PyTorch's own threshold
    function, which the paper names, does the opposite.
    """

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold

    def forward(self, images: Tensor) -> Tensor:
        """Return alpha (B, 3, 1, 1) of `images` (B, 3, H, W) in [0, 1]."""
        mean = images.mean(dim=(2, 3), keepdim=True, dtype=torch.float32)
        alpha = torch.sigmoid(mean + images.amax(dim=(2, 3), keepdim=True))
        return torch.where(alpha > self.threshold, 1.0, alpha)
