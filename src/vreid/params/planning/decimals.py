"""Plans what the decimals of a paper's rates are tried against, and tries it (`vreid.params.grim`)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from vreid.params import grim
from vreid.params.dataset import DatasetSpec, Published
from vreid.params.grim import Rate
from vreid.params.plan import CountedPlan, RatePlan, RatesPlan, RestPlan, SearchPlan, TriedPlan

LEVEL = 0.01
"""Odds from which on a fit speaks for a number of queries, divided by how many numbers are tried."""

NAMED = 12
"""Numbers of queries that are named where more fit."""

SEARCHABLE = 1.0
"""How many numbers chance alone may let fit: where it is more, a search tells nothing and is left out."""


@dataclass(frozen=True)
class Candidate:
    """Queries of which rates may be: how many, over how many draws, and in words which."""

    says: str
    queries: int
    draws: int = 1
    inferred: bool = False


def candidates(spec: DatasetSpec, test_list: str | None) -> Iterator[Candidate]:
    """Yield the numbers of queries that a dataset's published counts give under each of its protocols."""
    one_list = [found for counts in spec.counts if (found := counts.lists.get(test_list or ""))]
    images, identities = _first(one_list, "images"), _first(one_list, "identities")
    query = _first([counts.query for counts in spec.counts], "images")
    gallery = _first([counts.gallery for counts in spec.counts], "images")
    for protocol in spec.protocols:
        if protocol.list != test_list:
            continue
        if protocol.form == "given":
            if query:
                yield Candidate(f"every query image ({protocol.name})", query)
            for counts in spec.counts:
                if counts.valid_queries:
                    says = f"query images with a match left ({protocol.name}; {counts.source})"
                    yield Candidate(says, counts.valid_queries, inferred=counts.inferred)
            if gallery:
                yield Candidate("roles swapped: every gallery image asks", gallery)
        elif protocol.form == "all_vs_all":
            if whole := images or (gallery or 0) + (query or 0):
                yield Candidate(f"every test image ({protocol.name})", whole)
        elif identities and images:
            gallery_one = protocol.form == "gallery_one"
            queries = images - identities if gallery_one else identities
            says = (
                "all but one image of each vehicle ask" if gallery_one else "one image of each vehicle asks"
            )
            yield Candidate(f"{says}, one draw ({protocol.name})", queries)
            if protocol.trials > 1:
                yield Candidate(f"the same, mean of {protocol.trials} draws", queries, protocol.trials)


def tried(rates: Iterable[Rate], candidate: Candidate) -> TriedPlan:
    """Return how the distinct values of some rates come off against a number of queries."""
    values = grim.distinct(rates)
    total = candidate.queries * candidate.draws
    wrong = grim.impossible(values, total)
    return TriedPlan(
        says=candidate.says,
        queries=candidate.queries,
        draws=candidate.draws,
        telling=sum(grim.share(value.decimals, total) < 1 for value in values),
        impossible=tuple(str(value) for value in wrong),
        cut_off=len(grim.impossible(values, total, "cut off")),
        odds=grim.as_few(values, total, len(wrong)),
        expected=grim.expected_impossible(values, total),
        inferred=candidate.inferred,
    )


def speaks_for(one: TriedPlan, number: int) -> bool:
    """Tell whether so few impossible values are no chance, one of `number` having been tried."""
    return one.telling > 0 and not one.inferred and one.odds <= LEVEL / number


