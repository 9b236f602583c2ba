"""From per-query files to verdicts: differences reckoned by hand, an interval by a slow bootstrap."""

import json
import random
from decimal import Decimal

import numpy as np
import pytest

from vreid.params.errors import UserError
from vreid.params.plan import DeviationPlan, InconsistencyPlan
from vreid.reporting.claims import build_claims, write_claims
from vreid.reporting.records import read_record
from vreid.reporting.statements import Statements

from .conftest import claim, claims_plan, side, write_per_query

IDS = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def method(root, name, level, spread=0.02, seeds=2):
    """Files of a method whose queries lie around `level`, harder ones lower for every method."""
    files = []
    for seed in range(seeds):
        noise = np.random.default_rng([seed, len(name), ord(name[0])]).normal(0, spread, len(IDS))
        ap = np.clip(level - 0.02 * np.array(IDS) + noise, 0, 1)
        files.append(write_per_query(root, f"p-{name}-veri776-s{seed}-0", ap.tolist(), IDS))
    return files


def verdict_of(root, *pairs, **changes):
    [found] = build_claims(claims_plan([claim(*pairs)], **changes), root).claims
    return found


def test_the_difference_is_that_of_the_means_in_points(tmp_path):
    better = [write_per_query(tmp_path, f"p-a-d-s{s}-0", [0.5, 0.7, 0.9], [1, 1, 2]) for s in range(2)]
    worse = [
        write_per_query(tmp_path, f"p-b-d-s{s}-0", ap, [1, 1, 2])
        for s, ap in enumerate([[0.4, 0.6, 0.8], [0.3, 0.5, 0.7]])
    ]
    found = verdict_of(tmp_path, (side("A", better), side("B", worse), 1.5))
    [pair] = found.comparisons
    # 0.7 less the mean of 0.6 and 0.5
    assert pair.difference == Decimal("15")
    assert (pair.better.value, pair.worse.value) == (70, 55)
    assert (pair.better.seeds, pair.worse.seeds) == (2, 2)
    assert pair.paper == Decimal("1.5")
    assert pair.low <= pair.difference <= pair.high
    assert pair.over == "vehicles and seeds"
    assert (found.verdict, found.reason) == ("reproduced", "the 95 % interval lies above zero")


def test_the_interval_is_that_of_a_slow_paired_bootstrap_over_vehicles(tmp_path):
    better, worse = method(tmp_path, "a", 0.6, 0.1, seeds=1), method(tmp_path, "b", 0.5, 0.1, seeds=1)
    [pair] = verdict_of(tmp_path, (side("A", better), side("B", worse), None), shortened=False).comparisons
    gaps = [a - b for a, b in zip(_ap(tmp_path / better[0]), _ap(tmp_path / worse[0]), strict=True)]
    rng, means = random.Random(0), []  # noqa: S311 -- no secret
    for _ in range(4000):
        drawn = [gap for car in rng.choices(range(6), k=6) for gap in gaps[2 * car : 2 * car + 2]]
        means.append(100 * sum(drawn) / len(drawn))
    means.sort()
    assert float(pair.low) == pytest.approx(means[100], abs=0.5)
    assert float(pair.high) == pytest.approx(means[3899], abs=0.5)
    assert pair.over == "vehicles alone"


def _ap(path):
    import pyarrow.parquet as pq

    return pq.read_table(path)["AP"].to_pylist()


def test_the_better_side_below_the_other_refutes_the_claim(tmp_path):
    found = verdict_of(
        tmp_path, (side("A", method(tmp_path, "a", 0.4)), side("B", method(tmp_path, "b", 0.6)), 2.0)
    )
    assert (found.verdict, found.comparisons[0].refuted) == ("not reproduced", True)


def test_a_method_against_itself_is_inconclusive(tmp_path):
    files = method(tmp_path, "a", 0.5, 0.2)
    found = verdict_of(tmp_path, (side("A", files), side("A too", files), None))
    [pair] = found.comparisons
    assert (pair.difference, pair.low, pair.high) == (0, 0, 0)
    assert (found.verdict, found.reason) == (
        "inconclusive",
        "both sides are the same runs under this preset",
    )


