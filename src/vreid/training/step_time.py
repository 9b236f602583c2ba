"""Takes the time of one training step: a run's own network, losses and optimizer, on images of noise."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vreid.models.factory import without_weights
from vreid.params.fingerprint import digest_of
from vreid.params.recipe import ClassBalancedSampler, PkSampler
from vreid.params.run import TrainConfig
from vreid.training.device import computing_on, device_name
from vreid.training.engine import Learner
from vreid.training.sampler import batch_size

WARM_UP = 2
"""Steps before those whose time counts: the first ones allocate and, on CUDA, look for algorithms."""


@dataclass(frozen=True)
class StepTime:
    """The median time of a training step on a device, in seconds."""

    device: str
    seconds: float


def step_key(config: TrainConfig) -> str:
    """Return a digest (16 hex digits) of what a step's time hangs on; runs that share it cost alike.

    That is the network and the size of its input, the losses, the batch, the optimizer and how the
    arithmetic is done. Starting weights, seed, rates and schedule do not count; augmentations, which are
    made beside the step, do not either.
    """
    made_of = {
        "model": _without_weights(config.model.model_dump(mode="json")),
        "input": [config.input.height, config.input.width, len(config.input.spectra)],
        "losses": [loss.name for loss in config.losses],
        "batch": batch_size(config.sampler),
        "optimizer": config.optimizer.name,
        "engine": config.engine.model_dump(mode="json"),
    }
    return digest_of(made_of, 16)


def measure_step(
    config: TrainConfig,
    classes: int,
    *,
    steps: int = 5,
    device: str | None = None,
    told: Callable[[], None] = lambda: None,
) -> StepTime:
    """Train `steps` steps after two that do not count, on noise, and return the median of their times.

    Args:
        config: the run's configuration; its starting weights are drawn instead of loaded.
        classes: how many identities the classifiers tell apart.
        steps: how many times are taken, at least 1.
        device: torch's name of one; None takes CUDA if there is a device, else the CPU.
        told: called after every step.

    Raises:
        UserError: `device` is not there.
        torch.OutOfMemoryError: its memory does not suffice.
    """
    blank = config.model_copy(update={"model": without_weights(config.model)})
    with computing_on(device) as place:
        learner = Learner(blank, classes, place)
        images, labels = _noise(config, classes, place, learner.layout)
        times = []
        for _ in range(WARM_UP + steps):
            _wait(place)
            began = time.perf_counter()
            learner.step(images, labels, config.optimizer.lr)
            _wait(place)
            times.append(time.perf_counter() - began)
            told()
        return StepTime(device_name(place), statistics.median(times[WARM_UP:]))


def _noise(
    config: TrainConfig, classes: int, device: torch.device, layout: torch.memory_format
) -> tuple[Tensor, Tensor]:
    """Return a batch of normalised noise, and labels as the sampler deals them."""
    size, count, spectra = config.input, batch_size(config.sampler), len(config.input.spectra)
    images = torch.randn(count * max(1, spectra), 3, size.height, size.width, device=device)
    images = images.contiguous(memory_format=layout)
    if spectra:
        images = images.view(count, spectra, *images.shape[1:])
    sampler = config.sampler
    each = sampler.images_per_id if isinstance(sampler, PkSampler | ClassBalancedSampler) else 1
    return images, torch.arange(count, device=device) // each % classes


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _without_weights(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_weights(item) for key, item in value.items() if key != "weights"}
    return value
