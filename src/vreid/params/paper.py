"""What params/papers/<paper>.yaml may say: the printed recipe, the experiments, the tables row by row."""

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from vreid.params import metrics
from vreid.params.claims import Claim, Decision, Inconsistency, Reading, Side
from vreid.params.figures import FigureSpec, Method, OfMethods, OfOneRun, Sweep
from vreid.params.grim import Rate
from vreid.params.numbers import Count, Printed
from vreid.params.read import suggest
from vreid.params.strict import Strict

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
RANK = re.compile(r"R\d+")
"""Metrics that are rates over the queries."""


class Reference(Strict):
    """Where the paper stands in the literature."""

    title: str
    authors: tuple[str, ...]
    year: int
    journal: str
    doi: str | None = None

    def citation(self) -> str:
        """Return one line: first author, title, journal, year, DOI."""
        first = self.authors[0] + (" et al." if len(self.authors) > 1 else "")
        doi = f", doi:{self.doi}" if self.doi else ""
        return f"{first}: {self.title}. {self.journal}, {self.year}{doi}"


class Column(Strict):
    """One numeric column of a table: a metric of a dataset under a protocol.

    What stands in the cell is trained as the row's experiment says, changed by the paper's `variant` of that
    name, on `dataset` where that is given, and tested under `protocol` (default: the table's, else the
    dataset's first), with the changes that `test` makes to how it is tested.
    """

    metric: str
    label: str | None = None
    variant: str | None = None
    dataset: str | None = None
    protocol: str | None = None
    test: dict[str, Any] = {}

    @field_validator("metric")
    @classmethod
    def _somebody_computes_it(cls, metric: str) -> str:
        return metrics.checked(metric)


class Row(Strict):
    """One line of a table: `run` names the experiment that makes it ours, `cited` the source of theirs.

    With both, the paper cites a value of a method that is trained here all the same.
    `paper` holds the printed values in the order of the columns, null where the paper prints none; zeros at
    their end count, because they tell how many decimals are printed.
    """

    label: str
    paper: tuple[Printed | None, ...]
    run: str | None = None
    cited: str | None = None
    text: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _ours_or_theirs(self) -> "Row":
        if self.run is None and self.cited is None:
            raise ValueError(f"the row {self.label!r} needs `run` (an experiment) or `cited` (a source)")
        return self


class Table(Strict):
    """One table of the paper, in the paper's own order of rows and columns.

    `number` is how the paper numbers it, if not by the digits of its key. `decimals` is how many decimals
    all of its values have where the paper drops zeros at their end.
    """

    caption: str
    number: str | None = None
    columns: tuple[Column, ...] = Field(min_length=1)
    rows: tuple[Row, ...] = Field(min_length=1)
    text_columns: tuple[str, ...] = ()
    protocol: str | None = None
    decimals: int = Field(default=0, ge=0)

    @field_validator("columns", mode="before")
    @classmethod
    def _a_name_is_a_column(cls, columns: Any) -> Any:
        if not isinstance(columns, tuple):
            return columns
        return tuple({"metric": c} if isinstance(c, str) else c for c in columns)

    @model_validator(mode="after")
    def _rows_fit_the_columns(self) -> "Table":
        for number, row in enumerate(self.rows, start=1):
            if len(row.paper) != len(self.columns):
                raise ValueError(
                    f"row {number} ({row.label!r}) prints {len(row.paper)} values for "
                    f"{len(self.columns)} columns"
                )
            if len(row.text) != len(self.text_columns):
                raise ValueError(
                    f"row {number} ({row.label!r}) has {len(row.text)} texts for "
                    f"{len(self.text_columns)} text columns"
                )
            for column, value in zip(self.columns, row.paper, strict=True):
                if value is not None and column.metric != metrics.TRAINING_TIME:
                    try:
                        Rate.of(value.text)
                    except ValueError as error:
                        name = column.label or column.metric
                        raise ValueError(f"row {number} ({row.label!r}), {name}: {error}") from None
        return self

    def rate(self, row: int, column: int) -> Rate | None:
        """Return the rank-k rate that a cell prints, row and column from 0; None of any other metric."""
        value = self.rows[row].paper[column]
        if value is None or not RANK.fullmatch(self.columns[column].metric):
            return None
        return Rate.of(value.text, self.decimals)