def test_three_seeds_of_a_shortened_recipe_reach_a_verdict_over_vehicles_and_seeds(tmp_path):
    better, worse = (method(tmp_path, name, level, seeds=3) for name, level in (("a", 0.6), ("b", 0.4)))
    found = verdict_of(tmp_path, (side("A", better), side("B", worse), None), seeds=(0, 1, 2))
    [pair] = found.comparisons
    assert (pair.better.seeds, pair.worse.seeds, pair.over) == (3, 3, "vehicles and seeds")
    assert (found.verdict, found.reason) == ("reproduced", "the 95 % interval lies above zero")


def test_of_three_seeds_those_that_are_left_are_compared(tmp_path):
    better, worse = (method(tmp_path, name, level, seeds=3) for name, level in (("a", 0.6), ("b", 0.4)))
    for name in better[1:]:
        (tmp_path / name).unlink()
    found = verdict_of(tmp_path, (side("A", better), side("B", worse), None), seeds=(0, 1, 2))
    [pair] = found.comparisons
    assert (pair.better.seeds, pair.worse.seeds, pair.over) == (1, 3, "vehicles alone")
    assert pair.better.missing.startswith("2 of 3 seeds pending; ")
    assert found.reason == "one seed of a shortened recipe says nothing about another training"


def test_a_side_keeps_its_keys_and_has_the_name_of_its_row(tmp_path):
    dark = side("dark (cars196)", method(tmp_path, "a", 0.5)).model_copy(update={"row": "Ours, darker"})
    light = side("light", method(tmp_path, "b", 0.5)).model_copy(update={"row": "Ours"})
    lost = dark.model_copy(update={"minus": light})
    gone = side("spare", [], status="not in this preset").model_copy(update={"row": "+ SE"})
    found = verdict_of(tmp_path, (lost, light, None), (light, gone, None))
    first, second = found.comparisons
    assert (first.better.label, first.better.row) == ("dark (cars196) less light", "Ours, darker less Ours")
    assert second.reason.startswith("+ SE: not in this preset")
    bare = side("plain", method(tmp_path, "c", 0.5))
    [pair] = verdict_of(tmp_path, (bare, light, None)).comparisons
    assert (pair.better.row, pair.better.name) == (None, "plain")


def test_one_seed_of_a_shortened_recipe_is_inconclusive_whatever_the_interval(tmp_path):
    sides = (
        side("A", method(tmp_path, "a", 0.8, seeds=1)),
        side("B", method(tmp_path, "b", 0.4, seeds=1)),
        None,
    )
    assert verdict_of(tmp_path, sides).verdict == "inconclusive"
    assert verdict_of(tmp_path, sides, shortened=False).verdict == "reproduced"


def test_a_failed_seed_leaves_one_and_that_is_said(tmp_path):
    better, worse = method(tmp_path, "a", 0.8), method(tmp_path, "b", 0.4)
    (tmp_path / better[1]).unlink()
    (tmp_path / "runs/p-a-veri776-s1-0/events.jsonl").write_text(
        '{"type": "end", "time": 1, "status": "FAILED", "error": "loss is not finite"}\n'
    )
    found = verdict_of(tmp_path, (side("A", better), side("B", worse), None))
    [pair] = found.comparisons
    assert (pair.better.seeds, pair.worse.seeds, found.verdict) == (1, 2, "inconclusive")
    assert pair.worse.missing is None
    assert pair.better.missing == (
        "1 of 2 seeds failed; loss is not finite (runs/p-a-veri776-s1-0/events.jsonl)"
    )


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("dataset absent", "dataset absent: docs/datasets.md says where veri776 belongs"),
        ("not in this preset", "not in this preset: demo leaves it out"),
    ],
)
def test_a_side_that_is_not_run_says_why(tmp_path, status, reason):
    files = method(tmp_path, "a", 0.8)
    there, absent = side("A", files), side("B", (), status=status)
    found = verdict_of(tmp_path, (there, absent, 1.0))
    assert (found.verdict, found.reason) == ("not run", f"B: {reason}")
    assert found.comparisons[0].difference is None
    found = verdict_of(tmp_path, (side("A", files, minus=absent), there, 1.0))
    assert (found.verdict, found.reason) == ("not run", f"B: {reason}")


