"""Your own data: a CSV or Parquet table with the columns path, pid, camid (optional) and split."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vreid.datasets.numbering import first_rounded, same_number
from vreid.datasets.scan import NO_CAMERA, SPLITS, Record, Scan, Split, first_of
from vreid.params.dataset import DatasetSpec
from vreid.params.errors import UserError

REQUIRED = ("path", "pid", "split")
WHOLE_NUMBER = re.compile(r"[0-9]{1,18}(\.0+)?")
COLUMNS = ("path", "pid", "camid", "split")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: where it stands ("table.csv, line 7") and its texts."""

    where: str
    path: str
    pid: str
    camid: str | None
    split: str


def scan(root: Path, spec: DatasetSpec) -> Scan:
    """Read the table `spec.table` in the folder `root`.

    Paths are relative to that folder. Identities (and cameras) are whole numbers, or names: names are sorted
    and numbered from 0, and a remark says so. Mixing both is an error, because one mistyped number would
    otherwise renumber everybody. Without a column `camid` no camera is known.

    Raises:
        UserError: with the line number: a missing column or file, an invalid split, identity or camera.
    """
    file = root / str(spec.table)
    rows = read_table(file)
    if not rows:
        raise UserError(f"{file} has no line below its header.")
    _check_rows(rows, root)
    pids, identities = _numbers([row.pid for row in rows], rows, "pid")
    camids, cameras = _cameras(rows)
    records = [
        Record(row.path, pid, camid, cast(Split, row.split), where=row.where)
        for row, pid, camid in zip(rows, pids, camids, strict=True)
    ]
    kept, repeated = _without_repeated(records)
    result = Scan(kept, repeated=repeated, identities=identities, strict=True)
    for what, names in (("identities", identities), ("cameras", cameras)):
        if names:
            listed = first_of(f"{name!r} is {number}" for number, name in names.items())
            result.remarks.append(f"The {what} are names; sorted, they got the numbers from 0: {listed}.")
    if camids[0] == NO_CAMERA:
        result.remarks.append("The table has no column camid, or an empty one, so no camera is known.")
    return result


def read_table(file: Path) -> list[Row]:
    """Return the lines of a CSV (UTF-8, comma) or Parquet table (suffix .parquet).

    Raises:
        UserError: the file is missing, cannot be read, or lacks a column.
    """
    try:
        if file.suffix.lower() == ".parquet":
            header, lines = _parquet_lines(file)
        else:
            header, lines = _csv_lines(file)
    except FileNotFoundError:
        raise UserError(
            f"{file} is missing; it should be a table with the columns {', '.join(COLUMNS)}."
        ) from None
    except (OSError, UnicodeDecodeError, csv.Error, pa.ArrowException) as error:
        raise UserError(f"{file} cannot be read as a table: {error}.") from None
    _check_header(file, header)
    place = {name: header.index(name) for name in COLUMNS if name in header}
    return [_row(where, values, place, header) for where, values in lines]


def has_cameras(file: Path) -> bool:
    """Return whether the table has a column `camid` with something in it.

    Raises:
        UserError: as `read_table`.
    """
    return any(row.camid for row in read_table(file))


def _csv_lines(file: Path) -> tuple[list[str], Iterator[tuple[str, list[str]]]]:
    reader = csv.reader(io.StringIO(file.read_text(encoding="utf-8-sig"), newline=""), strict=True)
    header = [name.strip() for name in next(reader, [])]

    def lines() -> Iterator[tuple[str, list[str]]]:
        try:
            for values in reader:
                if any(value.strip() for value in values):
                    yield f"{file.name}, line {reader.line_num}", [value.strip() for value in values]
        except csv.Error as error:
            raise UserError(f"{file}, line {reader.line_num}: this is no valid CSV: {error}.") from None

    return header, lines()


def _parquet_lines(file: Path) -> tuple[list[str], Iterator[tuple[str, list[str]]]]:
    table = pq.read_table(file)
    header = list(table.column_names)
    for name in {"pid", "camid"} & set(header):
        _check_floats(file, name, table[name])

    def lines() -> Iterator[tuple[str, list[str]]]:
        for number, values in enumerate(table.to_pylist(), start=1):
            texts = ["" if value is None else str(value).strip() for value in values.values()]
            yield f"{file.name}, row {number}", texts

    return header, lines()


