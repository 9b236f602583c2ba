"""Figure: images before and after SANet's learned transform, and what it does to the vehicles' headings.

The paper shows images and says that they are all turned to one orientation. On rendered data the heading of
every vehicle is known, so that is measured: how much headings scatter before and after the transform.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Wedge
from matplotlib.patheffects import withStroke

from vreid.datasets.index import read_index
from vreid.datasets.packed import PackedImages
from vreid.models.layers.alignment import transformed
from vreid.models.normalisation import MEAN, STD
from vreid.models.sanet import SaNet
from vreid.params.errors import UserError
from vreid.params.figures import Alignment
from vreid.params.plan import DatasetPlan, FigurePlan
from vreid.reporting.figures import style
from vreid.reporting.figures.directions import Angles, carried, gain, mirrors, rotations, spread
from vreid.reporting.figures.drawing import Drawing
from vreid.reporting.figures.gallery import Canvas
from vreid.synthetic.heading import headings
from vreid.training.device import computing_on
from vreid.training.extract import load_trained

Rows = npt.NDArray[np.int64]
Pictures = npt.NDArray[np.uint8]
Transforms = npt.NDArray[np.float32]

MEASURED = 2000
"""Test images that are measured at most; more would not change what is seen."""
BATCH = 64
SEED = 0

GROUPS = 4
"""Pairs of images in a row."""
TILE = 0.95
"""Inches: the side of an image, which is the unit of all lengths here."""
GAP = 0.12
HEAD = 0.25
ROSE = 2.9
ARROW = 0.3
BINS = 24
BEFORE, AFTER, TURN = style.PALETTE[:3]


@dataclass(frozen=True)
class Measured:
    """Test images of one run: rows of the index, transforms (N, 2, 3), and headings if they are known."""

    rows: Rows
    theta: Transforms
    headings: Angles | None

    def numbers(self) -> dict[str, Any]:
        """Return what is measured; angles in degrees, counter-clockwise from the right.

        `turn` is how far the transforms turn images. `heading` is where vehicles point before and after the
        transform as it is, `axis` the same without telling front from rear, `by_rotation` after the rotation
        of the transform alone. `error` in each is the mean angle to the common orientation; `gain` the
        95 % interval of the growth of the resultant length.
        """
        turns = rotations(self.theta)
        found: dict[str, Any] = {
            "images": len(self.rows),
            "mirrored": int(mirrors(self.theta).sum()),
            "turn": {**spread(turns).as_numbers(), "mean": float(np.degrees(np.abs(turns)).mean().round(4))},
        }
        if self.headings is not None:
            after = carried(self.headings, self.theta)
            for name, axial in (("heading", False), ("axis", True)):
                found[name] = {
                    "before": spread(self.headings, axial=axial).as_numbers(),
                    "after": spread(after, axial=axial).as_numbers(),
                    "by_rotation": spread(self.headings + turns, axial=axial).as_numbers(),
                    "gain": [round(end, 4) for end in gain(self.headings, after, axial=axial)],
                }
        return found


def draw(plan: FigurePlan, root: Path) -> Drawing:
    """Return the figure of the plan's run (its first seed); `root` is where the plan's paths start.

    The images are drawn at random, the same for every run of a dataset. On rendered views from above an arrow
    is where the vehicle heads, and below stand the headings of all test images (at most 2000) before
    and after the transform.

    Raises:
        UserError: the run is none of SANet.
    """
    if not isinstance(plan.spec, Alignment):
        raise TypeError(f"a figure of the kind {plan.spec.kind} is not drawn here")
    result = plan.methods[0].results[0]
    pack = PackedImages.open(root / result.pack)
    measured = _measure(root / "runs" / result.run, pack, plan.datasets[result.dataset], root)
    numbers = measured.numbers()
    places = np.random.default_rng(SEED).permutation(len(measured.rows))[: plan.spec.images]
    figure = _figure(pack, measured, places)
    shown = {"run": result.run, "rows": measured.rows[places].tolist()}
    return Drawing(figure, {**shown, **numbers}, (f"All of one run, {result.run}.", *_notes(numbers)))


def _notes(numbers: dict[str, Any]) -> tuple[str, ...]:
    """Return in sentences what `Measured.numbers` says."""
    turn = numbers["turn"]["mean"]
    said = (
        f"The learned transforms turn the {numbers['images']} test images by {turn:.1f} degrees in the mean; "
        f"{numbers['mirrored']} of them mirror the image."
    )
    if "heading" not in numbers:
        return said, "Where vehicles head is known of rendered views from above alone."
    return (
        said,
        _compared("Headings", numbers["heading"], 90),
        _compared("Headings without telling front from rear", numbers["axis"], 45),
    )


def _compared(what: str, found: dict[str, Any], chance: int) -> str:
    before, after, (low, high) = found["before"], found["after"], found["gain"]
    verdict = "no difference can be seen"
    if low > 0 or high < 0:
        verdict = "they are more alike than before" if low > 0 else "they are less alike than before"
    return (
        f"{what}: resultant length {before['resultant']:.3f} before and {after['resultant']:.3f} after the "
        f"transform (1 for one orientation, about {before['by_chance']:.3f} for none); growth between "
        f"{low:+.3f} and {high:+.3f} (95 %): {verdict}. Mean angle to the common orientation "
        f"{before['error']:.0f} degrees before, {after['error']:.0f} after, "
        f"{found['by_rotation']['error']:.0f} after the rotation alone (by chance {chance})."
    )


def _measure(run: Path, pack: PackedImages, dataset: DatasetPlan, root: Path) -> Measured:
    tested = np.concatenate([pack.rows("query"), pack.rows("gallery")])
    rows = np.sort(np.random.default_rng(SEED).permutation(tested)[:MEASURED])
    return Measured(rows, _transforms(run, pack, rows), _headings(dataset, pack, root, rows))


def _transforms(run: Path, pack: PackedImages, rows: Rows) -> Transforms:
    """Return the transforms (N, 2, 3) that the network of `run` regresses from the images in `rows`."""
    found = []
    with computing_on("cpu") as device, torch.inference_mode():
        network = load_trained(run, device)
        if not isinstance(network, SaNet):
            raise UserError(
                f"{run} is no run of SANet: a figure of the kind alignment needs `run` to be one."
            )
        mean, std = (torch.tensor(values, device=device).view(3, 1, 1) for values in (MEAN, STD))
        for start in range(0, len(rows), BATCH):
            pictures = _tensor(pack.images[rows[start : start + BATCH]]).to(device)
            found.append(network.thetas((pictures - mean) / std).float().cpu().numpy())
    return np.concatenate(found)


def _headings(dataset: DatasetPlan, pack: PackedImages, root: Path, rows: Rows) -> Angles | None:
    """Return where vehicles head in square images; None where nobody knows."""
    render = dataset.spec.render
    height, width = pack.images.shape[1:3]
    if dataset.source == "real" or render is None or render.style != "uav" or height != width:
        return None
    known = headings(dataset.name, render)
    paths = read_index(root / dataset.index, ["path"])["path"]
    return np.array([known[paths[row].as_py()] for row in rows.tolist()])


def _tensor(pictures: Pictures) -> torch.Tensor:
    """Return (N, 3, H, W) float32 in [0, 1] of (N, H, W, 3)."""
    return torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2).float() / 255


def _figure(pack: PackedImages, measured: Measured, places: Rows) -> Figure:
    # On one canvas: a layout of many axes is solved anew each time, and differs in the last digits.
    lines = -(-len(places) // GROUPS)
    canvas = Canvas.of(GROUPS * (2 + GAP) - GAP, HEAD + lines * (1 + GAP) + ROSE, TILE)
    _draw_pictures(canvas, pack, measured, places)
    roses = [("turn by the transform", rotations(measured.theta), TURN)]
    if measured.headings is not None:
        after = carried(measured.headings, measured.theta)
        roses = [("heading before", measured.headings, BEFORE), ("heading after", after, AFTER), *roses]
    width = (GROUPS * (2 + GAP) - GAP) / len(roses)
    for number, (name, angles, colour) in enumerate(roses):
        middle = ((number + 0.5) * width, HEAD + lines * (1 + GAP) + ROSE / 2 + HEAD / 2)
        _draw_rose(canvas, middle, name, angles, colour)
    return canvas.figure


def _draw_pictures(canvas: Canvas, pack: PackedImages, measured: Measured, places: Rows) -> None:
    before = _tensor(pack.images[measured.rows[places]])
    theta = measured.theta[places]
    after = transformed(before, torch.from_numpy(theta))
    for number, pair in enumerate(zip(before, after, strict=True)):
        line, group = divmod(number, GROUPS)
        top = HEAD + line * (1 + GAP)
        for side, (name, picture) in enumerate(zip(("before", "after"), pair, strict=True)):
            left = group * (2 + GAP) + side * (1 + GAP / 4)
            if line == 0:
                canvas.write(left + 0.5, HEAD / 2, name, colour=(BEFORE, AFTER)[side])
            pixels = (picture.permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy()
            canvas.show(pixels, left, top)
            if measured.headings is not None:
                heading = measured.headings[places[number], None]
                seen = carried(heading, theta[number, None]) if side else heading
                _draw_arrow(canvas, (left + 0.5, top + 0.5), float(seen[0]))


def _draw_arrow(canvas: Canvas, middle: tuple[float, float], heading: float) -> None:
    tip = (middle[0] + ARROW * np.cos(heading), middle[1] - ARROW * np.sin(heading))
    arrow = {"arrowstyle": "->", "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    outline = withStroke(linewidth=3, foreground="white")
    canvas.axes.annotate("", tip, middle, arrowprops=arrow | {"path_effects": [outline]}, zorder=4)


def _draw_rose(canvas: Canvas, middle: tuple[float, float], name: str, angles: Angles, colour: str) -> None:
    """Draw how often each direction occurs, as sectors whose areas are the counts."""
    found, radius = spread(angles), ROSE / 2 - 2 * HEAD
    counts, edges = np.histogram(np.angle(np.exp(1j * angles)), BINS, (-np.pi, np.pi))
    lengths = radius * np.sqrt(counts / counts.max())
    around = Circle(middle, radius, fill=False, edgecolor="0.7", linewidth=0.6)
    canvas.axes.add_patch(around)
    # The canvas counts downwards: what turns counter-clockwise has a negative angle there.
    for length, low, high in zip(lengths, np.degrees(edges[:-1]), np.degrees(edges[1:]), strict=True):
        sector = Wedge(middle, length, -high, -low, facecolor=colour, edgecolor="white", linewidth=0.3)
        canvas.axes.add_patch(sector)
    for degrees in (0, 90, 180, 270):
        x, y = np.cos(np.radians(degrees)), -np.sin(np.radians(degrees))
        reach = radius + 0.6 * HEAD
        canvas.write(middle[0] + reach * x, middle[1] + reach * y, f"{degrees}°", size=5.5, colour=style.INK)
    told = f"{name}\nR = {found.resultant:.2f} (by chance {found.by_chance:.2f})"
    canvas.write(middle[0], middle[1] - radius - 1.6 * HEAD, told)
