"""Features of a trained run for the images that a dataset is evaluated on."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from vreid.datasets.packed import PackedImages
from vreid.models.factory import build_model, without_weights
from vreid.models.output import Output
from vreid.params.atomic import atomic_path
from vreid.params.errors import UserError
from vreid.params.run import TrainConfig
from vreid.training.augment import Centre
from vreid.training.data import PackView, read_batches
from vreid.training.device import computing_on, memory_layout, placed

_BATCH = 128  # images; the features do not depend on it but for rounding


def extract(run: Path, pack: Path, *, out: Path | None = None, device: str | None = None) -> None:
    """Write the features of all query and gallery images of `pack` by the model of `run`.

    The folder `out` (None: run/features) gets before_neck.npy and after_neck.npy, float32 (M, D), the
    same of the mirrored images (before_neck_mirrored.npy, after_neck_mirrored.npy: for the flip test),
    and rows.npy, int64 (M,): the row of the dataset's index that each feature belongs to, queries first.
    Of images that are stored larger than the network's input the centre is taken; they are normalised,
    and nothing else. The network computes in the precision it was trained in. `device` as for
    `vreid.training.train.train`.

    Raises:
        UserError: the images of the pack have another size than the run's, or not its spectra.
    """
    out = run / "features" if out is None else out
    config = _config(run)
    packed = PackedImages.open(pack)
    images = PackView(packed, config.input)
    rows = np.concatenate([packed.rows("query"), packed.rows("gallery")])
    with computing_on(device) as place:
        model = load_trained(run, place)
        for suffix, mirrored in (("", False), ("_mirrored", True)):
            before, after = _features(model, config, images, rows, place, mirrored=mirrored)
            _save(out / f"before_neck{suffix}.npy", before)
            _save(out / f"after_neck{suffix}.npy", after)
    _save(out / "rows.npy", rows)


def load_trained(run: Path, device: torch.device) -> nn.Module:
    """Return the trained model of the folder `run` on `device`, in eval mode."""
    config = _config(run)
    try:
        with safe_open(run / "model.safetensors", framework="pt") as file:
            classes = int(file.metadata()["classes"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError) as error:
        raise UserError(
            f"{run / 'model.safetensors'} holds no trained network ({error}): delete it and run the pipeline "
            "again"
        ) from None
    model = build_model(without_weights(config.model), classes)  # pretrained ones were the start
    model.load_state_dict(tensors)
    return placed(model, device, memory_layout(config.engine.channels_last)).eval()


def _config(run: Path) -> TrainConfig:
    try:
        return TrainConfig.model_validate_json((run / "config.json").read_bytes())
    except ValidationError as error:
        raise UserError(
            f"{run / 'config.json'} holds no configuration of a run ({error.errors()[0]['msg']}): delete the "
            "folder and run the pipeline again"
        ) from None


def _features(
    model: nn.Module,
    config: TrainConfig,
    images: PackView,
    rows: NDArray[np.int64],
    device: torch.device,
    *,
    mirrored: bool,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the features before and after the neck, each (M, D), of the images `rows` (M,)."""
    places = np.split(np.arange(len(rows)), range(_BATCH, len(rows), _BATCH))
    batches = read_batches(images, (rows[place] for place in places), device)
    if mirrored:
        batches = (pixels.flip(-2) for pixels in batches)  # (…, H, W, 3): left to right
    found = list(_outputs(model, config, batches, device))
    return np.concatenate([b for b, _ in found]), np.concatenate([a for _, a in found])


def _outputs(
    model: nn.Module, config: TrainConfig, batches: Iterator[Tensor], device: torch.device
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    prepare = Centre(config.input, device, memory_layout(config.engine.channels_last))
    mixed = config.engine.precision == "bfloat16"
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=mixed):
        for pixels in batches:
            output: Output = model(prepare(pixels))
            yield output.before_neck.float().cpu().numpy(), output.after_neck.float().cpu().numpy()


def _save(path: Path, array: NDArray[np.generic]) -> None:
    with atomic_path(path) as temporary:
        np.save(temporary, array, allow_pickle=False)
