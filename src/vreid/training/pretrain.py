"""Trains a backbone to tell rendered vehicles apart, and ships what it learned."""

import hashlib
import math
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from vreid.models.backbones.build import build_backbone
from vreid.models.layers.cosine_classifier import CosineClassifier
from vreid.params.atomic import atomic_path, write_json
from vreid.params.errors import UserError
from vreid.params.fingerprint import code_digest, digest_of
from vreid.params.models.backbone import Backbone, BackboneName, rendered_name
from vreid.params.pretrain import PretrainTraining, PretrainWorld
from vreid.training.augment import Augmentation
from vreid.training.checkpoint import Checkpoints
from vreid.training.device import computing_on, memory_layout, placed
from vreid.training.optimizer import build_optimizer
from vreid.training.pretrain_pictures import UNSEEN, Pictures
from vreid.training.progress import Progress
from vreid.training.provenance import provenance
from vreid.training.sampler import epoch_batches, steps_per_epoch
from vreid.training.schedule import factor


@dataclass(frozen=True)
class Job:
    """One backbone to train: its name, width and depth, the size of its pictures, the worlds, and how."""

    name: BackboneName
    width: float
    depth: float
    size: int
    worlds: Mapping[str, PretrainWorld]
    training: PretrainTraining

    @property
    def backbone(self) -> Backbone:
        """The backbone, before it has learned anything."""
        return Backbone(name=self.name, width=self.width, depth=self.depth, weights=None)


class Epoch(NamedTuple):
    """Means over the batches of an epoch.

    `loss` is that of identities plus the weighted ones of model and paint; `accuracy` the share of pictures
    whose own identity has the highest score; `seconds` are of the processor.
    """

    loss: float
    accuracy: float
    seconds: float


@dataclass(frozen=True)
class Trained:
    """What came of a job: the backbone's tensors, and its epochs."""

    state: dict[str, Tensor]
    epochs: tuple[Epoch, ...]


