"""Checkpoints: what a killed run needs to go on from the very step it had reached.

A checkpoint is one safetensors file, checkpoint.safetensors: the weights and the optimizer's state
as tensors, everything else as JSON in the file's header, so the two can never belong to different
steps. The one before is kept as checkpoint.previous.safetensors; one that was found damaged is set aside
as checkpoint.damaged.safetensors until the run has ended.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vreid.params.atomic import atomic_path, not_written

_LOG = logging.getLogger(__name__)


class Checkpoints:
    """The checkpoints in a run's folder."""

    def __init__(self, folder: Path, owner: str) -> None:
        """Use `folder`; `owner` is a digest of what is trained, and those of others are ignored."""
        self._newest = folder / "checkpoint.safetensors"
        self._previous = folder / "checkpoint.previous.safetensors"
        self._damaged = folder / "checkpoint.damaged.safetensors"
        self._owner = owner

    def save(self, tensors: Mapping[str, Tensor], state: dict[str, Any]) -> None:
        """Write a checkpoint of `tensors` and `state`, which must be JSON, whole or not at all."""
        stored = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        text = json.dumps(state, allow_nan=False)
        header = {"owner": self._owner, "state": text, "digest": _digest(stored, text)}
        with atomic_path(self._newest) as temporary:
            save_tensors(stored, temporary, header, place=self._newest)
            if self._newest.exists():
                self._newest.replace(self._previous)

    def load(self, accept: Callable[[dict[str, Tensor], dict[str, Any]], None]) -> bool:
        """Hand the newest sound checkpoint to `accept`; return whether there was one.

        A checkpoint that is cut short, changed or of another configuration is set aside, with a sentence in
        the log; left where it is, it would take the place of the sound one when the next is written.
        """
        found = [path for path in (self._newest, self._previous) if path.exists()]
        for path in found:
            try:
                tensors, state = _read(path, self._owner)
            except OSError as error:
                _LOG.warning("ignoring %s, which cannot be read: %s", path.name, error)
            except (SafetensorError, ValueError) as error:
                path.replace(self._damaged)
                _LOG.warning(
                    "ignoring %s, which cannot be used: %s; it is now %s",
                    path.name,
                    error,
                    self._damaged.name,
                )
            else:
                accept(tensors, state)
                return True
        if found:
            _LOG.warning("no checkpoint can be used: training begins anew")
        return False

    def remove(self) -> None:
        """Delete all checkpoints of the folder."""
        for path in (self._newest, self._previous, self._damaged):
            path.unlink(missing_ok=True)


def save_tensors(
    tensors: Mapping[str, Tensor], temporary: Path, header: dict[str, str], *, place: Path
) -> None:
    """Write contiguous CPU `tensors` and `header` to `temporary`, which is to become the file `place`.

    Raises:
        UserError: the disk does not take them; safetensors has an error of its own for that.
    """
    try:
        save_file(dict(tensors), temporary, header)
    except SafetensorError as error:
        raise not_written(place, str(error)) from None


def _read(path: Path, owner: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    with safe_open(path, framework="pt") as file:
        header = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if header.get("owner") != owner:
        raise ValueError("it belongs to another configuration")
    if header.get("digest") != _digest(tensors, header.get("state", "")):
        raise ValueError("its content has changed since it was written")
    state: dict[str, Any] = json.loads(header["state"])
    return tensors, state


def _digest(tensors: Mapping[str, Tensor], state: str) -> str:
    """Return the SHA-256 of `state` and the tensors (contiguous, on the CPU) with their names."""
    digest = hashlib.sha256(state.encode())
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
