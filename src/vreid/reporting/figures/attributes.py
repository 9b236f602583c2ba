"""Figure: how often each colour, type and difficulty occurs in a dataset (HAMNet paper, Fig. 3)."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vreid.params.figures import Attributes
from vreid.params.plan import FigurePlan
from vreid.reporting.figures.conditions import DIFFICULTIES, conditions
from vreid.reporting.figures.drawing import Drawing
from vreid.reporting.figures.style import PALETTE, empty
from vreid.synthetic.vehicles import BODY_TYPES, PAINTS

UNKNOWN = (
    "Colours, types and difficulties are known of rendered images alone; the labels of the real ones, which "
    "the paper counts, were not released."
)


def draw(plan: FigurePlan, root: Path) -> Drawing:
    """Return the figure: bars for colours, body types and difficulties, each in percent of the images.

    An image may have several difficulties or none. They are counted from the labels of the rendered world; of
    real data nothing is drawn, and a note says why. `root` is not needed.
    """
    if not isinstance(plan.spec, Attributes):
        raise TypeError(f"a figure of the kind {plan.spec.kind} is not drawn here")
    dataset = plan.datasets[plan.spec.dataset]
    render = dataset.spec.render
    if dataset.source == "real" or render is None:
        return Drawing(empty([UNKNOWN]), notes=(UNKNOWN,))
    images = list(conditions(dataset.name, render))
    vehicles = len({image.pid for image in images})
    shares = {
        "colours": _shares((image.colour for image in images), PAINTS, len(images)),
        "types": _shares((image.type for image in images), BODY_TYPES, len(images)),
        "difficulties": _shares(
            (d for image in images for d in image.difficulties), DIFFICULTIES, len(images)
        ),
    }
    numbers = {"images": len(images), "vehicles": vehicles, **shares}
    clear = sum(not image.difficulties for image in images)
    note = (
        f"{len(images)} images of {vehicles} vehicles; {100 * clear / len(images):.0f} % have none of the "
        "difficulties. Counted from the labels of the rendered world, which has other colours, types and "
        "difficulties than the paper's dataset."
    )
    return Drawing(_figure(shares), numbers, (note,))


def _shares(values: Iterable[str], known: Iterable[str], images: int) -> dict[str, float]:
    """Return the share of images in percent for each of the `known` values, most frequent first."""
    counts = Counter(dict.fromkeys(known, 0))
    counts.update(values)
    return {value: round(100 * count / images, 2) for value, count in counts.most_common()}


def _figure(shares: dict[str, dict[str, float]]) -> Figure:
    widths = [len(bars) for bars in shares.values()]
    figure = Figure(figsize=(7.5, 2.8), layout="constrained")
    panels = figure.subplots(1, len(shares), width_ratios=widths)
    for axes, (name, bars), colour in zip(panels, shares.items(), PALETTE, strict=False):
        _draw_bars(axes, name, bars, colour)
    panels[0].set_ylabel("images in %")
    return figure


def _draw_bars(axes: Axes, name: str, bars: dict[str, float], colour: str) -> None:
    labels = [DIFFICULTIES.get(value, value) for value in bars]
    drawn = axes.bar(range(len(bars)), list(bars.values()), color=colour)
    axes.bar_label(drawn, [f"{value:.0f}" for value in bars.values()], fontsize=6, padding=1)
    axes.set_xticks(range(len(bars)), labels, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_title(name)
    axes.margins(x=0.02, y=0.1)