class Classifier(nn.Module):
    """A backbone, mean pooling, normalisation, and a classifier for each kind of label.

    That of identities puts out cosines, so that directions alone tell vehicles apart, as in a search.
    """

    def __init__(self, backbone: nn.Module, channels: int, classes: Sequence[int]) -> None:
        super().__init__()
        self.backbone = backbone
        self.norm = nn.BatchNorm1d(channels)
        identities, *helpers = classes
        self.identity = CosineClassifier(channels, identities)
        self.helpers = nn.ModuleList(nn.Linear(channels, count, bias=False) for count in helpers)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return cosines and scores, each (B, classes), of normalised `images` (B, 3, H, W)."""
        feature = self.norm(self.backbone(images).mean(dim=(2, 3), dtype=torch.float32))
        return [self.identity(feature), *(helper(feature) for helper in self.helpers)]


def margin_loss(cosines: Tensor, labels: Tensor, scale: float, margin: float) -> Tensor:
    """Return the cross-entropy of the scores s (c - m) of the own identity and s c of all others.

    CosFace (Wang et al., CVPR 2018), Eq. 4, with the scale s and the margin m; `cosines` are (B, classes),
    `labels` (B,).
    """
    own = functional.one_hot(labels, cosines.shape[1])
    return functional.cross_entropy(scale * (cosines - margin * own), labels)


def train_backbone(
    job: Job,
    pictures: Pictures,
    device_name: str | None = None,
    progress: Progress | None = None,
    store: Path | None = None,
) -> Trained:
    """Train `job` on all `pictures`; on the CPU the same bytes come out every time.

    With a folder `store`, every epoch ends with a checkpoint there, and a training that was interrupted goes
    on from the last one.

    Raises:
        UserError: there are fewer pictures than one batch, or the loss is no number any more.
    """
    with computing_on(device_name) as device:
        learner = _Learner(job, pictures, device)
        checkpoints = None if store is None else _checkpoints(store, job, pictures)
        if checkpoints is not None:
            checkpoints.load(learner.accept)
        while len(learner.epochs) < job.training.schedule.epochs:
            learner.epoch(progress)
            if not math.isfinite(learner.epochs[-1].loss):
                raise UserError(f"the loss of {job.name} is no number any more: lower the optimizer's lr.")
            if checkpoints is not None:
                checkpoints.save(learner.tensors(), {"epochs": learner.epochs})
        return Trained(learner.backbone_state(), tuple(learner.epochs))


def forget(store: Path, job: Job, pictures: Pictures) -> None:
    """Delete the checkpoints of a job, once its weights are where they belong."""
    _checkpoints(store, job, pictures).remove()


def ship(
    trained: Trained,
    job: Job,
    pictures: Pictures,
    command: str,
    folder: Path,
) -> Path:
    """Write the weights, and beside them a manifest that says what they are; return their path.

    Filters are stored in half precision, all else as it is. Both files appear whole, and an interrupt
    from the keyboard waits until both are there.
    """
    path = folder / rendered_name(job.name, job.width, job.depth)
    content = safetensors.torch.save({name: _stored(value) for name, value in trained.state.items()})
    manifest = {
        "backbone": job.name,
        "width": job.width,
        "depth": job.depth,
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
        "worlds": {name: world.model_dump(mode="json") for name, world in job.worlds.items()},
        "code": code_digest([__name__, *(f"vreid.synthetic.writers.{w.like}" for w in job.worlds.values())]),
        "epochs": [[round(value, 4) for value in epoch] for epoch in trained.epochs],
        "seconds": round(sum(epoch.seconds for epoch in trained.epochs)),
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
        backbone = build_backbone(job.backbone)
        channels = int(backbone.channels)  # type: ignore[arg-type]
        self._model = placed(Classifier(backbone, channels, pictures.classes), device, layout).train()
        trained = {name: p for name, p in self._model.named_parameters() if p.requires_grad}
        self._optimizer = build_optimizer(job.training.optimizer, trained)
        self._augmentation = Augmentation(job.training.augment, job.training.seed, device, layout)
        self._pixels, self._labels = pictures.packed(job.size), pictures.labels
        self.epochs: list[Epoch] = []

    def epoch(self, progress: Progress | None) -> None:
        """Show every picture once, and add what came of it to `epochs`."""
        began, epoch, training = time.process_time(), len(self.epochs), self._training
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
        self.epochs.append(Epoch(loss, accuracy, time.process_time() - began))

    def tensors(self) -> dict[str, Tensor]:
        """Return everything that changes in training, by name: the live tensors."""
        optimizer = {f"optimizer.{name}": value for name, value in self._optimizer.state.items()}
        return {**{f"model.{name}": value for name, value in self._model.state_dict().items()}, **optimizer}

    def accept(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Go on from a checkpoint.

        Raises:
            ValueError: it holds other tensors than this network and its optimizer.
        """
        mine = self.tensors()
        if mine.keys() != tensors.keys():
            raise ValueError("it holds other tensors")
        for name, value in mine.items():
            value.copy_(tensors[name])
        self.epochs = [Epoch(*epoch) for epoch in state["epochs"]]

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
            cosines, *scores = (each.float() for each in self._model(images))
        identity, *seen = labels.T
        loss = margin_loss(cosines, identity, self._training.scale, self._training.margin)
        for each, label in zip(scores, seen, strict=True):
            if (label != UNSEEN).any():
                helper = functional.cross_entropy(each, label, ignore_index=UNSEEN)
                loss = loss + self._training.helpers * helper
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step(rate)
        accuracy = (cosines.argmax(dim=1) == identity).float().mean()
        return loss.item(), accuracy.item()


def _checkpoints(store: Path, job: Job, pictures: Pictures) -> Checkpoints:
    """Return the checkpoints of a job on these pictures; those of others in its folder are ignored."""
    seen = hashlib.sha256(pictures.labels.tobytes())
    for file in pictures.files:
        seen.update(file)
    what = [
        job.backbone.model_dump(mode="json"),
        job.size,
        job.training.model_dump(mode="json"),
        seen.hexdigest(),
    ]
    name = Path(rendered_name(job.name, job.width, job.depth)).stem
    return Checkpoints(store / name, digest_of([what, code_digest([__name__])], 16))


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
