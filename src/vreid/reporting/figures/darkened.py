"""Figure: images of a dataset above their darkened copies (ALSA paper, Fig. 7)."""

from pathlib import Path

import numpy as np

from vreid.datasets.darken import darkened_rows
from vreid.datasets.packed import PackedImages
from vreid.params.errors import UserError
from vreid.params.figures import Darkened
from vreid.params.plan import FigurePlan
from vreid.reporting.figures.beside import columns
from vreid.reporting.figures.drawing import Drawing

SEED = 0
LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the brightness of a pixel (ITU-R BT.601)."""


def draw(plan: FigurePlan, root: Path) -> Drawing:
    """Return the figure: darkened images, drawn at random, below what they were made of.

    `root` is where the plan's paths start.

    Raises:
        UserError: the dataset has no darkened variant.
    """
    if not isinstance(plan.spec, Darkened):
        raise TypeError(f"a figure of the kind {plan.spec.kind} is not drawn here")
    dataset = plan.datasets[plan.spec.dataset]
    if dataset.darkened is None or not dataset.packs:
        raise UserError(
            f"{plan.paper}, {plan.figure}: {dataset.name} has no darkened variant; give the figure another "
            "`dataset`."
        )
    factors = darkened_rows(root / dataset.darkened)
    rows = np.sort(np.random.default_rng(SEED).permutation(sorted(factors))[: plan.spec.images])
    folders = {"original": dataset.packs[0], "darkened": dataset.darkened_pack(dataset.packs[0])}
    states = {name: np.asarray(PackedImages.open(root / f).images[rows]) for name, f in folders.items()}
    brightness = {name: float((images @ np.array(LUMA)).mean()) for name, images in states.items()}
    numbers = {
        "rows": rows.tolist(),
        "factors": [factors[row] for row in rows.tolist()],
        "brightness": {name: round(value, 4) for name, value in brightness.items()},
    }
    note = (
        f"{len(factors)} of the dataset's images are darkened. Mean brightness of those shown: "
        f"{brightness['original']:.0f} of 255, darkened {brightness['darkened']:.0f}."
    )
    return Drawing(columns(states), numbers, (note,))
