"""Draws a figure of the plan: finds the module of its kind, signs what that draws, and writes it."""

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vreid.params.atomic import write_json
from vreid.params.plan import FigurePlan, MethodPlan
from vreid.reporting.figures import style
from vreid.reporting.figures.drawing import Drawing
from vreid.reporting.figures.files import house_style, save
from vreid.reporting.figures.kinds import OF_DATASETS, shown_seeds
from vreid.reporting.figures.results import seed_of
from vreid.reporting.missing import Absent, Failures, find_absent, why_absent
from vreid.reporting.records import Figure, Made, heading_of


class DrawnFigure(Figure):
    """A figure's JSON: beside what pages show of it, its kind and the numbers drawn."""

    kind: str
    numbers: dict[str, Any]


def draw_figure(
    plan: FigurePlan, folder: Path, root: Path = Path(), failures: Failures | None = None
) -> DrawnFigure:
    """Write `folder`/<figure>.png, .pdf and, last, .json; return what the JSON holds.

    A run that was not evaluated is left out, and a note says why; without any the figure says so.

    Args:
        plan: of the figure.
        folder: to write to, made if it is missing.
        root: where the plan's paths start.
        failures: of the steps before training.

    Raises:
        UserError: a file is there but unreadable, or not what the kind of figure needs.
    """
    results = [result for method in plan.methods for result in method.results]
    absent = find_absent((result.per_query for result in results), root, failures)
    there, notes = _evaluated(plan, absent), tuple(_missing(plan, absent))
    seeds = _seeds(there)
    with house_style():
        drawing = _draw(there, notes, root)
        style.sign(drawing.figure, style.provenance(plan, seeds))
        save(drawing.figure, folder, plan.figure)
    drawn = DrawnFigure(
        **heading_of(Made, plan, absent.values()) | {"seeds": seeds},
        figure=plan.figure,
        title=plan.title,
        caption=plan.caption,
        notes=drawing.notes,
        kind=plan.spec.kind,
        runs={method.label: tuple(result.run for result in method.results) for method in there.methods},
        numbers=drawing.numbers,
    )
    write_json(folder / f"{plan.figure}.json", drawn.model_dump(mode="json"))
    return drawn


def _draw(plan: FigurePlan, notes: tuple[str, ...], root: Path) -> Drawing:
    if plan.spec.kind in OF_DATASETS:
        drawable = any(dataset.present for dataset in plan.datasets.values())
    else:
        drawable = any(method.results for method in plan.methods)
    if not drawable:
        return Drawing(style.empty(notes), notes=notes)
    drawing: Drawing = importlib.import_module(f"vreid.reporting.figures.{plan.spec.kind}").draw(plan, root)
    return Drawing(drawing.figure, drawing.numbers, (*drawing.notes, *notes))


def _evaluated(plan: FigurePlan, absent: Mapping[str, Absent]) -> FigurePlan:
    """Return the plan with those runs alone that were evaluated."""
    methods = [
        method.model_copy(update={"results": tuple(r for r in method.results if r.per_query not in absent)})
        for method in plan.methods
    ]
    return plan.model_copy(update={"methods": tuple(methods)})


def _seeds(plan: FigurePlan) -> tuple[int, ...]:
    """Return the seeds of the runs that are shown; where nothing is, those that would be."""
    of_methods = [tuple(map(seed_of, method.results)) for method in plan.methods if method.results]
    shown = {seed for seeds in of_methods or [plan.seeds] for seed in shown_seeds(plan.spec.kind, seeds)}
    return tuple(sorted(shown))


def _missing(plan: FigurePlan, absent: Mapping[str, Absent]) -> Iterator[str]:
    """Say of each method what is missing of it, and why."""
    for method in plan.methods:
        if reason := _why(method, plan.preset, absent):
            yield f"{method.label}: {reason}."
    for dataset in plan.datasets.values():
        if not dataset.present:
            yield f"{dataset.name}: dataset absent (docs/datasets.md says where it belongs)."


def _why(method: MethodPlan, preset: str, absent: Mapping[str, Absent]) -> str | None:
    if method.status == "dataset absent":
        return "its dataset is absent (docs/datasets.md says where it belongs)"
    if method.status == "not in this preset":
        return f"not run, as {preset} leaves it out"
    gone = [absent[result.per_query] for result in method.results if result.per_query in absent]
    return why_absent(gone, len(method.results)) if gone else None
