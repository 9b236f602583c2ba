"""Figure: metrics against the values of one parameter."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vreid.evaluation.comparison import read_scores
from vreid.params.figures import Point, Sweep
from vreid.params.plan import FigurePlan, MethodPlan
from vreid.reporting.figures.drawing import Drawing
from vreid.reporting.figures.results import Spread, metric_of, seed_of
from vreid.reporting.figures.style import metric_colour, metric_label


@dataclass(frozen=True)
class Swept:
    """One point that was run: its value, None for a run without the parameter, and its metrics by name."""

    value: float | None
    method: MethodPlan
    metrics: dict[str, Spread]

    @property
    def name(self) -> str:
        """What the numbers call it."""
        return "without" if self.value is None else f"{self.value:g}"


def draw(plan: FigurePlan, root: Path) -> Drawing:
    """Return the figure: a panel for each metric, in percent, the mean over the seeds at each value.

    Error bars are one standard deviation over the seeds long to each side; a dashed line is a run without the
    parameter. The best value is filled. `root` is where the plan's paths start.

    Raises:
        UserError: an evaluation lacks the protocol.
    """
    spec = plan.spec
    if not isinstance(spec, Sweep):
        raise TypeError(f"a figure of the kind {spec.kind} is not drawn here")
    swept, checked = plan.methods[: len(spec.points)], plan.methods[len(spec.points) :]
    points = [
        Swept(point.value, method, {metric: metric_of(method, metric, root) for metric in spec.metrics})
        for point, method in zip(spec.points, swept, strict=True)
        if method.results
    ]
    numbers: dict[str, Any] = {
        "along": spec.along,
        "points": [
            {
                "value": point.value,
                "experiment": point.method.experiment,
                **{metric: spread.numbers() for metric, spread in point.metrics.items()},
            }
            for point in points
        ],
    }
    equal = list(_equal(spec, points, list(zip(spec.equals, checked, strict=True)), root))
    numbers["equals"] = [said for said, _ in equal]
    notes = (*_bests(spec, points), *_bars(points), *(note for _, note in equal))
    return Drawing(_figure(spec, points), numbers, notes)


def _equal(
    spec: Sweep, points: Sequence[Swept], pairs: Sequence[tuple[Point, MethodPlan]], root: Path
) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield, for each value that must equal another experiment, whether it does: as numbers and in words."""
    for wanted, method in pairs:
        point = next((point for point in points if point.value == wanted.value), None)
        same = [] if point is None else list(_same(point.method, method, root))
        where = f"no {spec.along}" if wanted.value is None else f"{spec.along} {wanted.value:g}"
        seeds = f"{sum(same)} of {len(same)} seed{'s' * (len(same) > 1)}"
        if not same:
            note = f"Not checked: {where} must give the results of {wanted.run}; one of them was not run."
        elif all(same):
            note = f"Check: {where} gives the very results of {wanted.run}, as it must, in {seeds}."
        else:
            note = f"Check failed: {where} must give the results of {wanted.run}, and does so in {seeds}."
        yield {"value": wanted.value, "experiment": wanted.run, "equal": sum(same), "seeds": len(same)}, note


def _same(one: MethodPlan, two: MethodPlan, root: Path) -> Iterator[bool]:
    """Yield, for each seed that both methods have, whether they rank every query alike."""
    others = {seed_of(result): result for result in two.results}
    for result in one.results:
        if (other := others.get(seed_of(result))) is not None:
            mine, theirs = (read_scores([root / r.per_query], r.protocol, "mAP") for r in (result, other))
            yield mine.values.tobytes() == theirs.values.tobytes()


def _bests(spec: Sweep, points: Sequence[Swept]) -> Iterator[str]:
    if len(points) == 1:
        yield f"Only {spec.along} {points[0].name} was run: there is nothing to compare."
        return
    for metric in spec.metrics:
        best = _best(points, metric)
        if best is not None:
            mean = float(best.metrics[metric].mean)
            name = metric_label(metric).removesuffix(" in %")
            yield f"Best {name}: {mean:.1f} % at {spec.along} {best.name}."


def _bars(points: Sequence[Swept]) -> Iterator[str]:
    if any(spread.sd is not None for point in points for spread in point.metrics.values()):
        yield "Error bars: one standard deviation over the seeds to each side of the mean."


def _best(points: Sequence[Swept], metric: str) -> Swept | None:
    valued = [point for point in points if point.value is not None]
    return max(valued, key=lambda point: float(point.metrics[metric].mean), default=None)


def _figure(spec: Sweep, points: Sequence[Swept]) -> Figure:
    figure = Figure(figsize=(3.2 * len(spec.metrics), 2.7), layout="constrained")
    panels = figure.subplots(1, len(spec.metrics), squeeze=False)[0]
    for axes, metric in zip(panels, spec.metrics, strict=True):
        _draw_panel(axes, metric, points)
        axes.set_xlabel(spec.along)
        axes.set_ylabel(metric_label(metric))
        axes.grid(visible=True)
    return figure


def _draw_panel(axes: Axes, metric: str, points: Sequence[Swept]) -> None:
    colour = metric_colour(metric)
    valued = sorted(
        (point for point in points if point.value is not None), key=lambda point: point.value or 0
    )
    at = [point.value or 0.0 for point in valued]
    means = [float(point.metrics[metric].mean) for point in valued]
    deviations = [point.metrics[metric].sd for point in valued]
    errors = [0.0 if sd is None else float(sd) for sd in deviations]
    axes.errorbar(
        at, means, yerr=errors if any(errors) else None, color=colour, marker="o", mfc="white", capsize=2.5
    )
    if best := _best(points, metric):
        axes.plot([best.value or 0.0], [float(best.metrics[metric].mean)], "o", color=colour, zorder=3)
    for point in points:
        if point.value is None:
            mean = float(point.metrics[metric].mean)
            axes.axhline(mean, color="0.4", linestyle="--", linewidth=1, label=point.method.label)
            axes.legend()
    axes.set_xticks(at, [f"{value:g}" for value in at])
