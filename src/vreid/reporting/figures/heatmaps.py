"""Figure: where each of several methods looks, as heat maps of Grad-CAM++ on the same query images.

Chattopadhay et al., "Grad-CAM++: Generalized Gradient-Based Visual Explanations for Deep Convolutional
Networks" (WACV 2018). Written here because the library that has it brings OpenCV along.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional

from vreid.datasets.packed import PackedImages
from vreid.models.dpa import Dpa
from vreid.models.normalisation import MEAN, STD
from vreid.params.errors import UserError
from vreid.params.figures import HeatMaps
from vreid.params.plan import FigurePlan
from vreid.reporting.figures.drawing import Drawing
from vreid.reporting.figures.style import HEAT
from vreid.training.device import computing_on
from vreid.training.extract import load_trained

Rows = npt.NDArray[np.int64]
Pictures = npt.NDArray[np.uint8]

SEED = 0
TILE, BAR = 1.3, 0.6
"""Inches: of a picture, and beside them for the scale."""
VEIL = 0.55
"""How much of a heat map covers the image under it."""


def draw(plan: FigurePlan, root: Path) -> Drawing:
    """Return the figure: a line for each image, a column for each method that was run (its first seed).

    The images are query images drawn at random, the same for all methods. A map is that of the class to which
    the classifier of the training gives the highest score; its hottest place is 1. `root` is where the plan's
    paths start.

    Raises:
        UserError: a run is none of DpA's networks, or has no such layer.
    """
    if not isinstance(plan.spec, HeatMaps):
        raise TypeError(f"a figure of the kind {plan.spec.kind} is not drawn here")
    methods = [method for method in plan.methods if method.results]
    pack = PackedImages.open(root / methods[0].results[0].pack)
    queries = np.random.default_rng(SEED).permutation(pack.rows("query"))
    rows = np.sort(queries[: plan.spec.images])
    pictures = np.asarray(pack.images[rows])
    maps, classes = {}, {}
    for method in methods:
        folder = root / "runs" / method.results[0].run
        maps[method.label], classes[method.label] = _look(folder, pictures, plan.spec.layer)
    shown = {label: _numbers(found, classes[label]) for label, found in maps.items()}
    numbers = {"rows": rows.tolist(), "layer": plan.spec.layer, "methods": shown}
    return Drawing(_figure(pictures, maps), numbers, _notes(shown, len(rows)))


def heat_maps(model: Dpa, layer: str, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the maps (B, h, w) of the submodule `layer` for normalised `images`, and the classes (B,).

    `model` is in eval mode; the class of an image is that of its highest score.

    Raises:
        UserError: `model` has no submodule `layer`.
    """
    module = dict(model.named_modules()).get(layer)
    if module is None:
        names = [name for name, _ in model.named_children()]
        raise UserError(f"the network has no layer {layer!r} to look at; it has {', '.join(names)}.")
    with torch.enable_grad():
        scores, activations = _scores_and_activations(model, module, images)
        best = scores.max(dim=1)
        # Images do not see one another in eval mode: the gradient of the sum is that of each one's score.
        [gradients] = torch.autograd.grad(best.values.sum(), activations)
    return grad_cam_plus_plus(activations.detach(), gradients), best.indices


def grad_cam_plus_plus(activations: Tensor, gradients: Tensor) -> Tensor:
    """Return the maps (B, h, w), 0 or more, of activations A and dS/dA, both (B, K, h, w).

        alpha = g^2 / (2 g^2 + sum_ab(A_ab) g^3),  w_k = sum_ij alpha relu(g),  L = relu(sum_k w_k A^k)

    with g = dS/dA: Eq. 10 to 13 and 19 of the paper for Y = exp(S), the factor exp(S) of w_k left out, by
    which an image's map is scaled alone. Where the denominator is 0, so is g, and alpha counts as 0.
    """
    squared = gradients.square()
    denominator = 2 * squared + activations.sum(dim=(2, 3), keepdim=True) * squared * gradients
    there = denominator != 0
    alpha = torch.where(there, squared / torch.where(there, denominator, 1), 0)
    weights = (alpha * gradients.relu()).sum(dim=(2, 3), keepdim=True)
    return (weights * activations).sum(dim=1).relu()


def _scores_and_activations(model: Dpa, module: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    seen: list[Tensor] = []
    hook = module.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    try:
        scores = model.scores(images)
    finally:
        hook.remove()
    return scores, seen[0]


def _look(run: Path, pictures: Pictures, layer: str) -> tuple[npt.NDArray[np.float32], list[int]]:
    """Return maps (B, H, W) in [0, 1], as large as the pictures (B, H, W, 3), and the classes."""
    with computing_on("cpu") as device:
        model = load_trained(run, device)
        if not isinstance(model, Dpa):
            raise UserError(f"{run} is no run of DpA's networks: a figure of the kind heatmaps needs them.")
        mean, std = (torch.tensor(values, device=device).view(3, 1, 1) for values in (MEAN, STD))
        pixels = torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float() / 255
        maps, classes = heat_maps(model, layer, (pixels - mean) / std)
        large = functional.interpolate(maps[:, None], pictures.shape[1:3], mode="bilinear")[:, 0]
        highest = large.amax(dim=(1, 2), keepdim=True)
        scaled: npt.NDArray[np.float32] = (large / torch.where(highest > 0, highest, 1)).cpu().numpy()
        return scaled, classes.tolist()


def _numbers(maps: npt.NDArray[np.float32], classes: Sequence[int]) -> dict[str, Any]:
    """Return for each image the class, the hottest place, and the shares of the image that are hot.

    The place is (row, column) in parts of the height and width; hot is at least half of the hottest.
    """
    height, width = maps.shape[1:]
    places = [np.unravel_index(int(one.argmax()), one.shape) for one in maps]
    return {
        "class": list(classes),
        "hottest": [
            [round(float(row + 0.5) / height, 4), round(float(column + 0.5) / width, 4)]
            for row, column in places
        ],
        "hot": [round(float(share), 4) for share in (maps >= 0.5).mean(axis=(1, 2))],
    }


def _notes(shown: dict[str, Any], images: int) -> tuple[str, ...]:
    said = [f"{label} {100 * np.mean(numbers['hot']):.0f} %" for label, numbers in shown.items()]
    share = (
        f"Share of the image that is at least half as hot as its hottest place, mean of {images} images: "
        f"{', '.join(said)}."
    )
    return (f"From dark, cold, to yellow, the hottest place of each map by itself. {share}",)


def _figure(pictures: Pictures, maps: dict[str, npt.NDArray[np.float32]]) -> Figure:
    lines, columns = len(pictures), 1 + len(maps)
    figure = Figure(figsize=(columns * TILE + BAR, lines * TILE + 0.3), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for column, title in enumerate(["Query", *maps]):
        axes[0, column].set_title(title, fontsize=9)
    for line, picture in enumerate(pictures):
        axes[line, 0].imshow(picture)
        for column, found in enumerate(maps.values(), start=1):
            axes[line, column].imshow(picture.mean(axis=2), cmap="gray", vmin=0, vmax=255)
            seen = axes[line, column].imshow(found[line], cmap=HEAT, alpha=VEIL, vmin=0, vmax=1)
    scale = figure.colorbar(seen, ax=axes, shrink=0.5, aspect=25, pad=0.01, ticks=[0, 0.5, 1])
    scale.set_label("heat, in parts of each map's hottest place")
    return figure
