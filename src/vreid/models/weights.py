"""Pretrained weights: found or downloaded, checked, and read as tensors only."""

import hashlib
import http.client
import io
import os
import pickle
import re
import shutil
import urllib.request
from pathlib import Path, PurePosixPath
from urllib.parse import urlparse

import torch
from torch import Tensor

from vreid.params.atomic import atomic_path
from vreid.params.errors import UserError

FOLDER_VARIABLE = "VREID_WEIGHTS"
TIMEOUT_SECONDS = 30.0


def load_weights(url: str, *, timeout: float = TIMEOUT_SECONDS) -> dict[str, Tensor]:
    """Return the state dictionary published at `url`, on the CPU.

    The file is looked for by its name in the folder that the environment variable VREID_WEIGHTS
    names, if it is set, then where torch.hub keeps its downloads. If it is in neither, it is
    downloaded to the first of them.

    Args:
        url: address whose last part is `<name>-<digest>.pth`, the digest being the first eight or
            more hexadecimal digits of the file's SHA-256, as in every file of torchvision.
        timeout: seconds to wait for the network's answer, and for each piece of the file.

    Raises:
        UserError: the file is missing and cannot be downloaded, has another digest, or holds
            anything but named tensors. Code in it is never executed.
        ValueError: `url` carries no digest, or is not an http(s) address.
    """
    name = PurePosixPath(urlparse(url).path).name
    digest = re.fullmatch(r".+-([0-9a-f]{8,64})\.pth", name)
    if digest is None or urlparse(url).scheme not in {"http", "https"}:
        raise ValueError(f"not an address of the form https://.../<name>-<sha256>.pth: {url}")
    places = [folder / name for folder in _folders()]
    path = next((place for place in places if place.is_file()), places[0])
    if not path.is_file():
        _download(url, path, digest[1], timeout)
    return _read(path, digest[1])


def _folders() -> list[Path]:
    named = os.environ.get(FOLDER_VARIABLE)
    cache = Path(torch.hub.get_dir()) / "checkpoints"
    return [Path(named), cache] if named else [cache]


def _download(url: str, path: Path, digest: str, timeout: float) -> None:
    try:
        with (
            # The scheme is http or https by now, so that no local file can be named.
            urllib.request.urlopen(url, timeout=timeout) as answer,  # noqa: S310
            atomic_path(path) as temporary,
        ):
            with temporary.open("wb") as file:
                shutil.copyfileobj(answer, file)
            actual = hashlib.sha256(temporary.read_bytes()).hexdigest()
            if not actual.startswith(digest):
                raise OSError(f"the SHA-256 of what came is {actual}")
    except (OSError, http.client.HTTPException) as error:
        raise UserError(
            f"The pretrained weights {path.name} are not on this machine, and downloading them "
            f"failed ({error}). Get {url} by other means, check that the file's SHA-256 begins "
            f"with {digest}, and save it as {path}, or under the same name in any folder named by "
            f"the environment variable {FOLDER_VARIABLE}."
        ) from error


def _read(path: Path, digest: str) -> dict[str, Tensor]:
    content = path.read_bytes()
    actual = hashlib.sha256(content).hexdigest()
    if not actual.startswith(digest):
        raise UserError(
            f"{path} is damaged or another file: its SHA-256 is {actual} and should begin with "
            f"{digest}. Delete it, and it is downloaded again."
        )
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, EOFError, RuntimeError) as error:
        raise UserError(_not_tensors(path)) from error
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in state.items()
    ):
        raise UserError(_not_tensors(path))
    return state


def _not_tensors(path: Path) -> str:
    return (
        f"{path} holds something other than named tensors and is refused; no code in it was "
        "executed. Delete it, and get the weights from where they are published."
    )
