"""Builds the network that a run's configuration names."""

import importlib
from typing import TypeVar

from pydantic import BaseModel
from torch import nn

from vreid.params.run import ModelConfig

Config = TypeVar("Config", bound=BaseModel)


def build_model(config: ModelConfig, classes: int) -> nn.Module:
    """Return the model of `config` with classifiers for `classes` identities.

    Its `forward` takes normalised images (B, 3, H, W), or (B, S, 3, H, W) where the model is one of several
    spectra, float32, and returns a `vreid.models.output.Output`. Weights that are not pretrained are drawn
    from torch's global generator, which the caller seeds. To rebuild a trained model, pass its configuration
    `without_weights`: its own weights follow, and the pretrained file is not needed.

    The model's module is imported here and not above, so that a run executes, and is
    fingerprinted by, the code of its own model alone.

    Raises:
        UserError: pretrained weights are asked for and cannot be had (`vreid.models.weights`).
    """
    module = importlib.import_module(f"vreid.models.{config.name}")
    model: nn.Module = module.build(config, classes)
    return model


def without_weights(config: Config) -> Config:
    """Return `config` with every `weights` in it None, at whatever depth."""
    changes: dict[str, object] = {}
    for name in type(config).model_fields:
        value = getattr(config, name)
        if name == "weights":
            changes[name] = None
        elif isinstance(value, BaseModel):
            changes[name] = without_weights(value)
    return config.model_copy(update=changes)
