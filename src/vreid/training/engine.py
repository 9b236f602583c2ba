"""The training loop that all papers share; the run's configuration decides what it computes."""

import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vreid.losses.factory import build_losses
from vreid.models.factory import build_model
from vreid.models.output import Output
from vreid.params.errors import UserError
from vreid.params.recipe import ScheduleConfig
from vreid.params.run import TrainConfig
from vreid.training.augment import Augmentation
from vreid.training.data import TrainingImages
from vreid.training.device import memory_layout, placed
from vreid.training.optimizer import build_optimizer
from vreid.training.parameters import frozen_names
from vreid.training.processes import ALONE, Processes
from vreid.training.sampler import batch_size, epoch_batches, steps_per_epoch
from vreid.training.schedule import factor
from vreid.training.share import Share

_LOG = logging.getLogger(__name__)

_LAYERS = 1  # tells the stream of the layers from that of the augmentations
_LOOK_EVERY = 20  # steps between two looks at the losses on CUDA, where each look waits for the device


@dataclass
class State:
    """How far a run has come.

    Attributes:
        epoch: epochs finished.
        step: steps done of the epoch under way.
        measures: by name, what was measured in each of these steps.
        history: one line per finished epoch: epoch (from 1), step (done since the start), lr (of
            the epoch's last step), and the means over its steps of loss (the weighted sum), of
            every loss by name before its weight, and, where the model has classifiers, of accuracy
            (share of training images whose identity has the highest score; scores of several
            classifiers are added).
    """

    epoch: int = 0
    step: int = 0
    measures: dict[str, list[float]] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)


