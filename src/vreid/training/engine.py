"""The training loop that all papers share; the run's configuration decides what it computes."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from vreid.losses.factory import build_losses
from vreid.models.factory import build_model
from vreid.models.output import Output
from vreid.params.errors import UserError
from vreid.params.run import TrainConfig
from vreid.training.augment import Augmentation
from vreid.training.data import TrainingImages
from vreid.training.device import memory_layout, placed
from vreid.training.optimizer import build_optimizer
from vreid.training.sampler import epoch_batches, steps_per_epoch
from vreid.training.schedule import factor

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
            every loss by name before its weight, and of accuracy (share of training images whose
            identity has the highest score; scores of several classifiers are added).
    """

    epoch: int = 0
    step: int = 0
    measures: dict[str, list[float]] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)


class Learner:
    """The network, its losses and its optimizer; one step at a time."""

    def __init__(self, config: TrainConfig, classes: int, device: torch.device) -> None:
        """Build everything that `config` names; new weights are drawn from its seed alone."""
        torch.manual_seed(config.seed)
        engine = config.engine
        self.layout = memory_layout(engine.channels_last)
        self.model = placed(build_model(config.model, classes), device, self.layout).train()
        self.losses = build_losses(config.losses).to(device)
        trained = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        self.optimizer = build_optimizer(config.optimizer, trained)
        self._device = device
        self._mixed = engine.precision == "bfloat16"

    def step(self, images: Tensor, labels: Tensor, rate: float) -> dict[str, Tensor]:
        """Learn from one batch: normalised images (B, 3, H, W) and labels (B,), at this `rate`.

        Returns loss, every loss by name and accuracy, as scalars on the device.
        """
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._mixed):
            output = _in_float32(self.model(images))
        loss, terms = self.losses(output, labels)
        loss.backward()
        self.optimizer.step(rate)
        scores = torch.stack(output.logits).detach().sum(dim=0)
        accuracy = (scores.argmax(dim=1) == labels).float().mean()
        return {"loss": loss.detach(), **terms, "accuracy": accuracy}

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
) -> Iterator[State]:
    """Train from `state` to the last epoch, yielding `state` whenever it is up to date.

    That is after each step on the CPU, after every few and at each epoch's end on CUDA. What is
    computed depends on the configuration, the data and the position (epoch, step) alone, so a
    learner and a state that were put away and loaded again continue as if nothing had happened.

    Raises:
        UserError: the loss or, at the end, a weight is not a finite number; the device's memory does
            not suffice.
    """
    sampler, schedule = config.sampler, config.schedule
    augmentation = Augmentation(config.augment, config.seed, device, learner.layout)
    steps = steps_per_epoch(images.labels, sampler.ids, sampler.images_per_id)
    look_every = 1 if device.type == "cpu" else _LOOK_EVERY
    while state.epoch < schedule.epochs:
        plan = epoch_batches(images.labels, sampler.ids, sampler.images_per_id, config.seed, state.epoch)
        fresh: list[dict[str, Tensor]] = []
        for pixels, labels in images.batches(plan[state.step :]):
            step = state.step + len(fresh)
            rate = config.optimizer.lr * factor(state.epoch + step / steps, schedule)
            _seed_layers(config.seed, state.epoch, step, device)
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
        count, _, height, width = images.shape
        raise UserError(
            f"the device's memory does not suffice for batches of {count} images of {height} x {width}: "
            "lower sampler.ids or input, set engine.precision to bfloat16, or use a larger device"
        ) from error


def _in_float32(output: Output) -> Output:
    return Output(
        logits=tuple(scores.float() for scores in output.logits),
        embeddings=tuple(embedding.float() for embedding in output.embeddings),
        before_neck=output.before_neck.float(),
        after_neck=output.after_neck.float(),
    )


def _seed_layers(config_seed: int, epoch: int, step: int, device: torch.device) -> None:
    """Give layers that draw numbers (dropout) a stream of their own in every step."""
    stream = np.random.SeedSequence([config_seed, epoch, step, _LAYERS])
    seed = int(stream.generate_state(1, np.uint64)[0]) >> 1
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
