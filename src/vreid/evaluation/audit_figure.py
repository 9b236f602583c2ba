"""Draws an audit: how far each choice moves mAP and Rank-1."""

import textwrap
from pathlib import Path

from vreid.evaluation.audit import Audit
from vreid.params.atomic import atomic_path

MAP_COLOUR, RANK_COLOUR = "#0072b2", "#e69f00"
ROW = 0.45


def draw_audit(audit: Audit, path: Path) -> None:
    """Write a figure of the audit's moves to `path` (.png, .svg or .pdf), whole or not at all.

    One line per move: a bar for mAP, one for Rank-1, in points from the reference. Dashed lines stand where
    the paper's numbers are.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 -- slow to import, and only figures need it

    moves = audit.moves()
    reference = audit.reference
    figure = Figure(figsize=(8, 1.6 + ROW * max(len(moves), 1)), layout="constrained")
    axes = figure.subplots()
    places = range(len(moves))
    bars = (
        (-0.18, "mAP", MAP_COLOUR, [finding.map - reference.map for *_, finding in moves]),
        (0.18, "Rank-1", RANK_COLOUR, [finding.rank1 - reference.rank1 for *_, finding in moves]),
    )
    for shift, label, colour, gaps in bars:
        points = [100 * gap for gap in gaps]
        drawn = axes.barh([place + shift for place in places], points, 0.34, label=label, color=colour)
        axes.bar_label(drawn, [f"{value:+.1f}" for value in points], padding=3, fontsize=7)
    for metric, colour, value in (
        ("mAP", MAP_COLOUR, reference.map),
        ("R1", RANK_COLOUR, reference.rank1),
    ):
        if metric in audit.paper:
            gap = 100 * (audit.paper[metric] - value)
            axes.axvline(gap, color=colour, linestyle="--", linewidth=1, label=f"the paper's {metric}")
    axes.axvline(0, color="0.3", linewidth=0.8)
    axes.set_yticks(list(places), [f"{setting}:\n{value}" for setting, value, _ in moves], fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.18)
    axes.set_xlabel("points from the reference")
    axes.set_title(
        f"{audit.run}, {audit.protocol}\nreference: mAP {100 * reference.map:.1f} %, "
        f"Rank-1 {100 * reference.rank1:.1f} %\n{textwrap.fill(audit.note, 75)}".rstrip(),
        fontsize=9,
    )
    figure.legend(loc="outside lower center", ncols=4, fontsize=8)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=150)