def test_a_side_of_which_no_seed_is_there_is_not_run(tmp_path):
    gone = side("A", ("runs/p-a-veri776-s0-0/eval-0/per_query.parquet",))
    found = verdict_of(tmp_path, (gone, side("B", method(tmp_path, "b", 0.4)), 1.0))
    assert (found.verdict, found.reason) == ("not run", "A is pending")
    assert found.comparisons[0].better.missing == "pending; not run yet"


def test_minus_compares_what_two_methods_lose_query_by_query(tmp_path):
    # A loses 0.1 on every query, B 0.3: A loses 20 points less, exactly, whatever the queries
    original, dark = [0.9, 0.5, 0.7, 0.8], [0.8, 0.4, 0.6, 0.7]
    files = {
        name: [write_per_query(tmp_path, f"p-{name}-d-s{s}-0", values, [1, 1, 2, 2]) for s in range(2)]
        for name, values in {
            "ao": original,
            "ad": dark,
            "bo": [0.85, 0.45, 0.65, 0.5],
            "bd": [0.55, 0.15, 0.35, 0.2],
        }.items()
    }
    kept = side("A dark", files["ad"], minus=side("A", files["ao"]))
    lost = side("B dark", files["bd"], minus=side("B", files["bo"]))
    found = verdict_of(tmp_path, (kept, lost, 0.35))
    [pair] = found.comparisons
    assert (pair.difference, pair.low, pair.high) == (20, 20, 20)
    assert (pair.better.value, pair.worse.value) == (-10, -30)
    assert pair.better.label == "A dark less A"
    assert found.verdict == "reproduced"


def test_the_same_networks_on_both_sides_are_paired_seed_by_seed(tmp_path):
    # Two seeds far apart, each tested in two ways that differ by just one point.
    files = {}
    for way, shift in (("one", 0.01), ("other", 0.0)):
        files[way] = [
            write_per_query(
                tmp_path,
                f"p-a-d-s{s}-0",
                [level + shift + 0.001 * q for q in range(4)],
                [1, 1, 2, 2],
                digest="0123abcd" if way == "one" else "89abcdef",
            )
            for s, level in enumerate((0.2, 0.8))
        ]
    [pair] = verdict_of(
        tmp_path, (side("one", files["one"]), side("other", files["other"]), None)
    ).comparisons
    assert (pair.difference, pair.low, pair.high) == (1, 1, 1)
    # the same numbers from other networks leave everything open
    strangers = side("other", files["other"], runs=("q-a-d-s0-0", "q-a-d-s1-0"))
    [pair] = verdict_of(tmp_path, (side("one", files["one"]), strangers, None)).comparisons
    assert pair.low < 0 < pair.high


def test_a_query_without_a_match_counts_on_neither_side(tmp_path):
    better = [write_per_query(tmp_path, "p-a-d-s0-0", [0.5, None, 0.9], [1, 1, 2])]
    worse = [write_per_query(tmp_path, "p-b-d-s0-0", [0.4, None, 0.8], [1, 1, 2])]
    [pair] = verdict_of(tmp_path, (side("A", better), side("B", worse), None)).comparisons
    assert (pair.difference, pair.better.value) == (10, 70)


