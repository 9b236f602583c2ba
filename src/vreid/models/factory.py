"""Builds the network that a run's configuration names."""

import importlib

from torch import nn

from vreid.params.run import ModelConfig


def build_model(config: ModelConfig, classes: int) -> nn.Module:
    """Return the model of `config` with classifiers for `classes` identities.

    Its `forward` takes normalised images (B, 3, H, W), float32, and returns an
    `vreid.models.output.Output`. Weights that are not pretrained are drawn from torch's global
    generator, which the caller seeds. To rebuild a trained model, pass a configuration whose
    `weights` is None: its own weights follow, and the pretrained file is not needed.

    The model's module is imported here and not above, so that a run executes, and is
    fingerprinted by, the code of its own model alone.

    Raises:
        UserError: pretrained weights are asked for and cannot be had (`vreid.models.weights`).
    """
    module = importlib.import_module(f"vreid.models.{config.name}")
    model: nn.Module = module.build(config, classes)
    return model
