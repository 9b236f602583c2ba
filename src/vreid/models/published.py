"""Weights that somebody else published: a file that the user has got, read as tensors only."""

import hashlib
import io
import os
import pickle
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from vreid.models.weights import FOLDER_VARIABLE
from vreid.params.errors import UserError
from vreid.params.models.alsa import Published


def read_published(spec: Published) -> dict[str, Tensor]:
    """Return the tensors of a published file, on the CPU, by name.

    A `module.` before every name, which saving from several devices leaves, is taken off.

    Raises:
        UserError: the file is missing, has another SHA-256, or holds anything but named tensors. Code in it
            is never executed.
    """
    path = _found(spec)
    content = path.read_bytes()
    actual = hashlib.sha256(content).hexdigest()
    if actual != spec.sha256:
        raise UserError(
            f"{path} is damaged or another file: its SHA-256 is {actual} and params/ says {spec.sha256}. "
            "Get the file anew, or correct `sha256` if it is this file that you mean."
        )
    state = _tensors(content, path)
    if all(name.startswith("module.") for name in state):
        return {name.removeprefix("module."): value for name, value in state.items()}
    return state


def load_published(module: nn.Module, spec: Published) -> None:
    """Give `module` the weights of a published file; the two must have the same names and shapes.

    Raises:
        UserError: they have not, or the file is not to be had (`read_published`).
    """
    fill(module, read_published(spec), spec.file)


def fill(module: nn.Module, state: Mapping[str, Tensor], file: str) -> None:
    """Copy `state`, which comes from `file`, into `module`.

    Raises:
        UserError: names or shapes differ.
    """
    try:
        module.load_state_dict(dict(state))
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{file} does not hold the weights of a {type(module).__name__}: {reason}") from error


def _found(spec: Published) -> Path:
    folder = os.environ.get(FOLDER_VARIABLE)
    places = [Path(spec.file), *([Path(folder) / spec.file] if folder else [])]
    for place in places:
        if place.is_file():
            return place
    looked = " and ".join(map(str, places))
    raise UserError(
        f"The weights {spec.file} are not there (looked for {looked}): put the file where params/ says, or "
        f"into a folder that the environment variable {FOLDER_VARIABLE} names."
    )


def _tensors(content: bytes, path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load(content)
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, EOFError, RuntimeError, SafetensorError) as error:
        raise UserError(_refused(path)) from error
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in state.items()
    ):
        raise UserError(_refused(path))
    return state


def _refused(path: Path) -> str:
    return f"{path} holds something other than named tensors and is refused; no code in it was executed."