def test_all_comparisons_must_hold_and_any_refutes(tmp_path):
    high, middle, low = (
        method(tmp_path, name, level) for name, level in (("a", 0.8), ("b", 0.6), ("c", 0.4))
    )
    a, b, c = side("A", high), side("B", middle), side("C", low)
    best = claim((a, b, None), (a, c, None), kind="best", name="a-best")
    second = claim((b, a, None), (b, c, None), kind="best", name="b-best")
    found = build_claims(claims_plan([best, second]), tmp_path)
    assert [one.verdict for one in found.claims] == ["reproduced", "not reproduced"]
    assert [pair.verdict for pair in found.claims[1].comparisons] == ["not reproduced", "reproduced"]
    assert found.claims[1].reason == "1 of 2 comparisons refuted at the level 97.5 %"
    assert found.count() == {"reproduced": 1, "not reproduced": 1, "inconclusive": 0, "not run": 0}


def test_what_one_comparison_refutes_alone_may_not_refute_one_of_twenty(tmp_path):
    # below zero by hardly more than an interval of 95 % asks for
    gaps = [-0.1, -0.09, -0.08, -0.06, -0.05, -0.02, 0.0, 0.02, -0.04, -0.03, 0.03, 0.01]
    ids = list(range(len(gaps)))
    worse = [write_per_query(tmp_path, f"p-b-d-s{s}-0", [0.5] * len(ids), ids) for s in range(2)]
    better = [write_per_query(tmp_path, f"p-a-d-s{s}-0", [0.5 + g for g in gaps], ids) for s in range(2)]
    good = [write_per_query(tmp_path, f"p-c-d-s{s}-0", [0.9] * len(ids), ids) for s in range(2)]
    pair, other = (side("A", better), side("B", worse), None), (side("C", good), side("B", worse), None)
    assert verdict_of(tmp_path, pair).verdict == "not reproduced"
    found = verdict_of(tmp_path, pair, *[other] * 19)
    assert found.comparisons[0].verdict == "not reproduced"
    assert not found.comparisons[0].refuted
    assert found.verdict == "inconclusive"
    assert "none is refuted at the level 99.75 % that 20 comparisons ask for" in found.reason


def test_sides_on_other_queries_are_one_sentence_with_the_claim(tmp_path):
    better = [write_per_query(tmp_path, "p-a-d-s0-0", [0.5, 0.6], [1, 2])]
    worse = [write_per_query(tmp_path, "p-b-d-s0-0", [0.5, 0.6], [1, 2], rows=[7, 8])]
    words = "se_densenet, claim gain: A and B were evaluated on different queries, so they cannot be compared"
    with pytest.raises(UserError, match=words):
        verdict_of(tmp_path, (side("A", better), side("B", worse), None))
    with pytest.raises(UserError, match="claim gain: A and B were evaluated on different queries, so one"):
        verdict_of(tmp_path, (side("A", better, minus=side("B", worse)), side("A", better), None))


def test_the_json_is_the_whole_record(tmp_path):
    plan = claims_plan(
        [claim((side("A", method(tmp_path, "a", 0.8)), side("B", method(tmp_path, "b", 0.4)), 1.5))],
        inconsistencies=(
            InconsistencyPlan(
                id="swap",
                where="sec. 4.3",
                says="It swaps them.",
                check="table1[4].mAP == 94.8",
                holds=False,
                shown="75.5 == 94.8",
            ),
        ),
        deviations=(
            DeviationPlan(
                key="optimizer.lr",
                where="sec. 4.2",
                printed="0.0035",
                taken="0.00035",
                because="ten times that diverges",
                alternatives=("proposed_printed_lr",),
            ),
        ),
    )
    written = write_claims(plan, tmp_path / "claims", tmp_path)
    path = tmp_path / "claims/se_densenet.json"
    assert read_record(path, Statements) == written
    value = json.loads(path.read_text())
    assert value["digest"] == "c1a1"
    assert value["claims"][0]["comparisons"][0]["paper"] == 1.5
    assert value["deviations"][0]["key"] == "optimizer.lr"
    assert sorted(file.name for file in path.parent.iterdir()) == [
        f"se_densenet.{suffix}" for suffix in ("csv", "json", "md", "tex")
    ]
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    write_claims(plan, tmp_path / "again", tmp_path)
    assert before == {file.name: file.read_bytes() for file in (tmp_path / "again").iterdir()}