class Learner:
    """The network, its losses and its optimizer; one step at a time.

    Attributes:
        model: the network, with the weights of every moment.
        layout: how its images lie in memory.
        arithmetic: by name, how it computes; for the run's record.
    """

    def __init__(
        self, config: TrainConfig, classes: int, device: torch.device, processes: Processes = ALONE
    ) -> None:
        """Build everything that `config` names; new weights are drawn from its seed alone.

        Raises:
            UserError: a prefix of parameters in `config` fits none (`vreid.training.parameters`).
        """
        torch.manual_seed(config.seed)
        engine = config.engine
        self.layout = memory_layout(engine.channels_last)
        model = processes.synchronised(build_model(config.model, classes))
        self.model = placed(model, device, self.layout).train()
        self.losses = build_losses(config.losses).to(device)
        self._trained = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        self.optimizer = build_optimizer(config.optimizer, self._trained)
        freeze = config.schedule.freeze
        self._frozen = frozen_names(self._trained, freeze) if freeze else set[str]()
        self._device, self._processes = device, processes
        self._mixed = engine.precision == "bfloat16"
        compiled = engine.compile and device.type == "cuda"
        if engine.compile and not compiled:
            _LOG.warning("engine.compile is left out: on the CPU it takes longer than it saves")
        self._forward: Any = torch.compile(self.model) if compiled else self.model
        self.arithmetic = {
            "precision": engine.precision,
            "channels_last": engine.channels_last,
            "fused_optimizer": True,
            "compiled": compiled,
            "deterministic": device.type == "cpu",
            "processes": processes.share.count,
        }

    def freeze(self, frozen: bool) -> None:
        """Let the parameters that `schedule.freeze` names rest, or move.

        Without a gradient the optimizer does not touch them, and backward passes end above them.
        """
        for name in self._frozen:
            self._trained[name].requires_grad_(not frozen)

    def step(self, images: Tensor, labels: Tensor, rate: float) -> dict[str, Tensor]:
        """Learn from one batch: normalised `images` and the labels (B,) of the batch, at this `rate`.

        Images are (B, 3, H, W), or (B, S, 3, H, W) of S spectra; of several processes each has its
        share of them. Returns loss, every loss by name and accuracy, as scalars on the device.
        """
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._mixed):
            output = self._forward(images)
        output = self._processes.gathered(_in_float32(output))
        loss, terms = self.losses(output, labels)
        loss.backward()
        self._processes.sum_gradients(self._trained.values())
        self.optimizer.step(rate)
        measures = {"loss": loss.detach(), **terms}
        if output.logits:
            scores = torch.stack(output.logits).detach().sum(dim=0)
            measures["accuracy"] = (scores.argmax(dim=1) == labels).float().mean()
        return measures

    def tensors(self) -> dict[str, Tensor]:
        """Return all that training changes, by name; the tensors are the live ones."""
        model = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        return model | {f"optimizer.{name}": t for name, t in self.optimizer.state.items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over the `tensors` of a learner of the same configuration.

        Raises:
            KeyError, RuntimeError: they are another learner's: names or shapes differ.
        """
        with torch.no_grad():
            for name, value in self.tensors().items():
                value.copy_(tensors[name])


def fit(
    config: TrainConfig,
    images: TrainingImages,
    learner: Learner,
    state: State,
    device: torch.device,
    processes: Processes = ALONE,
) -> Iterator[State]:
    """Train from `state` to the last epoch, yielding `state` whenever it is up to date.

    That is after each step on the CPU, after every few and at each epoch's end on CUDA. What is
    computed depends on the configuration, the data and the position (epoch, step) alone, so a
    learner and a state that were put away and loaded again continue as if nothing had happened.

    Raises:
        UserError: the loss or, at the end, a weight is not a finite number; the device's memory does
            not suffice; the batch cannot be shared equally among `processes`.
    """
    schedule, share = config.schedule, processes.share
    _check_share(config, share)
    augmentation = Augmentation(
        config.augment, config.seed, device, learner.layout, size=config.input, share=share
    )
    steps = steps_per_epoch(images.labels, config.sampler)
    look_every = 1 if device.type == "cpu" else _LOOK_EVERY
    while state.epoch < schedule.epochs:
        plan = epoch_batches(images.labels, config.sampler, config.seed, state.epoch)
        fresh: list[dict[str, Tensor]] = []
        for pixels, labels in images.batches(plan[state.step :], share):
            step = state.step + len(fresh)
            rate = config.optimizer.lr * factor(state.epoch + step / steps, schedule)
            learner.freeze(_freezes(schedule, state.epoch + step / steps))
            _seed_layers([config.seed, state.epoch, step, _LAYERS, share.number], device)
            batch = augmentation(pixels, state.epoch, step)
            fresh.append(_step(learner, batch, labels, rate))
            last = step + 1 == steps
            if last or len(fresh) == look_every:
                _take_in(fresh, state)
                fresh = []
                if last:
                    _close_epoch(state, rate, steps)
                yield state
    _check_weights(learner.model)


def _step(learner: Learner, images: Tensor, labels: Tensor, rate: float) -> dict[str, Tensor]:
    try:
        return learner.step(images, labels, rate)
    except torch.OutOfMemoryError as error:
        count, *_, height, width = images.shape
        raise UserError(
            f"the device's memory does not suffice for batches of {count} images of {height} x {width}: "
            "lower the sampler's batch or input, set engine.precision to bfloat16, or use a larger device"
        ) from error


def _in_float32(output: Output) -> Output:
    return Output(
        logits=tuple(scores.float() for scores in output.logits),
        embeddings=tuple(embedding.float() for embedding in output.embeddings),
        before_neck=output.before_neck.float(),
        after_neck=output.after_neck.float(),
        streams=tuple(scores.float() for scores in output.streams),
        penalties=tuple(penalty.float() for penalty in output.penalties),
    )


def _freezes(schedule: ScheduleConfig, epoch: float) -> bool:
    return schedule.freeze is not None and epoch < schedule.freeze.epochs


def _check_share(config: TrainConfig, share: Share) -> None:
    images = batch_size(config.sampler)
    if images % share.count:
        raise UserError(
            f"{share.count} processes cannot share batches of {images} images equally: start a number of "
            "processes that divides it, or change sampler"
        )


def _seed_layers(position: list[int], device: torch.device) -> None:
    """Give layers that draw numbers (dropout) a stream of their own in every step."""
    seed = int(np.random.SeedSequence(position).generate_state(1, np.uint64)[0]) >> 1
    # Not torch.manual_seed, which notes where it was called from, for devices that may never be used.
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


def _take_in(fresh: list[dict[str, Tensor]], state: State) -> None:
    """Move measures from the device to `state`, and stop at the first loss that is no number."""
    values = torch.stack([torch.stack(list(measures.values())) for measures in fresh]).tolist()
    for line in values:
        measures = dict(zip(fresh[0], line, strict=True))
        if not all(map(math.isfinite, line)):
            raise _not_finite(measures, state)
        for name, value in measures.items():
            state.measures.setdefault(name, []).append(value)
        state.step += 1


def _close_epoch(state: State, rate: float, steps: int) -> None:
    state.epoch += 1
    means = {name: math.fsum(values) / steps for name, values in state.measures.items()}
    state.history.append({"epoch": state.epoch, "step": state.epoch * steps, "lr": rate, **means})
    state.step = 0
    state.measures = {}


def _not_finite(measures: dict[str, float], state: State) -> UserError:
    terms = ", ".join(f"{name} {value:g}" for name, value in measures.items() if name != "accuracy")
    return UserError(
        f"the loss is not a finite number in epoch {state.epoch + 1}, step {state.step + 1} "
        f"({terms}): lower optimizer.lr, lengthen schedule.warmup, or set engine.precision to "
        "float32 if it is bfloat16"
    )


def _check_weights(model: nn.Module) -> None:
    broken = [n for n, value in model.state_dict().items() if not torch.isfinite(value).all()]
    if broken:
        raise UserError(
            f"the last training step left weights that are not finite numbers ({broken[0]} and "
            f"{len(broken) - 1} more): lower optimizer.lr, or set engine.precision to float32 if "
            "it is bfloat16"
        )
