"""Pretrained weights: found or downloaded, checked, and read as tensors only."""

import hashlib
import http.client
import io
import json
import os
import pickle
import re
import shutil
import urllib.request
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import urlparse

import safetensors.torch
import torch
from torch import Tensor

from vreid.params.atomic import atomic_path
from vreid.params.errors import UserError
from vreid.params.models.backbone import Backbone, rendered_name

FOLDER_VARIABLE = "VREID_WEIGHTS"
TIMEOUT_SECONDS = 30.0
RENDERED = Path(__file__).parent / "pretrained"
"""Where the weights lie that `vreid pretrain` made and that are part of this package."""


def starting_weights(config: Backbone, imagenet: str) -> dict[str, Tensor] | None:
    """Return what a backbone starts from, on the CPU, or None if its configuration names no weights.

    Args:
        config: the backbone; ImageNet's weights may come with a head that it does not have.
        imagenet: where ImageNet's weights of it are published.

    Raises:
        UserError: the weights cannot be had, as `load_weights` and `load_rendered` say.
    """
    if config.weights == "imagenet":
        return load_weights(imagenet)
    if config.weights == "rendered":
        return load_rendered(config.name, config.width, depth=config.depth)
    return None


def load_rendered(
    name: str, width: float, folder: Path = RENDERED, *, depth: float = 1.0, maker: str = "pretrain"
) -> dict[str, Tensor]:
    """Return the float32 state dictionary of a network that was trained on rendered vehicles.

    `maker` is the command of `vreid` that trains such a network; a missing file's message names it. The
    manifest beside the file, of the same name and ending in .json, gives its SHA-256, and how it was
    made.

    Raises:
        UserError: this network was not trained at this width and depth, or its file is not the manifest's.
    """
    path = folder / rendered_name(name, width, depth)
    manifest = path.with_suffix(".json")
    options = f"--width {width:g}" + (f" --depth {depth:g}" if maker == "pretrain" else "")
    shape = f"width {width:g}" + ("" if depth == 1 else f" and depth {depth:g}")
    remedy = f"`vreid {maker} {name} {options}` makes it."
    if not path.is_file() or not manifest.is_file():
        raise UserError(
            f"No weights of {name} at {shape} are here that were trained on rendered vehicles "
            f"({path} and its manifest): {remedy}"
        )
    content = path.read_bytes()
    actual = hashlib.sha256(content).hexdigest()
    expected = json.loads(manifest.read_text(encoding="utf-8"))["sha256"]
    if actual != expected:
        raise UserError(
            f"{path} is damaged or another file: its SHA-256 is {actual} and should be {expected}. Fetch it "
            f"anew with the code, or {remedy}"
        )
    return {
        key: value.float() if value.is_floating_point() else value
        for key, value in safetensors.torch.load(content).items()
    }


def without(state: Mapping[str, Tensor], *heads: str) -> dict[str, Tensor]:
    """Return `state` without the tensors of the modules that `heads` names: what a backbone has cut off."""
    return {name: value for name, value in state.items() if name.split(".")[0] not in heads}


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
                raise ValueError(f"the SHA-256 of what came is {actual}")
    except (OSError, ValueError, http.client.HTTPException) as error:
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
            f"{digest}. Delete it: the next call with a network downloads it again; without one, "
            "save it anew from where it is published."
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
