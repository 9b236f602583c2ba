"""Rows of pictures, one row for each state of the same images."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from vreid.reporting.figures.gallery import Canvas, aspect

WIDE = 6.5
"""Inches between the figure's sides."""
GAP = 0.06
LABEL = 0.25


def columns(states: Mapping[str, npt.NDArray[np.uint8]]) -> Figure:
    """Return a figure with one column for each image and one row for each of its named `states`.

    A state is (N, H, W, 3), the same N images in all of them; its name stands left of the row.
    """
    pictures = next(iter(states.values()))
    tile = aspect(pictures[0]) + GAP
    width, height = LABEL + len(pictures) * tile, len(states) * (1 + GAP)
    canvas = Canvas.of(width, height, WIDE / width)
    for line, (name, images) in enumerate(states.items()):
        top = line * (1 + GAP)
        canvas.axes.text(LABEL / 2, top + 0.5, name, rotation=90, fontsize=7, ha="center", va="center")
        for number, image in enumerate(images):
            canvas.show(image, LABEL + number * tile, top)
    return canvas.figure
