"""Builds the joint loss that a run's configuration describes."""

import importlib
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vreid.losses.outputs import Outputs
from vreid.params.errors import UserError
from vreid.params.losses import LossConfig


class JointLoss(nn.Module):
    """The weighted sum of several losses (SE-DenseNet paper, Eq. 6)."""

    def __init__(self, terms: dict[str, nn.Module], weights: dict[str, float]) -> None:
        super().__init__()
        self.terms = nn.ModuleDict(terms)
        self.weights = weights

    def forward(self, output: Outputs, labels: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the scalar total and, by name, each loss before its weight, detached.

        `labels` is (B,), int64, the identities numbered from 0. Losses are computed in the precision of
        the output even under autocast: divided by a temperature of a few hundredths, similarities rounded to
        bfloat16 would be off by hundredths.
        """
        with torch.autocast(labels.device.type, enabled=False):
            values = {name: term(output, labels) for name, term in self.terms.items()}
        total = torch.stack([self.weights[name] * value for name, value in values.items()]).sum()
        return total, {name: value.detach() for name, value in values.items()}


def build_losses(configs: Sequence[LossConfig]) -> JointLoss:
    """Return the joint loss of `configs`; each is built by `vreid.losses.<name>`, imported here.

    Raises:
        UserError: there is no loss, or one is named twice.
    """
    names = [config.name for config in configs]
    if not names:
        raise UserError("`losses` is empty: name at least one, for example cross_entropy.")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"`losses` names {', '.join(twice)} more than once: keep one and set its `weight`.")
    terms: dict[str, nn.Module] = {
        config.name: importlib.import_module(f"vreid.losses.{config.name}").build(config)
        for config in configs
    }
    return JointLoss(terms, {config.name: config.weight for config in configs})
