"""The optimizers of a run, in the form that checkpoints need: all state by parameter name.

The arithmetic is torch's own, by its functional interface. Its optimizer classes would import the
compiler (torch._dynamo) when they are made, which costs a short run more than its training.
"""

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.sgd import sgd

from vreid.params.run import Adam, OptimizerConfig


class Optimizer(Protocol):
    """Moves parameters along their gradients."""

    state: dict[str, Tensor]

    def step(self, rate: float) -> None:
        """Update every parameter that has a gradient, at this learning rate; drop gradients."""


def build_optimizer(config: OptimizerConfig, parameters: Mapping[str, Tensor]) -> Optimizer:
    """Return the optimizer of `config` for `parameters`, which are all trained alike."""
    if isinstance(config, Adam):
        return AdamOptimizer(parameters, config.weight_decay)
    return SgdOptimizer(parameters, config.momentum, config.weight_decay)


class AdamOptimizer:
    """Adam (Kingma and Ba 2015) with beta 0.9 and 0.999, epsilon 1e-8, L2 decay in the gradient."""

    def __init__(self, parameters: Mapping[str, Tensor], weight_decay: float) -> None:
        self._parameters = dict(parameters)
        self._weight_decay = weight_decay
        self.state: dict[str, Tensor] = {}
        for name, parameter in parameters.items():
            self.state[f"mean.{name}"] = torch.zeros_like(parameter.detach())
            self.state[f"square.{name}"] = torch.zeros_like(parameter.detach())
            self.state[f"steps.{name}"] = torch.zeros((), device=parameter.device)

    def step(self, rate: float) -> None:
        """Update every parameter that has a gradient, at this learning rate; drop gradients."""
        names = [name for name, p in self._parameters.items() if p.grad is not None]
        with torch.no_grad():
            adam(
                [self._parameters[name] for name in names],
                _gradients(self._parameters, names),
                [self.state[f"mean.{name}"] for name in names],
                [self.state[f"square.{name}"] for name in names],
                [],
                [self.state[f"steps.{name}"] for name in names],
                fused=True,
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=rate,
                weight_decay=self._weight_decay,
                eps=1e-8,
                maximize=False,
            )


class SgdOptimizer:
    """Momentum SGD: v <- momentum v + (gradient + weight_decay w), then w <- w - rate v."""

    def __init__(self, parameters: Mapping[str, Tensor], momentum: float, weight_decay: float) -> None:
        self._parameters = dict(parameters)
        self._momentum = momentum
        self._weight_decay = weight_decay
        self.state = {f"velocity.{name}": torch.zeros_like(p.detach()) for name, p in parameters.items()}

    def step(self, rate: float) -> None:
        """Update every parameter that has a gradient, at this learning rate; drop gradients."""
        names = [name for name, p in self._parameters.items() if p.grad is not None]
        with torch.no_grad():
            sgd(
                [self._parameters[name] for name in names],
                _gradients(self._parameters, names),
                [self.state[f"velocity.{name}"] for name in names],
                fused=True,
                weight_decay=self._weight_decay,
                momentum=self._momentum,
                lr=rate,
                dampening=0.0,
                nesterov=False,
                maximize=False,
            )


def _gradients(parameters: Mapping[str, Tensor], names: list[str]) -> list[Tensor]:
    """Take the gradients off the parameters, so that the next backward pass starts from nothing."""
    gradients = []
    for name in names:
        gradient = parameters[name].grad
        if gradient is not None:
            gradients.append(gradient)
        parameters[name].grad = None
    return gradients
