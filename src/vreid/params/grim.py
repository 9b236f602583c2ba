"""The GRIM test for retrieval: which numbers of queries the decimals of printed rates admit.

A rank-k rate over N queries is a multiple of 100 / N, and a mean over d draws of N queries one of
100 / (d N). With fewer multiples than printable values, most values cannot be: 95.96 is no rate of 1,235
queries, whose nearest are 95.95 and 96.03. N. Brown and J. Heathers, The GRIM Test, Social Psychological and
Personality Science 8(4), 2017, doi:10.1177/1948550616673876, test means of whole numbers in this way.

What is random in `share` and the functions built on it: a value whose decimals have nothing to do with N is
taken to be any of the printable values from 0 to 100 with the same probability, and distinct values to be
independent of each other.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Literal

Rule = Literal["rounded", "cut off"]
"""How a rate became a printed value: rounded, either way at a half, or its further digits dropped."""

SEARCHED = (200, 3000)
"""Numbers of queries that are searched: with two decimals, what is far above admits too much to be told."""

_VALUE = re.compile(r"([0-9]+)(?:\.([0-9]*))?")


@dataclass(frozen=True, order=True)
class Rate:
    """A rate in percent as it is printed: so many `units` of its last decimal."""

    units: int
    decimals: int

    @classmethod
    def of(cls, text: str, decimals: int = 0) -> "Rate":
        """Return the rate that a text prints, at least so many decimals counted as printed.

        Raises:
            ValueError: the text is no number from 0 to 100, written with digits and a point.
        """
        found = _VALUE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no rate: write it with digits and a point, as 95.96")
        whole, fraction = found[1], (found[2] or "").ljust(decimals, "0")
        rate = cls(int(whole + fraction), len(fraction))
        if rate.units > rate.printable:
            raise ValueError(f"{text} is no rate: it is above 100 %")
        return rate

    @property
    def printable(self) -> int:
        """The units of 100 %; one value more than so many can be printed."""
        return _printable(self.decimals)

    def without_zeros(self) -> "Rate":
        """Return the value without the zeros at its end, which may have been put there."""
        if self.decimals and self.units % 10 == 0:
            return Rate(self.units // 10, self.decimals - 1).without_zeros()
        return self

    def __str__(self) -> str:
        digits = str(self.units).rjust(self.decimals + 1, "0")
        point = len(digits) - self.decimals
        return f"{digits[:point]}.{digits[point:]}" if self.decimals else digits


def admits(rate: Rate, total: int, rule: Rule = "rounded") -> bool:
    """Tell whether a multiple of 100 / `total` is printed as `rate`; `total` is draws times queries."""
    if rule == "cut off":  # units <= hits / total * printable < units + 1
        hits = -(-rate.units * total // rate.printable)
        return hits * rate.printable < (rate.units + 1) * total
    hits = -(-(2 * rate.units - 1) * total // (2 * rate.printable))
    return hits <= total and 2 * hits * rate.printable <= (2 * rate.units + 1) * total


def impossible(rates: Iterable[Rate], total: int, rule: Rule = "rounded") -> list[Rate]:
    """Return the rates that are no multiple of 100 / `total`."""
    return [rate for rate in rates if not admits(rate, total, rule)]


def neighbours(rate: Rate, total: int) -> tuple[Rate, Rate]:
    """Return the possible rates on either side, rounded half up to the decimals of `rate`."""
    below = rate.units * total // rate.printable
    hits = (below, min(total, below + 1))
    low, high = ((2 * hit * rate.printable + total) // (2 * total) for hit in hits)
    return Rate(low, rate.decimals), Rate(high, rate.decimals)


def distinct(rates: Iterable[Rate]) -> list[Rate]:
    """Return each value once, ascending; one that is printed with more and fewer decimals, with more."""
    kept: dict[float, Rate] = {}
    for rate in rates:
        value = rate.units / 10**rate.decimals
        if value not in kept or kept[value].decimals < rate.decimals:
            kept[value] = rate
    return [kept[value] for value in sorted(kept)]


@cache
def share(decimals: int, total: int) -> float:
    """Return which share of all printable values is the rounded one of some multiple of 100 / `total`.

    From `total` = 10,000 on it is 1 with two decimals, from 1,000 on with one: nothing can be told there. A
    multiple half-way between two values admits both.
    """
    printable = _printable(decimals)
    if total >= printable:
        return 1.0
    common = math.gcd(total, 2 * printable)
    step = total // common  # of the hits whose rate is a multiple of half a unit
    halves = 2 * printable // common
    ties = (total // step + 1) // 2 if halves % 2 else 0  # of these, every other one is half-way
    return min(1.0, (total + 1 + ties) / (printable + 1))


def all_fit(rates: Iterable[Rate], total: int) -> float:
    """Return the probability that random values in place of the distinct `rates` are all possible."""
    return math.prod(share(rate.decimals, total) for rate in rates)


def as_few(rates: Sequence[Rate], total: int, number: int) -> float:
    """Return the probability that of random values no more than `number` are impossible."""
    chances = [1.0] + [0.0] * len(rates)  # of 0, 1, … impossible values among those seen
    for rate in rates:
        fits = share(rate.decimals, total)
        chances = [
            fits * same + (1 - fits) * fewer
            for same, fewer in zip(chances, [0.0, *chances[:-1]], strict=True)
        ]
    return min(1.0, sum(chances[: number + 1]))


def expected_impossible(rates: Iterable[Rate], total: int) -> float:
    """Return how many of random values are impossible on average."""
    return sum(1 - share(rate.decimals, total) for rate in rates)


def fitting(
    rates: Sequence[Rate], between: tuple[int, int] = SEARCHED, draws: int = 1, rule: Rule = "rounded"
) -> list[int]:
    """Return the numbers of queries, both ends included, of which every rate is possible."""
    low, high = between
    return [
        queries
        for queries in range(low, high + 1)
        if all(admits(rate, queries * draws, rule) for rate in rates)
    ]


def expected_fitting(rates: Sequence[Rate], between: tuple[int, int] = SEARCHED, draws: int = 1) -> float:
    """Return how many numbers of queries would fit random values in place of the distinct rates."""
    low, high = between
    counts: dict[int, int] = {}
    for rate in rates:
        counts[rate.decimals] = counts.get(rate.decimals, 0) + 1
    return sum(
        math.prod(share(decimals, queries * draws) ** count for decimals, count in counts.items())
        for queries in range(low, high + 1)
    )


def single_match_bounds(rates: Mapping[int, float]) -> tuple[float, float]:
    """Return between which values mAP lies if every query has one match.

    Average precision is then 1 / rank: a query that is found first between ranks a + 1 and b adds between
    1 / b and 1 / (a + 1). `rates` are the rank-k rates in percent by k. Means over draws keep the bounds.
    """
    ranks = sorted(rates)
    first, last = ranks[0], ranks[-1]
    low, high = rates[first] / first, rates[first]
    for before, after in pairwise(ranks):
        gained = rates[after] - rates[before]
        low, high = low + gained / after, high + gained / (before + 1)
    return low, high + (100 - rates[last]) / (last + 1)


@cache
def _printable(decimals: int) -> int:
    return int(100 * 10**decimals)
