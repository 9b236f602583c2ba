"""The penalties that a model puts out itself."""

import torch
from torch import Tensor, nn

from vreid.losses.outputs import Outputs
from vreid.params.errors import UserError
from vreid.params.losses import Penalties as PenaltiesConfig


class Penalties(nn.Module):
    """The sum of the model's own penalties, weighted by the model."""

    def forward(self, output: Outputs, labels: Tensor) -> Tensor:
        """Return the scalar sum; `labels` (B,) do not matter.

        Raises:
            UserError: the model puts out none.
        """
        if not output.penalties:
            raise UserError("this model puts out no penalties: take penalties out of `losses`.")
        return torch.stack(output.penalties).sum()


def build(config: PenaltiesConfig) -> Penalties:
    """Return the loss that `config` describes."""
    return Penalties()
