"""Trains a backbone to tell rendered vehicles apart, and ships what it learned."""

import hashlib
import math
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from vreid.models.backbones.build import build_backbone
from vreid.models.weights import rendered_name
from vreid.params.atomic import atomic_path, write_json
from vreid.params.errors import UserError
from vreid.params.fingerprint import code_digest
from vreid.params.models.backbone import Backbone, BackboneName
from vreid.params.pretrain import PretrainTraining, PretrainWorld
from vreid.training.augment import Augmentation
from vreid.training.device import computing_on, memory_layout, placed
from vreid.training.optimizer import build_optimizer
from vreid.training.pretrain_pictures import Pictures
from vreid.training.progress import Progress
from vreid.training.provenance import provenance
from vreid.training.sampler import epoch_batches, steps_per_epoch
from vreid.training.schedule import factor


@dataclass(frozen=True)
class Job:
    """One backbone to train: its name and width, the size of its pictures, and how."""

    name: BackboneName
    width: float
    size: int
    training: PretrainTraining


@dataclass(frozen=True)
class Trained:
    """What came of a job: the backbone's tensors, and the means over its last epoch's batches.

    `loss` is the sum of the cross-entropies of identity, model and paint; `accuracy` the share of pictures
    whose identity has the highest score.
    """

    state: dict[str, Tensor]
    loss: float
    accuracy: float
    seconds: float


class Classifier(nn.Module):
    """A backbone, mean pooling, normalisation, and a linear classifier for each kind of label."""

    def __init__(self, backbone: nn.Module, channels: int, classes: Sequence[int]) -> None:
        super().__init__()
        self.backbone = backbone
        self.norm = nn.BatchNorm1d(channels)
        self.classifiers = nn.ModuleList(nn.Linear(channels, count, bias=False) for count in classes)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the scores, each (B, classes), of normalised `images` (B, 3, H, W)."""
        feature = self.norm(self.backbone(images).mean(dim=(2, 3), dtype=torch.float32))
        return [classifier(feature) for classifier in self.classifiers]


def train_backbone(
    job: Job, pictures: Pictures, device_name: str | None = None, progress: Progress | None = None
) -> Trained:
    """Train `job` on all `pictures`; on the CPU the same bytes come out every time.

    Raises:
        UserError: there are fewer pictures than one batch, or the loss is no number any more.
    """
    began = time.monotonic()
    with computing_on(device_name) as device:
        learner = _Learner(job, pictures, device)
        for epoch in range(job.training.schedule.epochs):
            loss, accuracy = learner.epoch(epoch, progress)
            if not math.isfinite(loss):
                raise UserError(f"the loss of {job.name} is no number any more: lower the optimizer's lr.")
        return Trained(learner.backbone_state(), loss, accuracy, time.monotonic() - began)


def ship(
    trained: Trained,
    job: Job,
    worlds: dict[str, PretrainWorld],
    pictures: Pictures,
    command: str,
    folder: Path,
) -> Path:
    """Write the weights, and beside them a manifest that says what they are; return their path.

    Filters are stored in half precision, all else as it is. Both files appear whole, and an interrupt
    from the keyboard waits until both are there.
    """
    path = folder / rendered_name(job.name, job.width)
    content = safetensors.torch.save({name: _stored(value) for name, value in trained.state.items()})
    manifest = {
        "backbone": job.name,
        "width": job.width,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "numbers": sum(value.numel() for value in trained.state.values()),
        "command": command,
        "pictures": {
            **dict(zip(("identities", "models", "paints"), pictures.classes, strict=True)),
            "images": len(pictures.files),
            "size": job.size,
        },
        "training": job.training.model_dump(mode="json"),
        "worlds": {name: world.model_dump(mode="json") for name, world in worlds.items()},
        "code": code_digest([__name__, *(f"vreid.synthetic.writers.{w.like}" for w in worlds.values())]),
        "last_epoch": {"loss": round(trained.loss, 4), "accuracy": round(trained.accuracy, 4)},
        "seconds": round(trained.seconds),
        "environment": provenance(),
    }
    with _uninterrupted():
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
        write_json(path.with_suffix(".json"), manifest)
    return path


def steps_of(job: Job, pictures: Pictures) -> int:
    """Return the number of training steps of `job`."""
    return job.training.schedule.epochs * steps_per_epoch(pictures.labels[:, 0], job.training.sampler)


class _Learner:
    """The network of a job with its pictures, optimizer and augmentation; one epoch at a time."""

    def __init__(self, job: Job, pictures: Pictures, device: torch.device) -> None:
        self._training, self._device = job.training, device
        layout = memory_layout(channels_last=True)
        torch.manual_seed(job.training.seed)
        backbone = build_backbone(Backbone(name=job.name, width=job.width, weights=None))
        channels = int(backbone.channels)  # type: ignore[arg-type]
        self._model = placed(Classifier(backbone, channels, pictures.classes), device, layout).train()
        trained = {name: p for name, p in self._model.named_parameters() if p.requires_grad}
        self._optimizer = build_optimizer(job.training.optimizer, trained)
        self._augmentation = Augmentation(job.training.augment, job.training.seed, device, layout)
        self._pixels, self._labels = pictures.packed(job.size), pictures.labels

    def epoch(self, epoch: int, progress: Progress | None) -> tuple[float, float]:
        """Show every picture once; return the means of loss and accuracy over the batches."""
        training = self._training
        order = epoch_batches(self._labels[:, 0], training.sampler, training.seed, epoch)
        title, measures = f"epoch {epoch + 1}/{training.schedule.epochs}", []
        for step, rows in enumerate(order):
            rate = training.optimizer.lr * factor(epoch + step / len(order), training.schedule)
            measures.append(self._step(rows, epoch, step, rate))
            if progress is not None:
                loss, accuracy = measures[-1]
                text = f"{title}, loss {loss:.3f}, accuracy {accuracy:.2f}"
                progress.show(epoch * len(order) + step + 1, text)
        loss, accuracy = np.mean(measures, axis=0).tolist()
        return loss, accuracy

    def backbone_state(self) -> dict[str, Tensor]:
        """Return the backbone's tensors, on the CPU."""
        prefix = "backbone."
        return {
            name.removeprefix(prefix): value.detach().cpu()
            for name, value in self._model.state_dict().items()
            if name.startswith(prefix)
        }

    def _step(self, rows: NDArray[np.int64], epoch: int, step: int, rate: float) -> tuple[float, float]:
        pixels = torch.from_numpy(self._pixels[rows]).to(self._device)
        labels = torch.from_numpy(self._labels[rows]).to(self._device)
        images = self._augmentation(pixels, epoch, step)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._device.type == "cuda"):
            scores = [each.float() for each in self._model(images)]
        losses = [functional.cross_entropy(*pair) for pair in zip(scores, labels.T, strict=True)]
        loss = torch.stack(losses).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step(rate)
        accuracy = (scores[0].argmax(dim=1) == labels[:, 0]).float().mean()
        return loss.item(), accuracy.item()


def _stored(value: Tensor) -> Tensor:
    return (value.half() if value.dim() > 1 else value).contiguous()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let an interrupt from the keyboard wait for the end of the block; for the main thread."""
    waiting: list[int] = []
    # Masking the signal would not do: another of torch's threads would take it.
    before = signal.signal(signal.SIGINT, lambda number, _: waiting.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if waiting:
        signal.raise_signal(signal.SIGINT)