class QuerySet(Strict):
    """Queries of which the paper's rates may be, beside those of the dataset's protocols.

    `list` is the test list that they stand for, if the dataset has several; `says` tells which they are.
    """

    dataset: str
    list: str | None = None
    queries: Count
    says: str = Field(min_length=1)


class Paper(Strict):
    """One paper.

    `main` is the experiment that the paper proposes. `defaults` is the recipe as printed (the keys of
    `vreid.params.run.TrainConfig` that a paper decides, and `test`); each experiment lists what differs
    from it, as dotted keys, and each variant what a column changes on top. `readings` tells which of the
    defaults the paper does not print so, `decisions` what else it leaves open. `query_sets` are tried against
    the decimals of its rates (`vreid.params.grim`).
    """

    paper: Reference
    main: str
    defaults: dict[str, Any]
    readings: dict[str, Reading] = {}
    decisions: tuple[Decision, ...] = ()
    variants: dict[Name, dict[str, Any]] = {}
    experiments: dict[Name, dict[str, Any] | None]
    tables: dict[Annotated[str, Field(pattern=r"^table[0-9]+[a-z]?$")], Table]
    figures: dict[Annotated[str, Field(pattern=r"^figure[0-9]+[a-z]?$")], FigureSpec] = {}
    claims: tuple[Claim, ...] = ()
    inconsistencies: tuple[Inconsistency, ...] = ()
    query_sets: tuple[QuerySet, ...] = ()

    @model_validator(mode="after")
    def _names_exist(self) -> "Paper":
        for where, experiment in self._experiments_named():
            if experiment not in self.experiments:
                near = suggest(experiment, list(self.experiments))
                raise ValueError(f"{where}: no experiment is named {experiment!r}{near}")
        for where, variant in self._variants_named():
            if variant not in self.variants:
                near = suggest(variant, list(self.variants))
                raise ValueError(f"{where}: no variant is named {variant!r}{near}")
        for kind, entries in (
            ("claims", self.claims),
            ("inconsistencies", self.inconsistencies),
            ("decisions", self.decisions),
        ):
            ids = [entry.id for entry in entries]
            if twice := sorted({name for name in ids if ids.count(name) > 1}):
                raise ValueError(f"{kind}: {', '.join(twice)} stands there more than once")
        found = [entry.id for entry in self.inconsistencies]
        for claim in self.claims:
            for remark in claim.remarks:
                if remark not in found:
                    raise ValueError(
                        f"claims, {claim.id}: no inconsistency is called {remark!r}{suggest(remark, found)}"
                    )
        return self

    def _experiments_named(self) -> Iterator[tuple[str, str]]:
        yield "main", self.main
        for name, table in self.tables.items():
            for row in table.rows:
                if row.run is not None:
                    yield f"tables.{name}, row {row.label!r}", row.run
        for where, side in self._sides():
            yield where, side.run
        for decision in self.decisions:
            for alternative in decision.alternatives:
                yield f"decisions, {decision.id}", alternative
        for name, figure in self.figures.items():
            if isinstance(figure, Sweep):
                for point in (*figure.points, *figure.equals):
                    yield f"figures.{name}", point.run

    def _variants_named(self) -> Iterator[tuple[str, str]]:
        for name, table in self.tables.items():
            for column in table.columns:
                if column.variant is not None:
                    yield f"tables.{name}, column {column.label or column.metric!r}", column.variant
        for where, side in self._sides():
            if side.variant is not None:
                yield where, side.variant
        for name, figure in self.figures.items():
            if isinstance(figure, Sweep) and figure.variant is not None:
                yield f"figures.{name}", figure.variant

    def _sides(self) -> Iterator[tuple[str, Side | Method | OfOneRun]]:
        """Yield what claims and figures compare, with the place where it stands."""
        for claim in self.claims:
            for pair in claim.all_pairs():
                for side in (pair.better, pair.worse):
                    yield f"claims, {claim.id}", side
                    if side.minus is not None:
                        yield f"claims, {claim.id}", side.minus
        for name, figure in self.figures.items():
            if isinstance(figure, OfMethods):
                for method in figure.methods:
                    yield f"figures.{name}, {method.label!r}", method
            elif isinstance(figure, OfOneRun):
                yield f"figures.{name}", figure
