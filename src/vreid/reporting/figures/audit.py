"""Draws an audit: how far each choice moves mAP and Rank-1."""

import textwrap
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vreid.evaluation.audit import Audit
from vreid.reporting.audited import made
from vreid.reporting.figures.files import house_style, save
from vreid.reporting.figures.style import INK, metric_colour, sign

ROW = 0.36
"""Inches."""

METRICS = {"mAP": "mAP", "R1": "Rank-1"}


def draw_audit(audit: Audit, folder: Path) -> None:
    """Write `folder`/audit.png and .pdf, each whole or not at all.

    One line per move: a bar for mAP, one for Rank-1, in points from the reference. Dashed lines stand where
    the paper's numbers are. On what it was made stands below it.
    """
    with house_style():
        figure = moves(audit)
        sign(figure, made(audit))
        save(figure, folder, "audit")


def moves(audit: Audit) -> Figure:
    """Return the figure, which lays itself out."""
    found, reference = audit.moves(), audit.reference
    figure = Figure(figsize=(6.4, 1.1 + ROW * max(len(found), 1)), layout="constrained")
    axes = figure.subplots()
    _bars(axes, "mAP", -0.18, [finding.map - reference.map for *_, finding in found])
    _bars(axes, "R1", 0.18, [finding.rank1 - reference.rank1 for *_, finding in found])
    for metric, value in (("mAP", reference.map), ("R1", reference.rank1)):
        if metric in audit.paper:
            gap = 100 * (audit.paper[metric] - value)
            label = f"the paper's {METRICS[metric]}"
            axes.axvline(gap, color=metric_colour(metric), linestyle="--", linewidth=1, label=label)
    axes.axvline(0, color=INK, linewidth=0.8)
    labels = [f"{setting}:\n{textwrap.shorten(value, 48)}" for setting, value, _ in found]
    axes.set_yticks(range(len(found)), labels)
    axes.invert_yaxis()
    axes.margins(x=0.18)
    axes.set_xlabel("percentage points from the values as evaluated")
    axes.set_title(
        f"{audit.run}, {audit.protocol}\nas evaluated: mAP {100 * reference.map:.1f} %, "
        f"Rank-1 {100 * reference.rank1:.1f} %"
    )
    figure.legend(loc="outside upper center", ncols=4)
    return figure


def _bars(axes: Axes, metric: str, shift: float, gaps: list[float]) -> None:
    points = [100 * gap for gap in gaps]
    places = [place + shift for place in range(len(gaps))]
    drawn = axes.barh(places, points, 0.34, label=METRICS[metric], color=metric_colour(metric))
    axes.bar_label(drawn, [f"{value:+.1f}" for value in points], padding=3, fontsize=6)
