"""What the decimals of a paper's rates say, in sentences, the same in every form; plain text."""

from collections.abc import Iterator

from vreid.params.plan import DecimalsPlan, DifferencesPlan, RatesPlan, SearchPlan, TriedPlan
from vreid.params.planning.decimals import speaks_for

DECIMALS = "What the decimals say"

INTRODUCTION = (
    "A Rank-k rate over N queries is a multiple of 100 / N, so that the printed decimals tell which N are "
    "possible (the GRIM test). An impossible value accuses nobody: rates of other queries than those that "
    "are tried, a mean over several trainings or draws, and a slip of typing or printing all look the same. "
    "By chance: what values would do whose decimals have nothing to do with N; distinct values are taken to "
    "be independent. Nothing here depends on a run. docs/decimals.md explains it with an example."
)
NO_RATES = "No rates are on record."
TELLS_NOTHING = "no information: every value fits"

HEADS = ("Rates of", "Queries tried", "Impossible values", "By chance")

NAMED = 10
"""Values that are named where more cannot be."""


def rows(found: DecimalsPlan) -> list[tuple[str, ...]]:
    """Return a line for each number of queries that can tell something, in the columns of `HEADS`."""
    return [line for group in found.rates for line in _rows(group)]


def sentences(found: DecimalsPlan) -> list[str]:
    """Return what follows from the lines, and from what has no line."""
    said = [sentence for group in found.rates for sentence in _sentences(group)]
    if silent := [one for group in found.rates if (one := _silent(group))]:
        said.append(f"No information, because every value fits: {'; '.join(silent)}.")
    said += [f"{one}." for one in found.bounds]
    if found.differences.checked:
        said.append(_differences(found.differences))
    return said


def _rows(group: RatesPlan) -> Iterator[tuple[str, ...]]:
    about = f"{_name(group)}: {_count(group)}"
    for one in group.tried:
        if one.telling:
            yield about, f"{_queries(one)}: {one.says}", _impossible(one), _chance(one)
            about = ""


def _sentences(group: RatesPlan) -> Iterator[str]:
    name = _name(group)
    telling = [one for one in group.tried if one.telling]
    for one in telling:
        if speaks_for(one, len(telling)):
            but = f", but for {', '.join(one.impossible)}" if one.impossible else ""
            yield f"{name}: the decimals speak for {_queries(one)} queries{but}."
    if wrong := [_queries(one) for one in telling if one.impossible and not speaks_for(one, len(telling))]:
        yield f"{name}: not all of the values are rates of {' or of '.join(wrong)} queries."
    if group.search:
        yield f"{name}: {_search(group.search)}"
    if group.rest:
        without = "; ".join(group.rest.without)
        yield (
            f"{name}, without the rows that {group.rest.queries:,} queries cannot give ({without}): "
            f"{_search(group.rest.search)} Those rows are of other queries, or of another protocol."
        )


def _silent(group: RatesPlan) -> str:
    """Name the numbers of queries on which a group's values tell nothing."""
    silent = [_queries(one) for one in group.tried if not one.telling]
    return f"{_name(group)}, {', '.join(silent)} queries" if silent else ""


def _search(found: SearchPlan) -> str:
    low, high = (f"{end:,}" for end in found.between)
    more = ", …" if found.number > len(found.fitting) else ""
    fitting = ", ".join(f"{one:,}" for one in found.fitting) + more
    said = f"{found.number:,} ({fitting})" if found.number else "none"
    return (
        f"of the numbers from {low} to {high}, {said} can give all {found.values} values; by chance "
        f"{_number(found.by_chance)} would."
    )


def _name(group: RatesPlan) -> str:
    kind = "own rows" if group.kind == "own" else "rows that the paper quotes"
    where = (
        group.protocol if group.protocol.startswith(group.dataset) else f"{group.dataset} {group.protocol}"
    )
    return f"{where}, {kind}"


def _count(group: RatesPlan) -> str:
    tables = [table.removeprefix("Table ") for table in dict.fromkeys(rate.table for rate in group.rates)]
    number = len({rate.rate.units / 10**rate.decimals for rate in group.rates})
    values, where = ("" if count == 1 else "s" for count in (number, len(tables)))
    return f"{number} value{values} of Table{where} {', '.join(tables)}"


def _queries(one: TriedPlan) -> str:
    return f"{one.queries:,}" if one.draws == 1 else f"{one.draws} x {one.queries:,}"


def _impossible(one: TriedPlan) -> str:
    if not one.impossible:
        return f"none of {one.telling}"
    named = ", ".join(one.impossible[:NAMED]) + (", …" if len(one.impossible) > NAMED else "")
    cut = "" if one.cut_off >= len(one.impossible) else f"; {one.cut_off} if further digits are cut off"
    return f"{len(one.impossible)} of {one.telling}: {named}{cut}"


def _chance(one: TriedPlan) -> str:
    if one.inferred:
        return "told by these values: see the search below"
    return f"{one.expected:.1f}; as few in {_percent(one.odds)}"


def _differences(found: DifferencesPlan) -> str:
    said = (
        f"Of {found.checked} differences that the claims quote, {found.equal} are those of the tables' values"
    )
    others = [f"{one} (within rounding)" for one in found.within_rounding] + list(found.unlike)
    return f"{said}; not so {'; '.join(others)}." if others else f"{said}."


def _number(value: float) -> str:
    """Return a number with two digits that count, as a power of ten where it is small."""
    return (
        f"{value:,.0f}" if value >= 10 else f"{value:.2g}" if value >= 0.001 or value == 0 else f"{value:.0e}"
    )


def _percent(share: float) -> str:
    percent = 100 * share
    return "under 0.01 %" if percent < 0.01 else f"{percent:.0f} %" if percent >= 10 else f"{percent:.2g} %"


def tried_line(one: TriedPlan) -> str:
    """Return what cannot be of a number of queries that a reader tries, and what chance would do."""
    if not one.telling:
        return f"{_queries(one)} queries: {TELLS_NOTHING}"
    return (
        f"{_queries(one)} queries: impossible {_impossible(one)}. Of random values {one.expected:.1f} would "
        f"be, and no more than here in {_percent(one.odds)} of all cases."
    )


def search_line(found: SearchPlan) -> str:
    """Return what a search of a reader's own found."""
    said = _search(found)
    return said[0].upper() + said[1:]
