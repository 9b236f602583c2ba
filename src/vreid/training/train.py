"""Trains one run: everything around the loop, from the packed images to the files of the run."""

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from vreid.datasets.packed import PackedImages
from vreid.params.atomic import atomic_path, write_json
from vreid.params.errors import UserError
from vreid.params.fingerprint import digest_of
from vreid.params.run import TrainConfig
from vreid.training.checkpoint import Checkpoints
from vreid.training.data import TrainingImages, check_size
from vreid.training.device import computing_on, device_name
from vreid.training.engine import Learner, State, fit
from vreid.training.events import EventLog
from vreid.training.history import write_history
from vreid.training.progress import progress_on
from vreid.training.provenance import git_commit, peak_memory, provenance
from vreid.training.sampler import steps_per_epoch

_SECONDS_TO_END = 10.0


def train(
    config: TrainConfig,
    pack: Path,
    out: Path,
    *,
    device: str | None = None,
    checkpoint_seconds: float = 300.0,
) -> None:
    """Train the run that `config` describes on the packed dataset `pack`; leave its files in `out`.

    `out` gets config.json, model.safetensors (weights; the number of classes in its header),
    history.parquet (`State.history`), run.json (versions, device, cost), events.jsonl (appended).
    A checkpoint is written there every `checkpoint_seconds`; found by a later call with the same
    `config`, it is taken up, and on the CPU model.safetensors and history.parquet end with the same
    bytes as without the interruption. `device` is torch's name of one; None takes CUDA if there is
    a device, else the CPU with the job's threads (OMP_NUM_THREADS, 1 if unset).

    Raises:
        UserError: the pack does not fit the configuration, the loss became infinite or NaN, weights
            to start from are missing, another process is training into `out`.
    """
    with _alone_in(out):
        events = EventLog(out / "events.jsonl")
        try:
            with computing_on(device) as place:
                opened = PackedImages.open(pack)
                _train(config, opened, out, place, events=events, checkpoint_seconds=checkpoint_seconds)
        except Exception as error:
            if not events.started:  # what failed has its configuration on record all the same
                events.start(out.name, config.model_dump(mode="json"), device or "", git_commit(), resumed=0)
            events.end("FAILED", f"{type(error).__name__}: {error}")
            raise
        events.end("FINISHED")
        _checkpoints(config, out).remove()


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold `folder` against other trainings; one that was just killed has a moment to end."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        end = time.monotonic() + _SECONDS_TO_END
        while not _locked(handle):
            if time.monotonic() > end:
                raise UserError(
                    f"{folder} is being trained into by another process: wait until it has finished, "
                    "or stop it"
                )
            time.sleep(0.05)
        yield
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _train(
    config: TrainConfig,
    pack: PackedImages,
    out: Path,
    device: torch.device,
    *,
    checkpoint_seconds: float,
    events: EventLog,
) -> None:
    check_size(pack, config.input)
    images = TrainingImages(pack, device)
    learner = Learner(config, images.classes, device)
    steps = steps_per_epoch(images.labels, config.sampler.ids, config.sampler.images_per_id)
    checkpoints, state, cost = _checkpoints(config, out), State(), _Cost()

    def resume(tensors: dict[str, Tensor], saved: dict[str, Any]) -> None:
        nonlocal state
        learner.load(tensors)
        state = State(**saved["state"])
        cost.resume(**saved["cost"])

    checkpoints.load(resume)
    done = state.epoch * steps + state.step
    settings = config.model_dump(mode="json")
    events.start(out.name, settings, device_name(device), git_commit(), resumed=done)
    write_json(out / "config.json", settings)
    progress = progress_on(sys.stderr, out.name, config.schedule.epochs * steps, done)
    saved_at = epoch_began = time.monotonic()
    for _ in fit(config, images, learner, state, device):
        now = time.monotonic()
        done = state.epoch * steps + state.step
        if state.step == 0:
            _log_epoch(events, state, now - epoch_began)
            epoch_began = now
        progress.show(done, _summary(state, config))
        if now - saved_at >= checkpoint_seconds:
            checkpoints.save(learner.tensors(), {"state": asdict(state), "cost": cost.so_far()})
            saved_at = time.monotonic()
    _write_results(out, learner, state, images)
    about = {"run": out.name, **provenance(), "device": device_name(device), **_sizes(learner, images)}
    spent = {"epochs": state.epoch, "steps": done, "peak_memory": peak_memory(), **cost.so_far()}
    write_json(out / "run.json", {**about, **spent})
    progress.close(f"{_summary(state, config)}, {spent['seconds']:.0f} s")


class _Cost:
    """Seconds by the clock and of the CPU, over all the attempts at a run."""

    def __init__(self) -> None:
        self._clock, self._cpu = time.monotonic(), time.process_time()
        self._before = {"seconds": 0.0, "cpu_seconds": 0.0, "resumed": 0}

    def resume(self, seconds: float, cpu_seconds: float, resumed: int) -> None:
        """Count an interrupted attempt's cost up to its last checkpoint."""
        self._before = {"seconds": seconds, "cpu_seconds": cpu_seconds, "resumed": resumed + 1}

    def so_far(self) -> dict[str, float]:
        """Return seconds, cpu_seconds and how often the run was taken up again."""
        return {
            "seconds": round(self._before["seconds"] + time.monotonic() - self._clock, 3),
            "cpu_seconds": round(self._before["cpu_seconds"] + time.process_time() - self._cpu, 3),
            "resumed": self._before["resumed"],
        }


def _checkpoints(config: TrainConfig, out: Path) -> Checkpoints:
    return Checkpoints(out, owner=digest_of(config.model_dump(mode="json"), 64))


def _log_epoch(events: EventLog, state: State, seconds: float) -> None:
    values = dict(state.history[-1])
    epoch, step = int(values.pop("epoch")), int(values.pop("step"))
    events.metrics(epoch, step, {**values, "seconds": round(seconds, 3)})


def _summary(state: State, config: TrainConfig) -> str:
    """Return a line on the epoch under way or, between epochs, on the last one."""
    if state.measures:
        loss, accuracy = state.measures["loss"][-1], state.measures["accuracy"][-1]
    else:
        loss, accuracy = state.history[-1]["loss"], state.history[-1]["accuracy"]
    epoch = min(state.epoch + bool(state.step), config.schedule.epochs)
    return f"epoch {epoch}/{config.schedule.epochs}, loss {loss:.3f}, accuracy {accuracy:.2f}"


def _write_results(out: Path, learner: Learner, state: State, images: TrainingImages) -> None:
    weights = {n: v.detach().cpu().contiguous() for n, v in learner.model.state_dict().items()}
    with atomic_path(out / "model.safetensors") as temporary:
        save_file(weights, temporary, {"classes": str(images.classes)})
    write_history(out / "history.parquet", state.history)


def _sizes(learner: Learner, images: TrainingImages) -> dict[str, int]:
    return {
        "threads": torch.get_num_threads(),
        "classes": images.classes,
        "images": len(images.labels),
        "parameters": sum(p.numel() for p in learner.model.parameters()),
    }
