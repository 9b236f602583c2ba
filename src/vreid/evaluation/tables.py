"""Reads the index and the splits, and writes per-query results: the Parquet side of evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vreid.evaluation.arrays import Array, Ints
from vreid.evaluation.result import Result
from vreid.params.atomic import atomic_path
from vreid.params.errors import UserError


@dataclass(frozen=True)
class Draw:
    """One trial of a protocol: its number, and the index rows of query and gallery."""

    trial: int
    query: Ints
    gallery: Ints


def read_labels(index: Path) -> tuple[Ints, Ints]:
    """Return (pids, camids) of every row of an index, each (N,)."""
    table = read_columns(index, ["pid", "camid"])
    return table["pid"], table["camid"]


def read_draws(splits: Path, protocols: Sequence[str]) -> dict[str, list[Draw]]:
    """Return the trials of each protocol, in the order of their numbers.

    Raises:
        UserError: the file cannot be read, or one of `protocols` is not in it.
    """
    table = read_columns(splits, ["protocol", "trial", "role", "row"])
    found: dict[str, list[Draw]] = {}
    for name in protocols:
        mine = table["protocol"] == name
        if not mine.any():
            known = ", ".join(sorted(set(table["protocol"].tolist())))
            raise UserError(f"{splits} holds no protocol {name!r}; it holds {known}")
        trials, roles, rows = (table[column][mine] for column in ("trial", "role", "row"))
        found[name] = [
            Draw(
                int(trial),
                rows[(trials == trial) & (roles == "query")],
                rows[(trials == trial) & (roles == "gallery")],
            )
            for trial in np.unique(trials)
        ]
    return found


def protocol_names_in(splits: Path) -> list[str]:
    """Return the names of the protocols that `splits` holds, sorted."""
    return sorted(set(read_columns(splits, ["protocol"])["protocol"].tolist()))


def write_per_query(path: Path, results: Sequence[Result], rows: Ints | None = None) -> None:
    """Write one line per protocol, trial and query to a Parquet file, whole or not at all.

    Columns: protocol, trial, query_row, pid, AP, AP_trapezoid, INP, first_match_rank, matches.
        Queries without a match have 0 in `matches` and null in the four columns before.

    Args:
        path: the file.
        results: of each protocol.
        rows: what to call row n of the features in `query_row`; n if None.
    """
    import pyarrow as pa  # noqa: PLC0415 -- arrays are evaluated without it
    import pyarrow.parquet as pq  # noqa: PLC0415

    parts = []
    for result in results:
        for number, trial in enumerate(result.trials):
            one, none = trial.per_query, ~trial.per_query.valid
            columns = {
                "protocol": pa.array([result.protocol.name] * len(none)),
                "trial": pa.array(np.full(len(none), number, np.int32)),
                "query_row": pa.array(trial.rows if rows is None else rows[trial.rows]),
                "pid": pa.array(trial.ids),
                "AP": pa.array(one.ap, mask=none),
                "AP_trapezoid": pa.array(one.ap_trapezoid, mask=none),
                "INP": pa.array(one.inp, mask=none),
                "first_match_rank": pa.array(one.first_match_rank, mask=none),
                "matches": pa.array(one.matches),
            }
            parts.append(pa.table(columns))
    with atomic_path(path) as temporary:
        pq.write_table(pa.concat_tables(parts), temporary)


def read_columns(path: Path, names: list[str]) -> dict[str, Array]:
    """Return columns of a Parquet file as arrays.

    Raises:
        UserError: the file is missing or damaged, or lacks a column.
    """
    import pyarrow as pa  # noqa: PLC0415 -- arrays are evaluated without it
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with pq.ParquetFile(path) as file:
            present = file.schema_arrow.names
            missing = [name for name in names if name not in present]
            if missing:
                raise UserError(f"{path} has no column {missing[0]!r}; it has {', '.join(present)}")
            table = file.read(names)
    except FileNotFoundError:
        raise UserError(f"{path} is missing: run the pipeline to make it") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(
            f"{path} cannot be read as Parquet ({error}): delete it and run the pipeline again"
        ) from None
    return {name: table[name].to_numpy(zero_copy_only=False) for name in names}
