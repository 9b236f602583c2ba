"""What the paper's own tables call the experiments that a claim compares."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vreid.params.claims import Claim, Side
from vreid.params.paper import Row, Table

NUMBER = r"(?:[0-9]+|[IVXLC]+)\b"
TABLES = re.compile(rf"\bTab(?:le|les|\.) ({NUMBER}(?:(?:, | and ){NUMBER})*)", re.IGNORECASE)
"""Tables in the words of a paper: `Tab. 3, 4 and 6`, `table II`."""

NO_TEXT = "--"


@dataclass(frozen=True)
class Rows:
    """The rows that are a claim's experiments: the name of each, by the experiment.

    `table` is the one of all names, where the claim's place does not name it; else None.
    """

    names: Mapping[str, str]
    table: str | None


def table_title(key: str, table: Table) -> str:
    """Return what the paper calls a table."""
    return f"Table {_number(key, table)}"


def rows_of(claim: Claim, tables: Mapping[str, Table]) -> Rows:
    """Return the label of a row for each of a claim's experiments; those without a row are left out.

    An experiment may have rows in several tables. What counts is a table that the claim's place names, then
    the one that has most of its experiments. Rows of one label are told apart by their texts, by the table,
    or at last by the experiment.
    """
    runs = dict.fromkeys(_runs(claim))
    said = {number for found in TABLES.findall(claim.where) for number in re.findall(NUMBER, found)}
    named = {key: _number(key, table) in said for key, table in tables.items()}
    has = {key: [run for run in runs if _row(table, run)] for key, table in tables.items()}
    home: dict[str, str] = {}
    for key in sorted(has, key=lambda key: (not named[key], -len(has[key]))):
        home |= {run: key for run in has[key] if run not in home}
    names = {run: _name(tables[key], run) for run, key in home.items()}
    unnamed = {key for key in home.values() if not named[key]}
    if len(unnamed) == 1 and len(set(home.values())) == 1:
        [key] = unnamed
        return Rows(names, table_title(key, tables[key]))
    for run, key in home.items():
        if not named[key]:
            names[run] += f" of {table_title(key, tables[key])}"
    count = Counter(names.values())
    return Rows({run: name if count[name] == 1 else f"{name} [{run}]" for run, name in names.items()}, None)


def _runs(claim: Claim) -> Iterator[str]:
    for pair in claim.all_pairs():
        for side in (pair.better, pair.worse):
            part: Side | None = side
            while part is not None:
                yield part.run
                part = part.minus


def _number(key: str, table: Table) -> str:
    return table.number or key.removeprefix("table")


def _row(table: Table, run: str) -> Row | None:
    return next((row for row in table.rows if row.run == run), None)


def _name(table: Table, run: str) -> str:
    """Return the label of an experiment's row, with those texts that other rows of the label have not."""
    own = next(row for row in table.rows if row.run == run)
    others = [row for row in table.rows if row.label == own.label and row.run != run]
    texts = [
        f"{head} {text or NO_TEXT}"
        for index, (head, text) in enumerate(zip(table.text_columns, own.text, strict=True))
        if any(other.text[index] != text for other in others)
    ]
    alike = any(other.text == own.text for other in others)
    return ", ".join([own.label, *texts]) + (f" [{run}]" if alike else "")