def rates_plan(
    rates: Sequence[RatePlan],
    among: Iterable[Candidate],
    *,
    dataset: str,
    protocol: str,
    kind: Literal["own", "quoted"],
    counted: CountedPlan | None = None,
) -> RatesPlan:
    """Try rates of one set of queries against each candidate, and look for numbers that fit all of them.

    Rates that the paper quotes are of several sources, so no one number is looked for. Where rates with some
    impossible values speak for a number all the same, the rows without such values are searched alone.
    """
    known: dict[tuple[int, int], Candidate] = {}
    for one in among:
        known.setdefault((one.queries, one.draws), one)
    values = [rate.rate for rate in rates]
    found = tuple(tried(values, one) for one in known.values())
    own = kind == "own" and any(one.telling for one in found)
    return RatesPlan(
        dataset=dataset,
        protocol=protocol,
        kind=kind,
        rates=tuple(rates),
        tried=found,
        search=_told(searched(values)) if own else None,
        rest=_rest(rates, found) if own else None,
        counted=counted,
    )


def searched(rates: Iterable[Rate], between: tuple[int, int] = grim.SEARCHED, draws: int = 1) -> SearchPlan:
    """Return which numbers of queries fit all distinct values, and how many chance alone lets fit."""
    values = grim.distinct(rates)
    by_chance = grim.expected_fitting(values, between, draws)
    found = grim.fitting(values, between, draws)
    return SearchPlan(
        between=between,
        values=len(values),
        number=len(found),
        fitting=tuple(found[:NAMED]),
        by_chance=by_chance,
    )


def bounds(row: str, rates: Mapping[int, Rate], mean_ap: Rate) -> str | None:
    """Say why a row's mAP cannot be that of queries with one match each; None if it can.

    `rates` are its rank-k rates by k. Values are taken to be off by half of their last decimal.
    """
    exact = {rank: rate.units / 10**rate.decimals for rank, rate in rates.items()}
    if min(exact) != 1 or len(exact) < 2:
        return None
    value = mean_ap.units / 10**mean_ap.decimals
    slack = (len(exact) + 1) * 0.5 / 10 ** min(one.decimals for one in (mean_ap, *rates.values()))
    low, high = grim.single_match_bounds(exact)
    if low - slack <= value <= high + slack:
        return None
    return (
        f"{row}: with one match for each query, Rank-k as printed puts mAP between {low:.2f} and {high:.2f}; "
        f"it is {mean_ap}"
    )


def difference(printed: float, better: Sequence[Rate], worse: Sequence[Rate]) -> str:
    """Compare a printed difference with those of two printed values: `equal`, `within rounding`, `unlike`.

    Each side may be printed in several tables. Three values, each off by half of a last decimal, let the
    printed difference be off by less than two of them.
    """
    gaps = {
        _value(one) - _value(other): max(one.decimals, other.decimals) for one in better for other in worse
    }
    said = Fraction(repr(float(printed)))
    if said in gaps:
        return "equal"
    near = any(abs(said - gap) < Fraction(2, 10**decimals) for gap, decimals in gaps.items())
    return "within rounding" if near else "unlike"


def _rest(rates: Sequence[RatePlan], found: Sequence[TriedPlan]) -> RestPlan | None:
    telling = [one for one in found if one.telling]
    best = min(telling, key=lambda one: one.odds, default=None)
    if best is None or not best.impossible or not speaks_for(best, len(telling)):
        return None
    total = best.queries * best.draws
    rows = dict.fromkeys((rate.row, rate.table) for rate in rates)
    wrong = {(rate.row, rate.table) for rate in rates if not grim.admits(rate.rate, total)}
    search = _told(searched(rate.rate for rate in rates if (rate.row, rate.table) not in wrong))
    if search is None:
        return None
    without = tuple(f"{row} of {table}" for row, table in rows if (row, table) in wrong)
    return RestPlan(queries=best.queries, without=without, search=search)


def _told(search: SearchPlan) -> SearchPlan | None:
    """Return a search, None if it tells nothing, or is of no values."""
    return search if search.values and search.by_chance <= SEARCHABLE else None


def _first(parts: Iterable[Published | None], what: str) -> int | None:
    return next((value for part in parts if part is not None and (value := getattr(part, what))), None)


def _value(rate: Rate) -> Fraction:
    return Fraction(rate.units, 10**rate.decimals)
