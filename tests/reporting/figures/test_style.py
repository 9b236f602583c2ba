"""The house style: colours that keep to their experiments, and the line below each figure."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from tests.reporting.figures.small import figure_plan

from vreid.params.figures import Attributes
from vreid.params.read import read_yaml
from vreid.reporting.figures.style import BASELINE, PALETTE, colours, empty, metric_label, provenance, sign

PLAN = figure_plan(Attributes(kind="attributes", caption="c", dataset="veri776"))


def linear(colour):
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def as_seen(colour, blindness):
    """Simulate colour-blindness in linear RGB (Vienot et al. 1999), as coordinates of CIELAB."""
    matrix = {
        "protan": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
        "deutan": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
        "none": np.eye(3),
    }[blindness]
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    ) / np.array([[0.9505], [1.0], [1.089]])
    x, y, z = np.cbrt(to_xyz @ (np.array(matrix) @ linear(colour)).clip(0, 1))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("blindness", ["none", "protan", "deutan"])
def test_colours_are_told_apart_by_everybody(blindness):
    seen = [as_seen(colour, blindness) for colour in (*PALETTE, BASELINE)]
    apart = [np.linalg.norm(a - b) for n, a in enumerate(seen) for b in seen[:n]]
    assert min(apart) > 15  # 2 is just noticeable


def test_colours_of_a_figure_differ_and_the_baseline_has_its_own():
    names = [f"method_{n}" for n in range(len(PALETTE))]
    found = colours(["baseline", *names])
    assert found[0] == BASELINE
    assert sorted(found[1:]) == sorted(PALETTE)


def test_more_experiments_than_colours_share_some():
    assert len(set(colours([f"method_{n}" for n in range(20)]))) == len(PALETTE)


def test_colours_do_not_depend_on_the_order():
    names = ["se", "cbam", "dpa", "ca"]
    assert dict(zip(names, colours(names), strict=True)) == dict(
        zip(names[::-1], colours(names[::-1]), strict=True)
    )


@pytest.mark.parametrize("file", sorted(Path("params/papers").glob("*.yaml")), ids=lambda file: file.stem)
def test_experiments_of_a_paper_keep_their_colour_in_all_its_figures(file):
    found: dict[str, set[str]] = {}
    for figure in read_yaml(file).get("figures", {}).values():
        methods = figure.get("methods", [])
        names = ["_".join(filter(None, (one["run"], one.get("variant")))) for one in methods]
        for name, colour in zip(names, colours(names), strict=True):
            found.setdefault(name, set()).add(colour)
    changing = [name for name, several in found.items() if len(several) > 1]
    assert changing == [], "choose another DRAW in the house style"


def test_metrics_have_names():
    assert metric_label("R1") == "Rank-1 in %"
    assert metric_label("mAP") == "mAP in %"


def test_figure_is_signed_with_source_preset_and_seeds():
    assert provenance(PLAN) == "synthetic data, preset demo: noise; seeds 0, 1"
    figure = Figure(figsize=(4, 3), layout="constrained")
    figure.subplots().plot([0, 1])
    sign(figure, PLAN)
    [text] = figure.texts
    assert text.get_text() == provenance(PLAN)
    figure.draw_without_rendering()
    label = text.get_window_extent().transformed(figure.transFigure.inverted())
    plot = figure.axes[0].get_tightbbox().transformed(figure.transFigure.inverted())
    assert 0 < label.y0 < label.y1 < plot.y0
    assert figure.get_size_inches()[1] > 3


def test_long_provenance_is_broken_within_the_figure():
    figure = Figure(figsize=(2, 1), layout="constrained")
    figure.subplots()
    sign(figure, PLAN.model_copy(update={"preset_label": "demo: " + "words " * 20}))
    figure.draw_without_rendering()
    label = figure.texts[0].get_window_extent().transformed(figure.transFigure.inverted())
    assert label.x0 > 0
    assert label.x1 < 1
    assert label.y0 > 0


def test_figures_that_lay_nothing_out_cannot_be_signed():
    with pytest.raises(TypeError, match="constrained"):
        sign(Figure(), PLAN)


def test_empty_figure_says_why():
    [axes] = empty(["The dataset is absent."]).axes
    assert axes.texts[0].get_text() == "Nothing to draw. The dataset is absent."
