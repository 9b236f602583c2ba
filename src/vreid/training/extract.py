"""Features of a trained run for the images that a dataset is evaluated on."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from torch import Tensor, nn

from vreid.datasets.packed import PackedImages
from vreid.models.factory import build_model
from vreid.models.output import Output
from vreid.params.atomic import atomic_path
from vreid.params.run import TrainConfig
from vreid.training.augment import Augmentation
from vreid.training.data import check_size, read_batches
from vreid.training.device import computing_on, memory_layout, placed

_BATCH = 128  # images; the features do not depend on it but for rounding


def extract(run: Path, pack: Path, *, device: str | None = None) -> None:
    """Write the features of all query and gallery images of `pack` by the model of `run`.

    run/features gets before_neck.npy and after_neck.npy, float32 (M, D), the same of the mirrored
    images (before_neck_mirrored.npy, after_neck_mirrored.npy: for the flip test), and rows.npy, int64
    (M,): the row of the dataset's index that each feature belongs to, queries first. Images are
    normalised, nothing else; the network computes in the precision it was trained in. `device` as
    for `vreid.training.train.train`.

    Raises:
        UserError: the images of the pack have another size than the run's input.
    """
    config = TrainConfig.model_validate_json((run / "config.json").read_bytes())
    packed = PackedImages.open(pack)
    check_size(packed, config.input)
    rows = np.concatenate([packed.rows("query"), packed.rows("gallery")])
    with computing_on(device) as place:
        model = _load(config, run / "model.safetensors", place)
        for suffix, mirrored in (("", False), ("_mirrored", True)):
            before, after = _features(model, config, packed, rows, place, mirrored=mirrored)
            _save(run / "features" / f"before_neck{suffix}.npy", before)
            _save(run / "features" / f"after_neck{suffix}.npy", after)
    _save(run / "features" / "rows.npy", rows)


def _load(config: TrainConfig, weights: Path, device: torch.device) -> nn.Module:
    with safe_open(weights, framework="pt") as file:
        classes = int(file.metadata()["classes"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    untrained = config.model.model_copy(update={"weights": None})  # pretrained ones were the start
    model = build_model(untrained, classes)
    model.load_state_dict(tensors)
    return placed(model, device, memory_layout(config.engine.channels_last)).eval()


def _features(
    model: nn.Module,
    config: TrainConfig,
    pack: PackedImages,
    rows: NDArray[np.int64],
    device: torch.device,
    *,
    mirrored: bool,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the features before and after the neck, each (M, D), of the images `rows` (M,)."""
    places = np.split(np.arange(len(rows)), range(_BATCH, len(rows), _BATCH))
    batches = read_batches(np.asarray(pack.images), (rows[place] for place in places), device)
    if mirrored:
        batches = (pixels.flip(2) for pixels in batches)  # (B, H, W, 3): left to right
    found = list(_outputs(model, config, batches, device))
    return np.concatenate([b for b, _ in found]), np.concatenate([a for _, a in found])


def _outputs(
    model: nn.Module, config: TrainConfig, batches: Iterator[Tensor], device: torch.device
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    normalise = Augmentation((), config.seed, device, memory_layout(config.engine.channels_last))
    mixed = config.engine.precision == "bfloat16"
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=mixed):
        for pixels in batches:
            output: Output = model(normalise(pixels, 0, 0))
            yield output.before_neck.float().cpu().numpy(), output.after_neck.float().cpu().numpy()


def _save(path: Path, array: NDArray[np.generic]) -> None:
    with atomic_path(path) as temporary:
        np.save(temporary, array, allow_pickle=False)
