import numpy as np
import pytest

from vreid.evaluation.comparison import read_scores
from vreid.evaluation.evaluate import evaluate_pool
from vreid.evaluation.tables import write_per_query
from vreid.params.errors import UserError


@pytest.fixture
def runs(tmp_path):
    """Per-query files of two methods, the second much worse, with two seeds each."""
    rng = np.random.default_rng(0)
    ids = np.arange(90) % 15
    centres = rng.standard_normal((15, 4))
    results = {}
    for method, noise in (("sharp", 0.3), ("blurred", 1.5)):
        for seed in range(2):
            features = centres[ids] + noise * rng.standard_normal((90, 4))
            result = evaluate_pool(features, ids, protocol="vehicleid_swapped_800")
            write_per_query(tmp_path / f"{method}{seed}.parquet", [result])
            results[method, seed] = result
    return tmp_path, results


def files(folder, method):
    return [folder / f"{method}{seed}.parquet" for seed in range(2)]


@pytest.mark.parametrize("metric", ["mAP", "mAP_trapezoid", "mINP", "MRR", "R1", "R5"])
def test_scores_average_to_the_metric(runs, metric):
    folder, results = runs
    scores = read_scores(files(folder, "sharp"), "vehicleid_swapped_800", metric)
    assert scores.values.shape == (2, 150)
    for seed in range(2):
        assert scores.values[seed].mean() == pytest.approx(results["sharp", seed][metric])
    interval = scores.interval()
    assert interval.low <= interval.estimate <= interval.high


def test_methods_are_compared_on_the_same_queries(runs):
    folder, results = runs
    sharp, blurred = (
        read_scores(files(folder, name), "vehicleid_swapped_800", "mAP") for name in ("sharp", "blurred")
    )
    gap = sharp.minus(blurred)
    means = [np.mean([results[name, seed]["mAP"] for seed in range(2)]) for name in ("sharp", "blurred")]
    assert gap.estimate == pytest.approx(means[0] - means[1])
    assert gap.low > 0
    assert gap.positive == 1


def test_other_queries_are_not_paired(runs):
    folder, _ = runs
    other = evaluate_pool(
        np.random.default_rng(0).random((90, 4)), np.arange(90) % 15, protocol="vehicleid_swapped_800", seed=9
    )
    write_per_query(folder / "other.parquet", [other])
    sharp = read_scores(files(folder, "sharp"), "vehicleid_swapped_800", "mAP")
    with pytest.raises(UserError, match="different queries"):
        sharp.minus(read_scores([folder / "other.parquet"], "vehicleid_swapped_800", "mAP"))
    with pytest.raises(UserError, match="holds other queries"):
        read_scores([folder / "sharp0.parquet", folder / "other.parquet"], "vehicleid_swapped_800", "mAP")
    with pytest.raises(UserError, match="holds no protocol 'veri776'; it holds vehicleid_swapped_800"):
        read_scores(files(folder, "sharp"), "veri776", "mAP")
