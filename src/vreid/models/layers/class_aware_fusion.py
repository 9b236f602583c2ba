"""Fusion of several spectra's class activation maps."""

from typing import NamedTuple

import torch
from torch import Tensor


def class_aware_weights(maps: Tensor) -> Tensor:
    """Return the weight of each spectrum for each class (HAMNet paper, Eq. 7 to 10).

        A^j = sigmoid(M^j),  B = max_j A^j,  eta_c^j = sum_hw A_c^j B_c,  alpha_c^j = eta_c^j / sum_j eta_c^j

    `maps` are the class activation maps M, (m, B, C, h, w), the result is alpha, (m, B, C), in (0, 1) and
    1 in sum over the m spectra. Gradients flow through it: the paper stops them nowhere.
    """
    activations = torch.sigmoid(maps)
    strongest = activations.amax(dim=0)
    responses = (activations * strongest).sum(dim=(3, 4))
    return responses / responses.sum(dim=0)


def fused_map(maps: Tensor) -> Tensor:
    """Return the fused map M'_c = sum_j alpha_c^j M_c^j, (B, C, h, w), of `maps` (m, B, C, h, w) (Eq. 11)."""
    return (class_aware_weights(maps)[..., None, None] * maps).sum(dim=0)


class ReleasedFusion(NamedTuple):
    """What the authors' released code computes in place of Eq. 9 to 11.

    Attributes:
        scores: (B, C), of the fused spectra.
        weights: (m, B), of each spectrum's feature; 1 in sum over the spectra.
    """

    scores: Tensor
    weights: Tensor


def released_fusion(maps: Tensor) -> ReleasedFusion:
    """Fuse `maps` (m, B, C, h, w) as the released code does.

        f_c^j = sum_hw A_c^j,  w_c^j = f_c^j / sum_j f_c^j,  s_c = sum_hw B_c / sum_c sum_hw B_c
        scores_c = sum_j s_c w_c^j f_c^j,  weight of spectrum j = sum_c s_c w_c^j

    with A and B of Eq. 7 and 8: the response leaves out B, the fused scores are responses and no means of
    maps, and s, the share of a class in all that is active, weights the classes.
    """
    activations = torch.sigmoid(maps)
    responses = activations.sum(dim=(3, 4))
    weights = responses / responses.sum(dim=0)
    active = activations.amax(dim=0).sum(dim=(2, 3))
    share = active / active.sum(dim=1, keepdim=True)
    weighted = share * weights
    return ReleasedFusion(scores=(weighted * responses).sum(dim=0), weights=weighted.sum(dim=2))
