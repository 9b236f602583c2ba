"""Cuts a feature map into parts of its height or width, by the rule of adaptive pooling."""

from typing import Literal

import torch
from torch import Tensor


def stripes(features: Tensor, parts: int, dim: int) -> tuple[Tensor, ...]:
    """Return `parts` slices of `features` along `dim`, which together cover it.

    Of n lines slice i (from 0) has those from floor(i n / parts) to ceil((i + 1) n / parts), the latter
    excluded: where n is no multiple of `parts`, neighbours share a line. It is the rule of
    `torch.nn.AdaptiveAvgPool2d`, whose gradient has no deterministic form on a GPU; that of a slice has.
    """
    lines = features.shape[dim]
    starts = [part * lines // parts for part in range(parts)]
    ends = [-(-(part + 1) * lines // parts) for part in range(parts)]
    return tuple(features.narrow(dim, start, end - start) for start, end in zip(starts, ends, strict=True))


def pooled(features: Tensor, how: Literal["average", "max"]) -> Tensor:
    """Return the average or the greatest of each channel, (B, C) float32, of a map (B, C, H, W)."""
    if how == "max":
        return features.amax(dim=(2, 3)).float()
    return features.mean(dim=(2, 3), dtype=torch.float32)


def averaged_to(features: Tensor, height: int, width: int) -> Tensor:
    """Return the map (B, C, H, W) averaged to (B, C, `height`, `width`) as adaptive pooling would.

    A map of that size comes back as it is; a smaller one is repeated.
    """
    if features.shape[2:] == (height, width):
        return features
    rows = torch.stack([part.mean(dim=2) for part in stripes(features, height, 2)], dim=2)
    return torch.stack([part.mean(dim=3) for part in stripes(rows, width, 3)], dim=3)
