"""Trains one run: everything around the loop, from the packed images to the files of the run."""

import fcntl
import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vreid.datasets.packed import PackedImages
from vreid.params.atomic import atomic_path, write_json
from vreid.params.errors import UserError
from vreid.params.fingerprint import digest_of
from vreid.params.run import TrainConfig
from vreid.training.checkpoint import Checkpoints, save_tensors
from vreid.training.data import TrainingImages
from vreid.training.device import computing_on, device_name
from vreid.training.engine import Learner, State, fit
from vreid.training.events import EventLog
from vreid.training.history import write_history
from vreid.training.interruption import InterruptedRunError, Interruption, watching_for_signals
from vreid.training.processes import Processes, joined
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
    a device, else the CPU with the job's threads (OMP_NUM_THREADS, 1 if unset). Where torchrun has
    started this process with others, they train together (`vreid.training.processes`), each on the
    device of its number, and the first one writes.

    Raises:
        UserError: the pack does not fit the configuration, the loss became infinite or NaN, weights
            to start from are missing, another process is training into `out`, or SIGTERM or SIGINT
            asked for an end; then a checkpoint is written first.
    """
    with computing_on(device) as place, joined(place) as processes, watching_for_signals() as interruption:
        job = _Job(config, pack, out, place, processes, interruption)
        if processes.chief:
            with _alone_in(out):
                _lead(job, checkpoint_seconds)
        else:
            _follow(job)


@dataclass(frozen=True)
class _Job:
    """What is trained on which data, into which folder, where, together with whom."""

    config: TrainConfig
    pack: Path
    out: Path
    device: torch.device
    processes: Processes
    interruption: Interruption

    @property
    def checkpoints(self) -> Checkpoints:
        return Checkpoints(self.out, owner=digest_of(self.config.model_dump(mode="json"), 64))

    def interrupted(self) -> bool:
        """Return whether any of the processes was asked to end."""
        return self.processes.any(self.interruption.name is not None)


class _Training:
    """A run at the position that its checkpoint has, or at the beginning."""

    def __init__(self, job: _Job) -> None:
        config = job.config
        self.images = TrainingImages(PackedImages.open(job.pack), config.input, job.device)
        self.learner = Learner(config, self.images.classes, job.device, job.processes)
        self.state, self.cost = State(), _Cost()
        self.steps = steps_per_epoch(self.images.labels, config.sampler)
        self._job = job
        job.checkpoints.load(self._resume)

    @property
    def done(self) -> int:
        """Steps done since the start."""
        return self.state.epoch * self.steps + self.state.step

    @property
    def total(self) -> int:
        """Steps of the whole run."""
        return self._job.config.schedule.epochs * self.steps

    def go_on(self) -> Iterator[State]:
        """Train to the end; see `vreid.training.engine.fit`."""
        job = self._job
        return fit(job.config, self.images, self.learner, self.state, job.device, job.processes)

    def save(self) -> None:
        """Write a checkpoint."""
        about = {"state": asdict(self.state), "cost": self.cost.so_far()}
        self._job.checkpoints.save(self.learner.tensors(), about)

    def _resume(self, tensors: dict[str, Tensor], saved: dict[str, Any]) -> None:
        self.learner.load(tensors)
        self.state = State(**saved["state"])
        self.cost.resume(**saved["cost"])


def _lead(job: _Job, checkpoint_seconds: float) -> None:
    """Train, and write all that the run leaves behind."""
    config, out = job.config, job.out
    events = EventLog(out / "events.jsonl")
    try:
        _train(job, events, checkpoint_seconds)
    except InterruptedRunError:  # like a killed one, it has no end until it has gone on
        raise
    except Exception as error:
        with suppress(OSError):  # a full disk may be what `error` is about
            if not events.started:  # what failed has its configuration on record all the same
                settings, device = config.model_dump(mode="json"), device_name(job.device)
                events.start(out.name, settings, device, git_commit(), resumed=0)
            events.end("FAILED", f"{type(error).__name__}: {error}")
        raise
    events.end("FINISHED")
    job.checkpoints.remove()


def _follow(job: _Job) -> None:
    """Train with the process that leads."""
    training = _Training(job)
    for _ in training.go_on():
        if job.interrupted():
            raise InterruptedRunError("stopped")


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


def _train(job: _Job, events: EventLog, checkpoint_seconds: float) -> None:
    config, out = job.config, job.out
    training = _Training(job)
    state, learner = training.state, training.learner
    settings = config.model_dump(mode="json")
    events.start(out.name, settings, device_name(job.device), git_commit(), resumed=training.done)
    write_json(out / "config.json", settings)
    progress = progress_on(sys.stderr, out.name, training.total, training.done)
    saved_at = epoch_began = time.monotonic()
    for _ in training.go_on():
        now = time.monotonic()
        if state.step == 0:
            _log_epoch(events, state, now - epoch_began)
            epoch_began = now
        progress.show(training.done, _summary(state, config))
        if job.interrupted() and training.done < training.total:
            training.save()
            raise _interrupted(job, training)
        if now - saved_at >= checkpoint_seconds:
            training.save()
            saved_at = time.monotonic()
    _write_results(out, learner, state, training.images)
    model = {"model_sha256": _sha256(out / "model.safetensors")}
    about = {"run": out.name, **provenance(), **model, "device": device_name(job.device), **_sizes(training)}
    done = {"epochs": state.epoch, "steps": training.done, "peak_memory": peak_memory()}
    spent = training.cost.so_far()
    write_json(out / "run.json", {**about, "arithmetic": learner.arithmetic, **done, **spent})
    progress.close(f"{_summary(state, config)}, {spent['seconds']:.0f} s")


def _interrupted(job: _Job, training: _Training) -> InterruptedRunError:
    return InterruptedRunError(
        f"{job.out.name} was stopped by {job.interruption.name or 'a signal'} after step {training.done} of "
        f"{training.total}; a checkpoint is written, and the same command goes on from there"
    )


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


def _log_epoch(events: EventLog, state: State, seconds: float) -> None:
    values = dict(state.history[-1])
    epoch, step = int(values.pop("epoch")), int(values.pop("step"))
    events.metrics(epoch, step, {**values, "seconds": round(seconds, 3)})


def _summary(state: State, config: TrainConfig) -> str:
    """Return a line on the epoch under way or, between epochs, on the last one."""
    last = {name: values[-1] for name, values in state.measures.items()} or state.history[-1]
    epoch = min(state.epoch + bool(state.step), config.schedule.epochs)
    accuracy = f", accuracy {last['accuracy']:.2f}" if "accuracy" in last else ""
    return f"epoch {epoch}/{config.schedule.epochs}, loss {last['loss']:.3f}{accuracy}"


def _write_results(out: Path, learner: Learner, state: State, images: TrainingImages) -> None:
    weights = {n: v.detach().cpu().contiguous() for n, v in learner.model.state_dict().items()}
    with atomic_path(out / "model.safetensors") as temporary:
        header = {"classes": str(images.classes)}
        save_tensors(weights, temporary, header, place=out / "model.safetensors")
    write_history(out / "history.parquet", state.history)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sizes(training: _Training) -> dict[str, int]:
    return {
        "threads": torch.get_num_threads(),
        "classes": training.images.classes,
        "images": len(training.images.labels),
        "parameters": sum(p.numel() for p in training.learner.model.parameters()),
    }
