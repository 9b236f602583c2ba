"""Generalised mean pooling."""

import torch
from torch import Tensor, nn


class GeM(nn.Module):
    """The p-mean of every channel: (mean over the map of x^p)^(1/p).

    Radenovic et al., "Fine-tuning CNN Image Retrieval with No Human Annotation" (TPAMI 2019); Eq. 3 of the
    DpA paper. p = 1 is average pooling, p towards infinity tends to max pooling. Values below `eps` count as
    `eps`: roots of negative numbers do not exist, and those of 0 have no gradient.

    It runs in float32 even under autocast: what is pooled is the embedding, and bfloat16 keeps too few digits
    for powers.
    """

    def __init__(self, p: float, learnable: bool, eps: float = 1e-6) -> None:
        """Start from the exponent `p` > 0; a `learnable` one is a parameter `p` of one number."""
        super().__init__()
        self.p = nn.Parameter(torch.tensor([float(p)])) if learnable else float(p)
        self.eps = eps

    def forward(self, features: Tensor) -> Tensor:
        """Return (B, C), float32, of `features` (B, C, H, W)."""
        with torch.autocast(features.device.type, enabled=False):
            return generalised_mean(features.float(), self.p, self.eps, (2, 3))


def generalised_mean(values: Tensor, p: Tensor | float, eps: float, dim: tuple[int, ...]) -> Tensor:
    """Return the p-mean of `values`, raised to `eps` where they are below it, over the dimensions `dim`."""
    clamped = values.clamp(min=eps)
    if isinstance(p, float) and p == 1:
        return clamped.mean(dim=dim)
    return clamped.pow(p).mean(dim=dim).pow(1 / p)
