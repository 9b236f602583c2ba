"""Figure: cumulative matching curves of several methods."""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vreid.params.figures import Cmc
from vreid.params.plan import FigurePlan
from vreid.reporting.figures.drawing import Drawing
from vreid.reporting.figures.results import Spread, cmc_of
from vreid.reporting.figures.style import LINES, MARKERS, colours


def draw(plan: FigurePlan, root: Path) -> Drawing:
    """Return the figure: CMC@1 … CMC@`ranks` in percent, the mean over the seeds of each method.

    A band is one standard deviation over the seeds wide to each side. `root` is where the plan's paths start.

    Raises:
        UserError: an evaluation lacks the protocol, or ranks.
    """
    if not isinstance(plan.spec, Cmc):
        raise TypeError(f"a figure of the kind {plan.spec.kind} is not drawn here")
    ranks = plan.spec.ranks
    curves = {m.label: cmc_of(m, ranks, root) for m in plan.methods if m.results}
    own = dict(
        zip((m.label for m in plan.methods), colours([m.experiment for m in plan.methods]), strict=True)
    )
    numbers = {"ranks": list(range(1, ranks + 1)), "methods": {k: c.numbers() for k, c in curves.items()}}
    return Drawing(_figure(curves, own, ranks), numbers, _notes(curves))


def _figure(curves: dict[str, Spread], own: dict[str, str], ranks: int) -> Figure:
    figure = Figure(figsize=(4.6, 3.4), layout="constrained")
    axes = figure.subplots()
    at = range(1, ranks + 1)
    for number, (label, curve) in enumerate(curves.items()):
        axes.plot(
            at,
            curve.mean,
            label=label,
            color=own[label],
            linestyle=LINES[number % len(LINES)],
            marker=MARKERS[number % len(MARKERS)],
            markevery=(number % 3, 3),
        )
        if curve.sd is not None:
            axes.fill_between(
                at, curve.mean - curve.sd, curve.mean + curve.sd, color=own[label], alpha=0.12, lw=0
            )
    axes.set_xlabel("rank")
    axes.set_ylabel("matching rate in %")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(0.5, ranks + 0.5)
    axes.set_ylim(top=min(100.5, axes.get_ylim()[1]))
    axes.grid(visible=True)
    axes.legend(loc="lower right")
    return figure


def _notes(curves: dict[str, Spread]) -> tuple[str, ...]:
    if all(curve.sd is None for curve in curves.values()):
        return ()
    return ("Bands: one standard deviation over the seeds to each side of the mean.",)
