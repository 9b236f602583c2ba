"""Verdicts: the rules one by one, and how often they are wrong where the truth is known."""

import re
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

import vreid
from vreid.evaluation.bootstrap import Interval
from vreid.reporting.verdicts import LEVEL, VERDICTS, of_claim, of_comparison, refuting_level

PAGE = Path(vreid.__file__).parents[2] / "docs" / "verdicts.md"

REPRODUCED, REFUTED, OPEN, NOT_RUN = "reproduced", "not reproduced", "inconclusive", "not run"


def interval(low, high):
    return Interval((low + high) / 2, low, high, 0.5)


@pytest.mark.parametrize(
    ("low", "high", "seeds", "shortened", "verdict"),
    [
        (0.01, 0.03, 2, True, REPRODUCED),
        (0.01, 0.03, 1, False, REPRODUCED),
        (-0.03, -0.01, 2, True, REFUTED),
        (-0.03, -0.01, 1, False, REFUTED),
        (-0.01, 0.03, 5, False, OPEN),
        (0.0, 0.03, 5, False, OPEN),
        (-0.03, 0.0, 5, False, OPEN),
        (0.0, 0.0, 5, False, OPEN),
        (0.01, 0.03, 1, True, OPEN),
        (-0.03, -0.01, 1, True, OPEN),
    ],
)
def test_a_comparison_by_its_interval(low, high, seeds, shortened, verdict):
    assert of_comparison(interval(low, high), seeds, shortened=shortened)[0] == verdict


@pytest.mark.parametrize("shortened", [True, False])
@pytest.mark.parametrize(
    ("low", "high", "verdict", "words"),
    [
        (0.01, 0.03, REPRODUCED, "the 95 % interval lies above zero"),
        (-0.03, -0.01, REFUTED, "the 95 % interval lies below zero"),
        (-0.01, 0.03, OPEN, "the 95 % interval covers zero"),
    ],
)
def test_three_seeds_are_judged_by_their_interval_also_of_a_shortened_recipe(
    low, high, verdict, words, shortened
):
    assert of_comparison(interval(low, high), 3, shortened=shortened) == (verdict, words)


@pytest.mark.parametrize("seeds", [1, 3])
def test_runs_against_themselves_say_nothing_and_that_is_said(seeds):
    found = of_comparison(interval(0.0, 0.0), seeds, shortened=True, same=True)
    assert found == (OPEN, "both sides are the same runs under this preset")


@pytest.mark.parametrize(
    ("verdicts", "refuted", "verdict", "words"),
    [
        ([REPRODUCED] * 3, [False] * 3, REPRODUCED, "all 3 comparisons hold"),
        (
            [REPRODUCED, REFUTED],
            [False, True],
            REFUTED,
            "1 of 2 comparisons refuted at the level 97.5 %",
        ),
        (
            [REPRODUCED, REFUTED, OPEN],
            [False, False, False],
            OPEN,
            "of 3 comparisons: 1 reproduced, 1 not reproduced, 1 inconclusive; none is refuted at the level "
            "98.33 % that 3 comparisons ask for",
        ),
        ([REPRODUCED, OPEN], [False] * 2, OPEN, "of 2 comparisons: 1 reproduced, 1 inconclusive"),
        ([OPEN] * 5, [False] * 5, OPEN, "all 5 comparisons are inconclusive"),
        ([REPRODUCED, NOT_RUN], [False] * 2, OPEN, "of 2 comparisons: 1 reproduced, 1 not run"),
        ([REFUTED, NOT_RUN], [True, False], REFUTED, "1 of 1 comparisons refuted at the level 95 %"),
        ([NOT_RUN] * 4, [False] * 4, NOT_RUN, "none of 4 comparisons was run"),
    ],
)
def test_a_claim_by_its_comparisons(verdicts, refuted, verdict, words):
    assert of_claim(verdicts, refuted) == (verdict, words)


def simulated(truths, trials, seed):
    """Verdicts on a claim whose differences are normal with variance 1 around `truths`, known exactly."""
    count = len(truths)
    shown, wide = (NormalDist().inv_cdf((1 + level) / 2) for level in (LEVEL, refuting_level(count)))
    for estimates in np.random.default_rng(seed).normal(truths, 1, (trials, count)):
        pairs = [of_comparison(interval(x - shown, x + shown), 2, shortened=False)[0] for x in estimates]
        yield of_claim(pairs, [x + wide < 0 for x in estimates])[0], REFUTED in pairs


@pytest.mark.parametrize("count", [2, 5, 10])
def test_a_claim_that_barely_holds_is_seldom_refuted_however_many_comparisons_it_has(count):
    found = list(simulated([0.0] * count, 4000, seed=count))
    refuted = np.mean([verdict == REFUTED for verdict, _ in found])
    # 2.5 % of each tail; 4,000 trials have a standard error of 0.25 points
    assert refuted < 0.025 + 3 * 0.0025
    if count == 10:  # without the correction it would be 1 - 0.975 ** 10 = 22 %
        assert np.mean([some for _, some in found]) > 0.2


@pytest.mark.parametrize("others", [0.0, 1.0, 100.0])
def test_a_claim_of_which_one_comparison_does_not_hold_is_seldom_reproduced(others):
    verdicts = [verdict for verdict, _ in simulated([0.0, others, others], 4000, seed=1)]
    assert np.mean([verdict == REPRODUCED for verdict in verdicts]) < 0.025 + 3 * 0.0025


def test_a_claim_that_clearly_holds_is_reproduced_and_one_that_clearly_fails_is_refuted():
    assert all(verdict == REPRODUCED for verdict, _ in simulated([9.0] * 4, 500, seed=2))
    assert all(verdict == REFUTED for verdict, _ in simulated([9.0, 9.0, -9.0], 500, seed=3))


def test_the_examples_of_the_documentation_run(capsys):
    scope = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S):
        exec(block, scope)  # noqa: S102 -- our own page
    first, second, level = capsys.readouterr().out.splitlines()
    assert first == "('reproduced', 'all 2 comparisons hold')"
    assert second.startswith("('inconclusive', ")
    assert float(level) == pytest.approx(0.975)


def test_the_documentation_names_every_verdict():
    named = re.findall(r"^\| `(.+?)` \|", PAGE.read_text(encoding="utf-8"), re.M)
    assert tuple(named) == VERDICTS


def test_the_documentation_is_right_about_ten_comparisons_and_thirty_claims():
    text = PAGE.read_text(encoding="utf-8")
    assert f"up to {100 * (1 - 0.975**10):.0f} % of all cases" in text
    # 1 - 0.975 ** 30
    assert pytest.approx(0.53, abs=0.005) == 1 - 0.975**30
    assert "about\nhalf of all reports" in text
