"""The optimizers of a run, in the form that checkpoints need: all state by parameter name.

The arithmetic is torch's own, by its functional interface. Its optimizer classes would import the
compiler (torch._dynamo) when they are made, which costs a short run more than its training.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.sgd import sgd

from vreid.params.errors import UserError
from vreid.params.recipe import Adam, OptimizerConfig, Sgd
from vreid.training.parameters import matching


@dataclass(frozen=True)
class _Group:
    """Parameters that are updated alike."""

    names: tuple[str, ...]
    lr_factor: float
    weight_decay: float


class Optimizer(ABC):
    """Moves parameters along their gradients.

    Attributes:
        state: all that it remembers, by name; the tensors are the live ones.
    """

    def __init__(self, config: OptimizerConfig, parameters: Mapping[str, Tensor]) -> None:
        self._parameters = dict(parameters)
        self._groups = _grouped(config, list(parameters))
        self.state: dict[str, Tensor] = {}

    def step(self, rate: float) -> None:
        """Update every parameter that has a gradient, at this learning rate; drop gradients.

        One without is not touched: neither by weight decay nor by momentum, and nothing is remembered of it.
        """
        with torch.no_grad():
            for group in self._groups:
                names = [name for name in group.names if self._parameters[name].grad is not None]
                if names:
                    self._update(names, _gradients(self._parameters, names), group, rate * group.lr_factor)

    @abstractmethod
    def _update(self, names: list[str], gradients: list[Tensor], group: _Group, rate: float) -> None:
        """Update the parameters `names`, which have `gradients`."""


def build_optimizer(config: OptimizerConfig, parameters: Mapping[str, Tensor]) -> Optimizer:
    """Return the optimizer of `config` for `parameters`, by name; its groups say which learn at other rates.

    Raises:
        UserError: a group names what is no parameter, or a parameter that another group names too.
    """
    return AdamOptimizer(config, parameters) if isinstance(config, Adam) else SgdOptimizer(config, parameters)


class AdamOptimizer(Optimizer):
    """Adam (Kingma and Ba 2015) with beta 0.9 and 0.999, epsilon 1e-8, L2 decay in the gradient."""

    def __init__(self, config: Adam, parameters: Mapping[str, Tensor]) -> None:
        super().__init__(config, parameters)
        for name, parameter in parameters.items():
            self.state[f"mean.{name}"] = torch.zeros_like(parameter.detach())
            self.state[f"square.{name}"] = torch.zeros_like(parameter.detach())
            self.state[f"steps.{name}"] = torch.zeros((), device=parameter.device)

    def _update(self, names: list[str], gradients: list[Tensor], group: _Group, rate: float) -> None:
        adam(
            [self._parameters[name] for name in names],
            gradients,
            [self.state[f"mean.{name}"] for name in names],
            [self.state[f"square.{name}"] for name in names],
            [],
            [self.state[f"steps.{name}"] for name in names],
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=rate,
            weight_decay=group.weight_decay,
            eps=1e-8,
            maximize=False,
        )


class SgdOptimizer(Optimizer):
    """Momentum SGD: v <- momentum v + (gradient + weight_decay w), then w <- w - rate v."""

    def __init__(self, config: Sgd, parameters: Mapping[str, Tensor]) -> None:
        super().__init__(config, parameters)
        self._momentum = config.momentum
        self.state = {f"velocity.{name}": torch.zeros_like(p.detach()) for name, p in parameters.items()}

    def _update(self, names: list[str], gradients: list[Tensor], group: _Group, rate: float) -> None:
        sgd(
            [self._parameters[name] for name in names],
            gradients,
            [self.state[f"velocity.{name}"] for name in names],
            fused=True,
            weight_decay=group.weight_decay,
            momentum=self._momentum,
            lr=rate,
            dampening=0.0,
            nesterov=False,
            maximize=False,
        )


def _grouped(config: OptimizerConfig, names: list[str]) -> list[_Group]:
    """Return the groups of `config`, and last the parameters that are in none of them."""
    groups, owners = [], dict[str, int]()
    for number, group in enumerate(config.groups):
        where = f"optimizer.groups[{number}].parameters"
        members = matching(names, group.parameters, where)
        if shared := sorted(members & owners.keys()):
            raise UserError(
                f"{where} names {shared[0]}, which optimizer.groups[{owners[shared[0]]}].parameters names "
                "too: a parameter belongs to one group"
            )
        owners |= dict.fromkeys(members, number)
        decay = config.weight_decay if group.weight_decay is None else group.weight_decay
        groups.append(_Group(tuple(n for n in names if n in members), group.lr_factor, decay))
    others = tuple(name for name in names if name not in owners)
    return [*groups, _Group(others, 1.0, config.weight_decay)]


def _gradients(parameters: Mapping[str, Tensor], names: list[str]) -> list[Tensor]:
    """Take the gradients off the parameters, so that the next backward pass starts from nothing."""
    gradients = []
    for name in names:
        gradient = parameters[name].grad
        if gradient is not None:
            gradients.append(gradient)
        parameters[name].grad = None
    return gradients
