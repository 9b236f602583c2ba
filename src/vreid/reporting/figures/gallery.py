"""Pictures of a pack on a canvas whose unit is the height of one picture."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from vreid.datasets.packed import PackedImages

Pixels = npt.NDArray[np.uint8]

FRAME = 1.6
"""Points: the width of a frame."""
SIGN = 0.12
"""Inches: the side of a sign's square."""


def picture(pack: PackedImages, row: int) -> Pixels:
    """Return the image in `row` of a pack, (H, W, 3), all its spectra in one.

    Wide spectra stand one below another, others side by side.
    """
    spectra = [images[row] for images in pack.spectra.values()]
    height, width = spectra[0].shape[:2]
    joined: Pixels = np.concatenate(spectra, axis=0 if width > height else 1)
    return joined


@dataclass(frozen=True)
class Canvas:
    """A figure of one pair of axes; a picture stands at its upper left corner, y grows downwards."""

    figure: Figure
    axes: Axes
    inches: float

    @classmethod
    def of(cls, width: float, height: float, inches: float) -> "Canvas":
        """Return an empty canvas, `width` x `height` units, a unit being so many inches."""
        figure = Figure(figsize=(width * inches, height * inches), layout="constrained")
        axes = figure.subplots()
        axes.set_axis_off()
        axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
        return cls(figure, axes, inches)

    def show(self, pixels: Pixels, left: float, top: float, frame: str | None = None) -> None:
        """Show `pixels` one unit high, in a frame of the colour `frame` if it is given."""
        width = aspect(pixels)
        place = (left, left + width, top + 1, top)
        self.axes.imshow(pixels, extent=place, aspect="equal", interpolation="antialiased", zorder=1)
        if frame is not None:
            around = Rectangle((left, top), width, 1, fill=False, edgecolor=frame, linewidth=FRAME, zorder=2)
            self.axes.add_patch(around)
        self.axes.set(xlim=self.axes.get_xlim(), ylim=self.axes.get_ylim())

    def mark(self, right: float, top: float, sign: str, colour: str) -> None:
        """Write a sign, white on `colour`, into an upper right corner."""
        side = SIGN / self.inches
        self.axes.add_patch(Rectangle((right - side, top), side, side, color=colour, linewidth=0, zorder=3))
        self.write(right - side / 2, top + side / 2, sign, size=6, colour="white")

    def write(
        self, x: float, y: float, text: str, *, size: float = 7, colour: str = "black", align: str = "center"
    ) -> None:
        """Write `text` with its middle at the height `y`."""
        self.axes.text(
            x, y, text, fontsize=size, color=colour, ha=align, va="center", zorder=4, linespacing=1.1
        )


def aspect(pixels: Pixels) -> float:
    """Return the width of an image over its height."""
    return float(pixels.shape[1] / pixels.shape[0])
