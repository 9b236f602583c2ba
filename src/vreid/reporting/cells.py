"""A cell of a table: the paper's value, ours over the seeds, how both are rounded and ranked."""

import json
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, PlainSerializer

from vreid.params.errors import UserError

Number = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
"""A decimal number that JSON shows as a number; tables reckon in decimals so that 0.05 is a tie."""

Status = Literal["run", "cited", "dataset absent", "not in this preset", "failed", "pending"]
Mark = Literal["best", "second", ""]

PRECISION = Decimal("1e-8")
"""Digits kept of a percentage: what binary arithmetic leaves below them must not decide a tie."""


class Record(BaseModel):
    """A record of the reports: read-only, read from JSON, passing over keys it has no use for."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Cell(Record):
    """One metric of one row.

    Attributes:
        paper: The value that the paper prints, in percent; None where it prints none.
        values: Ours in percent, one per evaluated seed, in the order of the plan's runs; training times as
            multiples of the mean of the table's first row of ours.
        status: `run` if anything was evaluated, else why nothing was.
        runs: Names of the runs that the plan binds to the cell.
        evaluations: The evaluation files that `values` were read from.
        reason: A sentence about what is missing, or None.
    """

    paper: Number | None
    values: tuple[Number, ...] = ()
    status: Status
    runs: tuple[str, ...] = ()
    evaluations: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def mean(self) -> Decimal | None:
        """The mean over the seeds."""
        return _rounded(_mean(self.values), PRECISION) if self.values else None

    @property
    def sd(self) -> Decimal | None:
        """The sample standard deviation over the seeds (n - 1), None below two seeds."""
        if len(self.values) < 2:
            return None
        mean = _mean(self.values)
        squares = [(value - mean) ** 2 for value in self.values]
        variance = sum(squares, Decimal(0)) / (len(squares) - 1)
        return _rounded(variance.sqrt(), PRECISION)


def decimals_of(values: Sequence[Decimal | None]) -> int:
    """Return how many decimals a column of the paper shows: the most that any value has, at least 1."""
    shown = [-int(value.normalize().as_tuple().exponent) for value in values if value is not None]
    return max([1, *shown])


def printed(value: Decimal, decimals: int) -> str:
    """Round half up (away from zero) to `decimals` places; zero carries no sign."""
    rounded = _rounded(value, Decimal(1).scaleb(-decimals))
    return str(abs(rounded) if rounded == 0 else rounded)


def percentage(fraction: float, decimals: int = 1) -> str:
    """Return a fraction in percent."""
    return printed(Decimal(repr(fraction)) * 100, decimals)


def difference(cell: Cell, decimals: int) -> str | None:
    """Return ours minus the paper's, with its sign; None if either is missing.

    It is the difference of the two numbers as they are printed, which a reader can check.
    """
    if cell.mean is None or cell.paper is None:
        return None
    gap = Decimal(printed(cell.mean, decimals)) - Decimal(printed(cell.paper, decimals))
    return f"{gap:+}" if gap else printed(gap, decimals)


def marks(values: Sequence[Decimal | None], decimals: int) -> list[Mark]:
    """Mark the best of a column, and the second best where at least three rows have a value.

    Values that print alike are tied and share their mark. A value that stands alone is not marked.
    """
    shown = [None if value is None else Decimal(printed(value, decimals)) for value in values]
    present = [value for value in shown if value is not None]
    order = sorted(set(present), reverse=True)
    named: dict[Decimal | None, Mark] = {}
    if len(present) > 1:
        named[order[0]] = "best"
    if len(present) > 2 and len(order) > 1:
        named[order[1]] = "second"
    return [named.get(value, "") for value in shown]


def read_protocol(path: Path, protocol: str) -> Mapping[str, Any]:
    """Return one protocol's results from an evaluation or a baselines file.

    Raises:
        UserError: If the file cannot be read as JSON or does not hold the protocol.
    """
    try:
        protocols = json.loads(path.read_text(encoding="utf-8"))["protocols"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} holds no results ({type(error).__name__}: {error}): delete it and run the pipeline again"
        ) from error
    if protocol not in protocols:
        raise UserError(
            f"{path} holds no protocol {protocol!r}, only {', '.join(sorted(protocols))}: "
            "a column of the table asks for something that was not evaluated"
        )
    found: Mapping[str, Any] = protocols[protocol]
    return found


def percent(results: Mapping[str, Any], metric: str, path: Path) -> Decimal:
    """Return a metric of one protocol's results in percent; `R5` is the CMC at rank 5.

    Raises:
        UserError: If the results, read from `path`, do not hold it as a fraction in [0, 1].
    """
    value = fraction(results, metric)
    if value is None or not 0 <= value <= 1:
        raise UserError(
            f"{path} holds no usable {metric} (found {value}): delete it and run the pipeline again"
        )
    return _rounded(Decimal(repr(value)) * 100, PRECISION)


def fraction(results: Mapping[str, Any], metric: str) -> float | None:
    """Return a metric as the fraction that the results hold, None if they hold none."""
    value = results.get(metric)
    if value is None and metric[0] == "R" and metric[1:].isdigit():
        cmc, rank = results.get("cmc", []), int(metric[1:])
        value = cmc[rank - 1] if 0 < rank <= len(cmc) else None
    return None if value is None else float(value)


def _mean(values: Sequence[Decimal]) -> Decimal:
    return sum(values, Decimal(0)) / len(values)


def _rounded(value: Decimal, unit: Decimal) -> Decimal:
    return value.quantize(unit, rounding=ROUND_HALF_UP)
