"""The house style: colours that keep to their experiments, and the line below each figure."""

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from tests.reporting.figures.small import figure_plan, listed

from vreid.params.figures import Attributes, Cmc
from vreid.params.read import read_yaml
from vreid.reporting.figures import cmc
from vreid.reporting.figures.style import (
    BASELINE,
    HEAT,
    PALETTE,
    colours,
    empty,
    metric_label,
    provenance,
    sign,
)

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


def test_a_method_keeps_its_colour_in_all_figures_of_all_papers():
    found: dict[str, set[str]] = {}
    for file in sorted(Path("params/papers").glob("*.yaml")):
        for figure in read_yaml(file).get("figures", {}).values():
            methods = figure.get("methods", [])
            names = ["_".join(filter(None, (one["run"], one.get("variant")))) for one in methods]
            for method, name, colour in zip(methods, names, colours(names), strict=True):
                found.setdefault(f"experiment {name}", set()).add(colour)
                # A label may name one thing in two papers, as "Baseline" does.
                found.setdefault(f"label {method['label']}", set()).add(colour)
    assert len(found) > 20
    changing = [name for name, several in found.items() if len(several) > 1]
    assert changing == [], "choose another DRAW in the house style"


def test_curves_are_drawn_in_the_colours_of_their_experiments(world, methods):
    """The same label has the same colour whatever else is drawn beside it, and in whatever order."""
    drawn = []
    for shown in (methods, methods[::-1], methods[1:]):
        spec = Cmc(kind="cmc", caption="c", methods=listed(shown), ranks=3)
        [axes] = cmc.draw(figure_plan(spec, shown), world).figure.axes
        drawn.append({line.get_label(): line.get_color() for line in axes.lines})
    assert drawn[0] == drawn[1]
    assert drawn[2].items() <= drawn[0].items()
    assert set(drawn[0]) == {method.label for method in methods}


def test_heat_grows_lighter_and_lighter():
    shades = matplotlib.colormaps[HEAT](np.linspace(0, 1, 64))[:, :3]
    lightness = [as_seen(shade, "none")[0] for shade in shades]
    assert np.all(np.diff(lightness) > 0)


def test_metrics_have_names():
    assert metric_label("R1") == "Rank-1 in %"
    assert metric_label("mAP") == "mAP in %"


def test_figure_is_signed_with_source_preset_and_seeds():
    said = provenance(PLAN, PLAN.seeds)
    assert said == "synthetic data, preset demo: noise; seeds 0, 1"
    assert provenance(PLAN, (1,)) == "synthetic data, preset demo: noise; seed 1"
    assert provenance(PLAN, ()) == "synthetic data, preset demo: noise; of the images, no network's work"
    figure = Figure(figsize=(4, 3), layout="constrained")
    figure.subplots().plot([0, 1])
    sign(figure, said)
    [text] = figure.texts
    assert text.get_text() == said
    figure.draw_without_rendering()
    label = text.get_window_extent().transformed(figure.transFigure.inverted())
    plot = figure.axes[0].get_tightbbox().transformed(figure.transFigure.inverted())
    assert 0 < label.y0 < label.y1 < plot.y0
    assert figure.get_size_inches()[1] > 3


def test_long_provenance_is_broken_within_the_figure():
    figure = Figure(figsize=(2, 1), layout="constrained")
    figure.subplots()
    sign(figure, "words " * 20)
    figure.draw_without_rendering()
    label = figure.texts[0].get_window_extent().transformed(figure.transFigure.inverted())
    assert label.x0 > 0
    assert label.x1 < 1
    assert label.y0 > 0


def test_a_wide_figure_that_is_shown_smaller_can_be_read_all_the_same():
    sizes = []
    for width in (4.0, 6.4, 12.8):
        figure = Figure(figsize=(width, 3), layout="constrained")
        figure.subplots()
        sign(figure, "synthetic data")
        sizes.append(figure.texts[0].get_fontsize())
    assert sizes == [6.0, 6.0, 12.0]


def test_figures_that_lay_nothing_out_cannot_be_signed():
    with pytest.raises(TypeError, match="constrained"):
        sign(Figure(), "synthetic data")


def test_empty_figure_says_why():
    [axes] = empty(["The dataset is absent."]).axes
    assert axes.texts[0].get_text() == "Nothing to draw. The dataset is absent."
