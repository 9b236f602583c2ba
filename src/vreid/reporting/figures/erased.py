"""Figure: training images before and after random erasing."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from vreid.datasets.packed import PackedImages
from vreid.models.normalisation import MEAN, STD
from vreid.params.errors import UserError
from vreid.params.figures import Erased
from vreid.params.plan import FigurePlan
from vreid.params.recipe import RandomErasing
from vreid.params.run import TrainConfig
from vreid.reporting.figures.beside import columns
from vreid.reporting.figures.drawing import Drawing
from vreid.training.augmentations.erasing import random_erasing

SEED = 0


def draw(plan: FigurePlan, root: Path) -> Drawing:
    """Return the figure: images above, below each the same with a rectangle erased.

    The images are drawn at random from the training images; erasing is that of the run's configuration, but
    for its probability: all are erased. `root` is where the plan's paths start.

    Raises:
        UserError: the run was trained without random erasing.
    """
    if not isinstance(plan.spec, Erased):
        raise TypeError(f"a figure of the kind {plan.spec.kind} is not drawn here")
    result = plan.methods[0].results[0]
    folder = root / "runs" / result.run
    config = _erasing(folder)
    pack = PackedImages.open(root / result.pack)
    rows = np.sort(np.random.default_rng(SEED).permutation(pack.rows("train"))[: plan.spec.images])
    before = np.asarray(pack.images[rows])
    after = _erase(before, config)
    share = (before != after).any(axis=3).mean(axis=(1, 2))
    numbers = {"run": result.run, "rows": rows.tolist(), "erased": np.round(share, 4).tolist()}
    note = (
        f"In training each image is erased with probability {config.p:g}; the rectangle covers "
        f"{100 * config.area[0]:g} to {100 * config.area[1]:g} % of it."
    )
    return Drawing(columns({"original": before, "erased": after}), numbers, (note,))


def _erasing(folder: Path) -> RandomErasing:
    config = TrainConfig.model_validate_json((folder / "config.json").read_bytes())
    for augmentation in config.augment:
        if isinstance(augmentation, RandomErasing):
            return augmentation
    raise UserError(f"{folder} was trained without random_erasing: name a run that was trained with it.")


def _erase(pixels: npt.NDArray[np.uint8], config: RandomErasing) -> npt.NDArray[np.uint8]:
    """Return copies of (N, H, W, 3), each with a rectangle erased, as the network is given them.

    Erasing fills in values after normalisation; what leaves the range of pixels is cut off.
    """
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    values = (torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - mean) / std
    always = config.model_copy(update={"p": 1.0})
    erased = random_erasing(values.contiguous(), np.random.default_rng(SEED), always)
    found = ((erased * std + mean) * 255).round().clamp(0, 255).to(torch.uint8)
    result: npt.NDArray[np.uint8] = found.permute(0, 2, 3, 1).numpy()
    return result
