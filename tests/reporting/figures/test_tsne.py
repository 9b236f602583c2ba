"""t-SNE of a few vehicles: which are shown, and how far apart they are said to be."""

import numpy as np
import pytest
from tests.reporting.figures.small import PIDS, TRAIN, figure_plan, listed, method, write_run

from vreid.params.errors import UserError
from vreid.params.figures import TSne
from vreid.reporting.figures import tsne


def plan(methods, **settings):
    return figure_plan(TSne(kind="tsne", caption="c", methods=listed(methods), **settings), methods)


def silhouette(points, ids):
    """Rousseeuw 1987: the mean of (b - a) / max(a, b) over all points."""
    values = []
    for n, point in enumerate(points):
        away = {i: [] for i in set(ids)}
        for m, other in enumerate(points):
            if m != n:
                away[ids[m]].append(float(np.linalg.norm(point - other)))
        a = np.mean(away.pop(ids[n]))
        b = min(np.mean(distances) for distances in away.values())
        values.append((b - a) / max(a, b))
    return float(np.mean(values))


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_silhouette_is_that_of_the_tested_features(world, distance):
    one = method("One", write_run(world, "one", 0, 2.0, distance))
    numbers = tsne.draw(plan([one], identities=4), world).numbers["methods"]["One"]
    features = np.load(world / one.results[0].features / "after_neck.npy").astype(np.float64)
    if distance == "cosine":
        features /= np.linalg.norm(features, axis=1, keepdims=True)
    shown = [n for n in range(len(features)) if PIDS[TRAIN + n] in set(numbers["ids"])]
    assert [PIDS[TRAIN + n] for n in shown] == numbers["ids"]
    expected = silhouette(features[shown], numbers["ids"])
    assert numbers["silhouette"] == pytest.approx(expected, abs=1e-4)


def test_same_vehicles_are_shown_for_all_methods(world, methods):
    drawing = tsne.draw(plan(methods, identities=3), world)
    first, second = (drawing.numbers["methods"][one.label] for one in methods)
    assert first["ids"] == second["ids"]
    assert len(set(first["ids"])) == 3
    assert first["perplexity"] == pytest.approx((len(first["ids"]) - 1) / 3, abs=0.01)
    assert second["silhouette"] > first["silhouette"]
    assert [axes.get_title().split("\n")[0] for axes in drawing.figure.axes] == ["Baseline", "Proposed"]


def test_vehicles_far_apart_are_far_apart_in_the_plane(world):
    one = method("One", write_run(world, "one", 0, 0.1))
    numbers = tsne.draw(plan([one], identities=4), world).numbers["methods"]["One"]
    assert numbers["silhouette"] > 0.9
    assert silhouette(np.array(numbers["plane"]), numbers["ids"]) > 0.5


def test_picture_is_the_same_every_time_and_changes_with_the_seed(world, methods):
    one, two, other = (
        tsne.draw(plan(methods[:1], identities=4, seed=seed), world).numbers for seed in (0, 0, 1)
    )
    assert one == two
    assert one != other


def test_one_vehicle_is_too_few(world, methods):
    with pytest.raises(UserError, match="two test vehicles"):
        tsne.draw(plan(methods, identities=1), world)
