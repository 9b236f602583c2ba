"""The learning rate over a run, as a pure function of the epoch."""

import math

from vreid.params.recipe import Cosine, MultiStep, ScheduleConfig, Warmup


def factor(epoch: float, config: ScheduleConfig) -> float:
    """Return what the base learning rate is multiplied by at `epoch`.

    `epoch` counts finished epochs and may be fractional: step s of S in epoch e (both from 0) is at
    e + s / S. The engine asks before every step, so a milestone at a whole epoch acts exactly where
    a schedule per epoch would act, and a warm-up or cosine that a preset has shortened to an epoch
    or two is still the line or curve that it describes. At whole epochs the values are those of the
    warm-up multi-step schedule of Luo et al., "Bag of Tricks" (CVPRW 2019).

    Multi-step: gamma ** (number of milestones <= epoch). Cosine: 1 until `delay`, from there to
    `final_factor` at `epochs`, final + (1 - final) (1 + cos(pi t)) / 2 with t growing from 0 to 1.
    Either is multiplied by the warm-up, which grows linearly from its `factor` at epoch 0 to 1 at
    its `epochs`.
    """
    decay = _multistep(epoch, config) if isinstance(config, MultiStep) else _cosine(epoch, config)
    return decay * _warmup(epoch, config.warmup)


def _multistep(epoch: float, config: MultiStep) -> float:
    return math.prod(config.gamma for milestone in config.milestones if epoch >= milestone)


def _cosine(epoch: float, config: Cosine) -> float:
    if epoch <= config.delay:
        return 1.0
    if epoch >= config.epochs:
        return config.final_factor
    wave = (1 + math.cos(math.pi * (epoch - config.delay) / (config.epochs - config.delay))) / 2
    return config.final_factor + (1 - config.final_factor) * wave


def _warmup(epoch: float, config: Warmup | None) -> float:
    if config is None or epoch >= config.epochs:
        return 1.0
    return config.factor + (1 - config.factor) * epoch / config.epochs
