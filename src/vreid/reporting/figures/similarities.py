"""Figure: the similarities of pairs of one vehicle beside those of pairs of two, and how far they overlap."""

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vreid.evaluation.separation import BINS, Overlap, Separation
from vreid.reporting.cells import percentage
from vreid.reporting.figures.drawing import Drawing
from vreid.reporting.figures.style import INK, PALETTE, empty
from vreid.reporting.formats.wording import plain

if TYPE_CHECKING:
    import pandas as pd

METRICS = {"cosine": "cosine similarity", "euclidean": "negative Euclidean distance"}

FEWEST = 16
"""Bins at least; beyond them no more than the square root of the pairs of the rarer kind."""


def draw(found: Separation, distance: Literal["cosine", "euclidean"], title: str) -> Drawing:
    """Return the figure: the density of each kind of pair over the similarity, each of area 1.

    Dashed is the threshold of the equal error rate, dotted the median pair of one vehicle. The notes say in
    words what the numbers are. Without pairs of both kinds figure and notes say so.
    """
    if found.overlap is None:
        why = _lacking(found)
        return Drawing(empty([why]), _numbers(found, distance), (why,))
    drawn = _figure(found, found.overlap, METRICS[distance], title)
    return Drawing(drawn, _numbers(found, distance), (_said(found, found.overlap, METRICS[distance]),))


def _numbers(found: Separation, distance: str) -> dict[str, Any]:
    overlap = found.overlap
    return {
        "similarity": METRICS[distance],
        "edges": [round(edge, 6) for edge in found.edges.tolist()],
        "same": found.same.tolist(),
        "different": found.different.tolist(),
        "overlap": overlap and {**asdict(overlap), "equal_error_rate": overlap.equal_error_rate},
    }


def _lacking(found: Separation) -> str:
    if not found.same.any():
        return "No query has a picture of its vehicle left in the gallery, so there is no pair to measure."
    return "All pairs are of one vehicle, so there is nothing that it could be taken for."


def _said(found: Separation, overlap: Overlap, metric: str) -> str:
    same, different = (plain(int(counts.sum())) for counts in (found.same, found.different))
    return (
        f"{percentage(overlap.above_median)} % of the {different} pairs of different vehicles are more "
        f"similar than the median of the {same} pairs of the same vehicle ({metric} {overlap.median:.4g}). "
        f"With {overlap.threshold:.4g} as the one threshold for all queries, where the two errors are "
        f"nearest to each other, {percentage(overlap.accepted)} % of the pairs of different vehicles are "
        f"taken for the same and {percentage(overlap.refused)} % of the pairs of the same vehicle are "
        f"missed: an equal error rate of {percentage(overlap.equal_error_rate)} %."
    )


def _figure(found: Separation, overlap: Overlap, metric: str, title: str) -> Figure:
    figure = Figure(figsize=(5.2, 3.4), layout="constrained")
    axes = figure.subplots()
    _densities(axes, found)
    rate = percentage(overlap.equal_error_rate)
    lines = (
        (overlap.threshold, "--", f"equal error rate {rate} %"),
        (overlap.median, ":", "median of the same vehicle"),
    )
    for value, style, label in lines:
        axes.axvline(value, linestyle=style, color=INK, linewidth=1, label=label)
    axes.set(xlabel=metric, ylabel="density of pairs", title=title)
    _legend(figure, axes)
    return figure


def _densities(axes: Axes, found: Separation) -> None:
    import seaborn as sns  # noqa: PLC0415 -- two seconds, and no other figure needs it

    frame, edges = _frame(found)
    sns.histplot(
        frame,
        x="similarity",
        weights="number",
        hue="pairs",
        bins=edges.tolist(),
        stat="density",
        common_norm=False,
        element="step",
        alpha=0.25,
        palette=list(PALETTE[:2]),
        ax=axes,
    )


def _frame(found: Separation) -> "tuple[pd.DataFrame, np.ndarray[Any, Any]]":
    """Return a line for each bin and kind of pair, its number as weight, and the edges of the bins."""
    import pandas as pd  # noqa: PLC0415 -- slow to import, too

    rarer = min(int(found.same.sum()), int(found.different.sum()))
    merged = 1
    while BINS // merged > max(FEWEST, math.isqrt(rarer)):
        merged *= 2
    edges = found.edges[::merged]
    kinds = {"same vehicle": found.same, "different vehicles": found.different}
    frames = [
        pd.DataFrame(
            {
                "similarity": (edges[1:] + edges[:-1]) / 2,
                "number": counts.reshape(-1, merged).sum(axis=1),
                "pairs": f"{kind}: {plain(int(counts.sum()))} pairs",
            }
        )
        for kind, counts in kinds.items()
    ]
    return pd.concat(frames, ignore_index=True), edges


def _legend(figure: Figure, axes: Axes) -> None:
    """Replace the legend that seaborn drew by one above the axes, which names the lines too."""
    drawn = axes.get_legend()
    if drawn is None:
        raise TypeError("seaborn has drawn no legend")
    lines = axes.lines[-2:]
    labels = [*(text.get_text() for text in drawn.get_texts()), *(str(one.get_label()) for one in lines)]
    handles = [*filter(None, drawn.legend_handles), *lines]
    drawn.remove()
    figure.legend(handles, labels, loc="outside upper center", ncols=2)
