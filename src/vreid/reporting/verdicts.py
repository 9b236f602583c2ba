"""When a claim counts as reproduced: the rules of docs/verdicts.md, and nothing else.

A comparison has an interval of the difference, its better side first. A claim may consist of several
comparisons, which must all hold. That all hold is shown when each does by itself: to be wrong about the whole
one must be wrong about a comparison that does not hold, which happens no more often than for one alone (an
intersection-union test; Berger 1982, Technometrics 24). That one of several fails is another matter: each of
them is a chance to be wrong, so what refutes a claim is an interval of the level that Bonferroni asks for.
"""

from collections.abc import Sequence
from typing import Literal

from vreid.evaluation.bootstrap import Interval

Verdict = Literal["reproduced", "not reproduced", "inconclusive", "not run"]
VERDICTS: tuple[Verdict, ...] = ("reproduced", "not reproduced", "inconclusive", "not run")

LEVEL = 0.95
"""Of the interval that is shown, and by which a comparison holds."""


def of_comparison(
    interval: Interval, seeds: int, *, shortened: bool, same: bool = False
) -> tuple[Verdict, str]:
    """Return the verdict on one comparison taken by itself, and why.

    Args:
        interval: of the difference, at `LEVEL`.
        seeds: trainings behind the side that has fewer.
        shortened: whether they trained for less long than the paper says.
        same: whether both sides are the very same runs, as when a preset takes away what tells them apart.
    """
    if same:
        return "inconclusive", "both sides are the same runs under this preset"
    if seeds == 1 and shortened:
        return "inconclusive", "one seed of a shortened recipe says nothing about another training"
    if interval.low > 0:
        return "reproduced", f"the {percent(LEVEL)} interval lies above zero"
    if interval.high < 0:
        return "not reproduced", f"the {percent(LEVEL)} interval lies below zero"
    return "inconclusive", f"the {percent(LEVEL)} interval covers zero"


def refuting_level(comparisons: int) -> float:
    """Return the level at which an interval below zero refutes a claim of so many comparisons."""
    return 1 - (1 - LEVEL) / comparisons


def of_claim(verdicts: Sequence[Verdict], refuted: Sequence[bool]) -> tuple[Verdict, str]:
    """Return the verdict on a claim of two or more comparisons, all of which must hold, and why.

    Args:
        verdicts: on each comparison taken by itself.
        refuted: whether its interval at `refuting_level` of the comparisons that were run lies below zero.
    """
    asked, count = len(verdicts), {verdict: verdicts.count(verdict) for verdict in VERDICTS}
    run = asked - count["not run"]
    if not run:
        return "not run", f"none of {asked} comparisons was run"
    if any(refuted):
        level = percent(refuting_level(run))
        return "not reproduced", f"{sum(refuted)} of {run} comparisons refuted at the level {level}"
    if count["reproduced"] == asked:
        return "reproduced", f"all {asked} comparisons hold"
    if count["inconclusive"] == asked:
        return "inconclusive", f"all {asked} comparisons are inconclusive"
    parts = [f"{count[verdict]} {verdict}" for verdict in VERDICTS if count[verdict]]
    beyond = count["not reproduced"] > 0
    level = percent(refuting_level(run))
    return "inconclusive", (
        f"of {asked} comparisons: {', '.join(parts)}"
        + (f"; none is refuted at the level {level} that {run} comparisons ask for" if beyond else "")
    )


def percent(level: float) -> str:
    """Return a level in percent, with two decimals unless it is whole."""
    return f"{100 * level:.2f}".rstrip("0").rstrip(".") + " %"
