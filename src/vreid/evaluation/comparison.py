"""Reads per-query results of several runs as aligned arrays, for intervals and paired comparisons."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vreid.evaluation.arrays import Array
from vreid.evaluation.bootstrap import Interval, difference_interval, mean_interval
from vreid.evaluation.metrics import Doubles, PerQuery
from vreid.evaluation.tables import read_columns
from vreid.params.errors import UserError

COLUMNS = (
    "protocol",
    "trial",
    "query_row",
    "pid",
    "AP",
    "AP_trapezoid",
    "INP",
    "first_match_rank",
    "matches",
)


@dataclass(frozen=True)
class Scores:
    """One metric of one method: `values` (S, Q) by seed and query, NaN where a query has no match.

    `queries` (Q, 2) are the trial and the row of each query, `ids` (Q,) its vehicle.
    """

    values: Doubles
    queries: Array
    ids: Array

    def interval(self, level: float = 0.95) -> Interval:
        """Return the mean over queries, trials and seeds with its bootstrap interval."""
        return mean_interval(self.values, self.ids, level=level)

    def minus(self, other: "Scores", level: float = 0.95) -> Interval:
        """Return the paired difference of two methods with its bootstrap interval.

        Raises:
            UserError: the two were not evaluated on the same queries.
        """
        if not np.array_equal(self.queries, other.queries):
            raise UserError(
                "The two methods were evaluated on different queries or trials, so they cannot be paired"
            )
        return difference_interval(self.values, other.values, self.ids, level=level)


def read_scores(files: Sequence[Path], protocol: str, metric: str) -> Scores:
    """Read a metric of one method from the `per_query.parquet` of its seeds, one file each.

    Args:
        files: at least one.
        protocol: by name.
        metric: mAP, mAP_trapezoid, mINP, MRR or R<k>.

    Raises:
        UserError: a file is missing or damaged, does not hold the protocol, or has other queries
            than the first.
    """
    seeds = [_read(file, protocol) for file in files]
    queries, ids, _ = seeds[0]
    for file, (others, _, _) in zip(files, seeds, strict=True):
        if not np.array_equal(queries, others):
            raise UserError(
                f"{file} holds other queries of {protocol} than {files[0]}: they cannot be averaged"
            )
    return Scores(np.array([per_query.metric(metric) for _, _, per_query in seeds]), queries, ids)


def _read(file: Path, protocol: str) -> tuple[Array, Array, PerQuery]:
    table = read_columns(file, list(COLUMNS))
    mine = table["protocol"] == protocol
    if not mine.any():
        raise UserError(
            f"{file} holds no protocol {protocol!r}; it holds {', '.join(sorted(set(table['protocol'])))}"
        )
    table = {name: column[mine] for name, column in table.items()}
    order = np.lexsort((table["query_row"], table["trial"]))
    table = {name: column[order] for name, column in table.items()}
    per_query = PerQuery(
        ap=table["AP"].astype(np.float64),
        ap_trapezoid=table["AP_trapezoid"].astype(np.float64),
        inp=table["INP"].astype(np.float64),
        first_match_rank=np.nan_to_num(table["first_match_rank"].astype(np.float64)).astype(np.int64),
        matches=table["matches"],
    )
    return np.stack([table["trial"], table["query_row"]], axis=1), table["pid"], per_query
