"""The house style of all figures: fonts, colours, and the line that says what the numbers are made of."""

import hashlib
import textwrap
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.typing import RcKeyType

from vreid.params.plan import FigurePlan

STYLE: dict[RcKeyType, Any] = {
    "font.family": "DejaVu Sans",  # comes with Matplotlib: the same on every machine
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "0.9",
    "lines.linewidth": 1.4,
    "lines.markersize": 4,
    "pdf.fonttype": 42,  # text stays text
}

DPI = 200

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#882255", "#332288")
"""Colours that stay apart for the colour-blind: six of Okabe and Ito's, and two of Paul Tol's."""
BASELINE = "#222222"
DRAW = "1"
"""What colours are drawn with, beside names; chosen so that every experiment of the papers keeps its own."""
METRICS = {"mAP": "#0072b2", "R1": "#e69f00"}
HEAT = "inferno"
"""Of heat maps: lightness alone tells cold from hot, to everybody (the papers' blue to red does not)."""
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

RIGHT, WRONG, ASKED = "#00873e", "#cc3311", "#222222"
"""Frames of what was found rightly and wrongly, and of what was asked."""

INK = "0.35"
SIGNED, USUAL = 6.0, 6.4
"""Points: the size of the line below a figure that is this wide, in inches; larger below a wider one."""

UNTRAINED = "of the images, no network's work"


def colours(experiments: Sequence[str]) -> list[str]:
    """Return a colour for each of a figure's experiments, no two alike while the palette lasts.

    An experiment has a colour of its own, drawn from its name, and keeps it in every figure unless another
    one of the same figure, with a smaller draw, has it already. A baseline is nearly black.
    """
    draws = {name: _draw(name) for name in experiments if name != "baseline"}
    found, free = {"baseline": BASELINE}, list(PALETTE)
    for name in sorted(draws, key=lambda name: draws[name]):
        free = free or list(PALETTE)
        own = PALETTE.index(min(PALETTE, key=lambda colour: _draw(f"{name} {colour}")))
        found[name] = min(free, key=lambda colour: (PALETTE.index(colour) - own) % len(PALETTE))
        free.remove(found[name])
    return [found[name] for name in experiments]


def metric_colour(metric: str) -> str:
    """Return the colour of a metric, the same as in the audits."""
    return METRICS.get(metric, PALETTE[2])


def metric_label(metric: str) -> str:
    """Return what a metric is called beside an axis, as `Rank-1 in %`."""
    if metric[0] == "R" and metric[1:].isdigit():
        return f"Rank-{metric[1:]} in %"
    return f"{metric} in %"


def empty(reasons: Sequence[str]) -> Figure:
    """Return a figure without anything but the reasons why there is nothing in it."""
    figure = Figure(figsize=(5, 1.5), layout="constrained")
    axes = figure.subplots()
    axes.set_axis_off()
    text = "\n".join(textwrap.wrap("Nothing to draw. " + " ".join(reasons), 80))
    axes.text(0.5, 0.5, text, ha="center", va="center", color=INK)
    return figure


def sign(figure: Figure, made: str) -> None:
    """Make room below `figure`, which lays itself out (`constrained`), and say there how it was `made`.

    Numbers of synthetic data or of a shortened recipe never stand without that, wherever the file goes.
    """
    engine = figure.get_layout_engine()
    if not isinstance(engine, ConstrainedLayoutEngine):
        raise TypeError("only figures with layout='constrained' can be signed")
    width, height = (float(side) for side in figure.get_size_inches())
    size = SIGNED * max(1.0, width / USUAL)  # a wide figure is shown smaller
    lines = _balanced(made, max(30, int(width * 72 / (0.58 * size))))
    band = (1.25 * len(lines) * size + 4) / 72
    share = band / (height + band)
    figure.set_size_inches(width, height + band)
    engine.set(rect=(0, share, 1, 1 - share))
    figure.text(0.5, share / 2, "\n".join(lines), ha="center", va="center", fontsize=size, color=INK)


def provenance(plan: FigurePlan, seeds: Sequence[int]) -> str:
    """Return on which data, with which preset and seeds what a figure shows was made.

    Without `seeds` no network has made it.
    """
    said = f"{plan.source} data, preset {plan.preset}: {plan.preset_label}"
    if not seeds:
        return f"{said}; {UNTRAINED}"
    return f"{said}; seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"


def _balanced(text: str, width: int) -> list[str]:
    """Return `text` in as few lines of `width` characters as possible, all about as long."""
    count = len(textwrap.wrap(text, width))
    narrower = (textwrap.wrap(text, shorter) for shorter in range(len(text) // count, width + 1))
    return next(lines for lines in narrower if len(lines) == count)


def _draw(name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{DRAW} {name}".encode()).digest()[:8], "big")
