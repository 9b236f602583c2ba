"""CMC curves and sweeps: the numbers in them against those of the evaluations."""

import json
import statistics

import numpy as np
import pytest
from tests.reporting.figures.small import figure_plan, listed, method, write_run

from vreid.params.errors import UserError
from vreid.params.figures import Cmc, Point, Sweep
from vreid.reporting.figures import cmc, sweep
from vreid.reporting.figures.style import BASELINE


def results_of(world, result):
    path = world / result.evaluation / "evaluation.json"
    return json.loads(path.read_text())["protocols"]["veri776"]


def cmc_plan(methods, ranks=5):
    return figure_plan(Cmc(kind="cmc", caption="c", methods=listed(methods), ranks=ranks), methods)


def test_curves_are_the_means_over_the_seeds(world, methods):
    drawing = cmc.draw(cmc_plan(methods), world)
    for one in methods:
        curves = [results_of(world, result)["cmc"][:5] for result in one.results]
        numbers = drawing.numbers["methods"][one.label]
        assert numbers["mean"] == pytest.approx([100 * statistics.mean(k) for k in zip(*curves, strict=True)])
        assert numbers["sd"] == pytest.approx(
            [100 * statistics.stdev(k) for k in zip(*curves, strict=True)], abs=1e-3
        )


def test_curves_are_drawn_from_rank_1_in_their_colours(world, methods):
    [axes] = cmc.draw(cmc_plan(methods), world).figure.axes
    first, second = axes.get_lines()
    assert first.get_xdata().tolist() == [1, 2, 3, 4, 5]
    assert first.get_color() == BASELINE
    assert second.get_color() != BASELINE
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["Baseline", "Proposed"]


def test_one_seed_has_no_band(world):
    one = method("Proposed", write_run(world, "proposed", 0, 1.5))
    drawing = cmc.draw(cmc_plan([one]), world)
    assert drawing.numbers["methods"]["Proposed"]["sd"] is None
    assert not drawing.figure.axes[0].collections
    assert drawing.notes == ()


def test_more_ranks_than_evaluated_are_refused(world, methods):
    with pytest.raises(UserError, match="up to rank 50: lower the figure's `ranks`"):
        cmc.draw(cmc_plan(methods, ranks=51), world)


@pytest.fixture
def swept(world):
    """Points at 0, 1 and 2, a run without the parameter, and one that equals the point at 0."""
    noise = {"gamma_0": 3.0, "gamma_1": 1.0, "gamma_2": 2.0, "without": 4.0, "same": 3.0}
    return {
        name: method(name, *(write_run(world, name, seed, value) for seed in (0, 1)))
        for name, value in noise.items()
    }


def sweep_plan(swept, equals=("same",), points=("gamma_0", "gamma_1", "gamma_2", "without")):
    values = {"gamma_0": 0, "gamma_1": 1, "gamma_2": 2, "without": None}
    spec = Sweep(
        kind="sweep",
        caption="c",
        along="gamma",
        points=tuple(Point(value=values[name], run=name) for name in points),
        equals=tuple(Point(value=0, run=name) for name in equals),
        metrics=("mAP", "R1"),
    )
    return figure_plan(spec, [swept[name] for name in (*points, *equals)])


def test_points_are_the_means_over_the_seeds(world, swept):
    drawing = sweep.draw(sweep_plan(swept), world)
    for entry in drawing.numbers["points"]:
        found = [results_of(world, result) for result in swept[entry["experiment"]].results]
        for metric, values in (("mAP", [r["mAP"] for r in found]), ("R1", [r["cmc"][0] for r in found])):
            assert entry[metric]["mean"] == pytest.approx(100 * statistics.mean(values), abs=1e-4)
            assert entry[metric]["sd"] == pytest.approx(100 * statistics.stdev(values), abs=1e-4)


def test_each_metric_has_a_panel_with_its_best_value_named(world, swept):
    drawing = sweep.draw(sweep_plan(swept), world)
    assert [axes.get_ylabel() for axes in drawing.figure.axes] == ["mAP in %", "Rank-1 in %"]
    means = {entry["value"]: entry["mAP"]["mean"] for entry in drawing.numbers["points"]}
    del means[None]
    best = max(means, key=means.get)
    assert drawing.notes[0] == f"Best mAP: {means[best]:.1f} % at gamma {best:g}."
    assert [tick.get_text() for tick in drawing.figure.axes[0].get_xticklabels()] == ["0", "1", "2"]


def test_run_without_the_parameter_is_a_line_across(world, swept):
    [panel, _] = sweep.draw(sweep_plan(swept), world).figure.axes
    [legend] = panel.get_legend().get_texts()
    assert legend.get_text() == "without"


def test_value_that_must_equal_another_run_is_checked(world, swept):
    # Noise of the same size from the same seeds: the very same features.
    equal = sweep.draw(sweep_plan(swept, equals=("same",)), world)
    assert equal.numbers["equals"] == [{"value": 0.0, "experiment": "same", "equal": 2, "seeds": 2}]
    assert equal.notes[-1] == ("Check: gamma 0 gives the very results of same, as it must, in 2 of 2 seeds.")
    other = sweep.draw(sweep_plan(swept, equals=("gamma_2",)), world)
    assert other.notes[-1] == (
        "Check failed: gamma 0 must give the results of gamma_2, and does so in 0 of 2 seeds."
    )


def test_seeds_are_matched_by_number(world, swept):
    swept["same"] = method("same", swept["same"].results[1])
    drawing = sweep.draw(sweep_plan(swept), world)
    assert drawing.notes[-1].endswith("as it must, in 1 of 1 seed.")


def test_missing_point_is_left_out_and_its_check_too(world, swept):
    swept["gamma_0"] = method("gamma_0")
    drawing = sweep.draw(sweep_plan(swept), world)
    assert [entry["value"] for entry in drawing.numbers["points"]] == [1, 2, None]
    assert drawing.notes[-1].startswith("Not checked: gamma 0")
    assert np.asarray(drawing.figure.axes[0].get_xticks()).tolist() == [1, 2]
