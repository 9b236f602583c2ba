"""Figure: features of a few test vehicles in two dimensions, by t-SNE, for several methods."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from vreid.evaluation.run import RunFeatures
from vreid.params.errors import UserError
from vreid.params.figures import TSne
from vreid.params.plan import DatasetPlan, FigurePlan, MethodPlan
from vreid.reporting.figures.drawing import Drawing
from vreid.reporting.figures.results import test_of
from vreid.reporting.figures.style import MARKERS, PALETTE

Ids = npt.NDArray[np.int64]
Points = npt.NDArray[np.float64]

PANEL = 2.9
"""Inches: the side of a method's panel."""


@dataclass(frozen=True)
class Embedded:
    """Images of a few vehicles: whose they are (N,), where in the plane (N, 2), and how far apart."""

    label: str
    run: str
    ids: Ids
    plane: Points
    perplexity: float
    silhouette: float

    def numbers(self) -> dict[str, Any]:
        """Return all of it for JSON."""
        return {
            "run": self.run,
            "silhouette": round(self.silhouette, 4),
            "perplexity": self.perplexity,
            "ids": self.ids.tolist(),
            "plane": np.round(self.plane, 3).tolist(),
        }


def draw(plan: FigurePlan, root: Path) -> Drawing:
    """Return the figure: a panel for each method (its first seed), a colour and marker for each vehicle.

    The vehicles are drawn at random from those with two test images or more, the same for all methods. The
    features are those that were tested, brought to unit length if that was by cosine. t-SNE begins with the
    principal components; its perplexity is at most a third of the number of images. The silhouette (1: far
    apart, 0: touching, below: mixed) is that of the features, not of their picture in the plane. `root` is
    where the plan's paths start.

    Raises:
        UserError: fewer than two vehicles can be shown, or the files of a run do not fit together.
    """
    spec = plan.spec
    if not isinstance(spec, TSne):
        raise TypeError(f"a figure of the kind {spec.kind} is not drawn here")
    methods = [method for method in plan.methods if method.results]
    shown: Ids | None = None
    found = []
    for method in methods:
        images = _features(method, plan.datasets[method.results[0].dataset], root)
        shown = _vehicles(images, spec) if shown is None else shown
        found.append(_embed(method, images, shown, spec))
    numbers = {one.label: one.numbers() for one in found}
    return Drawing(_figure(found), {"methods": numbers}, _notes(found))


def _features(method: MethodPlan, dataset: DatasetPlan, root: Path) -> tuple[Points, Ids]:
    """Return the tested features (N, D) of all test images, and whose they are (N,)."""
    result = method.results[0]
    test = test_of(result, root)
    loaded = RunFeatures.load(root / result.features, root / dataset.index, test.feature)
    features: Points = np.asarray(loaded.features, np.float64)
    if test.distance == "cosine":
        features = features / np.linalg.norm(features, axis=1, keepdims=True).clip(1e-12)
    return features, loaded.pids[loaded.rows]


def _vehicles(images: tuple[Points, Ids], spec: TSne) -> Ids:
    ids, counts = np.unique(images[1], return_counts=True)
    chosen = np.random.default_rng(spec.seed).permutation(ids[counts > 1])[: spec.identities]
    if len(chosen) < 2:
        raise UserError("t-SNE needs two test vehicles with two images or more, and the dataset has fewer.")
    return np.sort(chosen)


def _embed(method: MethodPlan, images: tuple[Points, Ids], shown: Ids, spec: TSne) -> Embedded:
    # Slow to import, and no other figure needs them.
    from sklearn.manifold import TSNE  # noqa: PLC0415
    from sklearn.metrics import silhouette_score  # noqa: PLC0415

    features, ids = images
    mine = np.isin(ids, shown)
    features, ids = features[mine], ids[mine]
    perplexity = min(spec.perplexity, (len(ids) - 1) / 3)
    # One thread: the order of additions, and with it the picture, stays the same.
    with threadpool_limits(1):
        tsne = TSNE(perplexity=perplexity, init="pca", random_state=spec.seed, n_jobs=1)
        plane = tsne.fit_transform(features)
        silhouette = float(silhouette_score(features, ids))
    run = method.results[0].run
    return Embedded(method.label, run, ids, np.asarray(plane, np.float64), round(perplexity, 2), silhouette)


def _notes(found: Sequence[Embedded]) -> tuple[str, ...]:
    said = ", ".join(f"{one.label} {one.silhouette:+.2f}" for one in found)
    first = found[0]
    return (
        f"{len(np.unique(first.ids))} vehicles, {len(first.ids)} images, perplexity {first.perplexity:g}. "
        f"Mean silhouette of the features (1: vehicles far apart, below 0: mixed): {said}.",
    )


def _figure(found: Sequence[Embedded]) -> Figure:
    figure = Figure(figsize=(PANEL * len(found), PANEL + 0.3), layout="constrained")
    for axes, one in zip(figure.subplots(1, len(found), squeeze=False)[0], found, strict=True):
        _draw_panel(axes, one)
    return figure


def _draw_panel(axes: Axes, one: Embedded) -> None:
    for number, vehicle in enumerate(np.unique(one.ids)):
        mine = one.plane[one.ids == vehicle]
        # Beyond the palette the colours come again, with another marker.
        marker = MARKERS[number // len(PALETTE) % len(MARKERS)]
        axes.scatter(
            mine[:, 0], mine[:, 1], s=12, color=PALETTE[number % len(PALETTE)], marker=marker, linewidths=0
        )
    axes.set_title(f"{one.label}\nsilhouette {one.silhouette:+.2f}")
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, color="0.7")
