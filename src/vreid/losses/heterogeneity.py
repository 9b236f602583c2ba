"""Heterogeneous score coherence loss L_hsc."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from vreid.losses.outputs import Outputs
from vreid.params.errors import UserError
from vreid.params.losses import Heterogeneity as HeterogeneityConfig


class Heterogeneity(nn.Module):
    """Mean over the batch of 1 - sum_i prod_j p_i^j, p^j the probabilities by the j-th spectrum's classifier.

    Eq. 5 of the HAMNet paper, in [0, 1]: 0 where all spectra are sure of the same identity. The form
    `released` is that of the authors' code, for any number of spectra: the sum over the batch, not the mean,
    with L2-normalised scores instead of probabilities.
    """

    def __init__(self, form: str) -> None:
        super().__init__()
        self.form = form

    def forward(self, output: Outputs, labels: Tensor) -> Tensor:
        """Return the scalar loss of the streams' scores; `labels` (B,) do not matter.

        Raises:
            UserError: the model has fewer than two streams.
        """
        if len(output.streams) < 2:
            raise UserError(
                f"the loss heterogeneity compares the scores of two spectra or more, and this model puts out "
                f"{len(output.streams)}: take it out of `losses`, or choose a model with more streams."
            )
        scores = torch.stack(output.streams)
        if self.form == "released":
            return (1 - functional.normalize(scores, dim=2).prod(dim=0).sum(dim=1)).sum()
        return (1 - scores.softmax(dim=2).prod(dim=0).sum(dim=1)).mean()


def build(config: HeterogeneityConfig) -> Heterogeneity:
    """Return the loss that `config` describes."""
    return Heterogeneity(config.form)
