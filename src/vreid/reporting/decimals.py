"""Counts the queries of real datasets, against which the decimals of a paper's rates are tried as well."""

from pathlib import Path

from vreid.datasets.index import read_index
from vreid.datasets.report import valid_queries
from vreid.datasets.split import Labels
from vreid.params.plan import DecimalsPlan, RatesPlan
from vreid.params.planning.decimals import Candidate, tried


def with_counted(plan: DecimalsPlan, root: Path) -> DecimalsPlan:
    """Put the number of queries with a match, where the real data is there, before the published numbers."""
    return plan.model_copy(update={"rates": tuple(_with_counted(group, root) for group in plan.rates)})


def _with_counted(group: RatesPlan, root: Path) -> RatesPlan:
    if group.counted is None:
        return group
    labels = Labels.of(read_index(root / group.counted.index, ["pid", "camid", "split", "lists"]))
    number = valid_queries(group.counted.protocol, labels)
    found = tried(
        [rate.rate for rate in group.rates],
        Candidate(f"queries with a match, counted in this copy ({group.protocol})", number),
    )
    others = [one for one in group.tried if (one.queries, one.draws) != (number, 1)]
    return group.model_copy(update={"tried": (found, *others)})