def _check_floats(file: Path, name: str, column: pa.ChunkedArray) -> None:
    """Refuse labels that were rounded when they became floats."""
    if not pa.types.is_floating(column.type):
        return
    values = column.to_numpy()
    limit = first_rounded(values.dtype)
    large = np.flatnonzero(np.abs(values) >= limit)
    if large.size:
        raise UserError(
            f"{file.name}, row {large[0] + 1}: the {name} {values[large[0]]:.0f} is a {values.dtype}, in "
            f"which neighbouring whole numbers from {limit:.0f} on are one; write labels as integers or text."
        )


def _check_header(file: Path, header: list[str]) -> None:
    missing = [name for name in REQUIRED if name not in header]
    if missing and len(header) == 1 and ";" in header[0]:
        raise UserError(
            f"{file}, line 1: the columns are separated by semicolons; save the table with commas."
        )
    if missing:
        near = get_close_matches(
            missing[0], [name for name in header if name not in COLUMNS], n=1, cutoff=0.4
        )
        hint = (
            f"; is `{near[0]}` meant?" if near else f"; it has {', '.join(f'`{name}`' for name in header)}."
        )
        raise UserError(f"{file}, line 1: the column `{missing[0]}` is missing{hint}")
    for name in COLUMNS:
        if header.count(name) > 1:
            raise UserError(f"{file}, line 1: the column `{name}` stands there twice.")


def _row(where: str, values: list[str], place: dict[str, int], header: list[str]) -> Row:
    if len(values) != len(header):
        raise UserError(
            f"{where}: {len(values)} values for {len(header)} columns; a comma inside a path needs "
            "quotation marks."
        )
    camid = values[place["camid"]] if "camid" in place else None
    return Row(where, values[place["path"]], values[place["pid"]], camid, values[place["split"]])


def _check_rows(rows: list[Row], root: Path) -> None:
    _stop("the split is not one of train, query, gallery", rows, "split", lambda row: row.split not in SPLITS)
    _stop("the path is empty", rows, "path", lambda row: not row.path)
    _stop(
        f"there is no such file (paths are relative to {root})",
        rows,
        "path",
        lambda row: not _is_file(root / row.path),
    )


def _stop(problem: str, rows: list[Row], column: str, is_bad: Callable[[Row], bool]) -> None:
    bad = [f"{row.where} ({getattr(row, column)!r})" for row in rows if is_bad(row)]
    if bad:
        raise UserError(f"{first_of(bad)}: {problem}.")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _cameras(rows: list[Row]) -> tuple[list[int], dict[int, str]]:
    if not any(row.camid for row in rows):
        return [NO_CAMERA] * len(rows), {}
    return _numbers([row.camid or "" for row in rows], rows, "camid")


def _numbers(texts: list[str], rows: list[Row], column: str) -> tuple[list[int], dict[int, str]]:
    """Return the numbers that `texts` are; or number the sorted names, and return the names by number."""
    _stop(f"the column {column} is empty", rows, column, lambda row: not getattr(row, column))
    whole = [WHOLE_NUMBER.fullmatch(text) is not None for text in texts]
    merged = same_number(texts) if all(whole) else None
    if merged is not None:
        first, other = (rows[texts.index(text)] for text in merged)
        raise UserError(
            f"{other.where}: the {column} {merged[1]!r} is the number {merged[0]!r} of {first.where} in "
            "another form; write every label in one form."
        )
    if all(whole):
        return [int(text.split(".")[0]) for text in texts], {}
    if any(whole):
        bad = [
            f"{row.where} ({text!r})" for row, text, good in zip(rows, texts, whole, strict=True) if not good
        ]
        raise UserError(
            f"{first_of(bad)}: the {column} is no whole number from 0 on, while {sum(whole)} other "
            "lines have one. Names are welcome too, but then in all lines."
        )
    names = {name: number for number, name in enumerate(sorted(set(texts)))}
    return [names[text] for text in texts], {number: name for name, number in names.items()}


def _without_repeated(records: list[Record]) -> tuple[list[Record], list[str]]:
    """Drop lines that repeat an earlier one; refuse those that contradict it."""
    first: dict[tuple[str, Split], Record] = {}
    owners: dict[str, Record] = {}
    repeated = []
    for record in records:
        owner = owners.setdefault(record.path, record)
        if owner.pid != record.pid:
            raise UserError(
                f"{record.where}: {record.path} has another identity here than in {owner.where}; one of "
                "them is wrong."
            )
        if first.setdefault((record.path, record.split), record) is not record:
            repeated.append(f"{record.where} ({record.path})")
    return list(first.values()), repeated
