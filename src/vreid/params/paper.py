"""What params/papers/<paper>.yaml may say: the printed recipe, the experiments, the tables row by row."""

import re
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from vreid.params.read import suggest
from vreid.params.strict import Strict

METRICS = ("mAP", "mAP_trapezoid", "mINP", "MRR")
"""Metrics with a name of their own; `R1`, `R2`, … up to `R50` are the CMC at that rank."""

DEEPEST_RANK = 50


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


class Reading(Strict):
    """A value of `defaults` that the paper prints otherwise (`printed`), or not at all (null), and why."""

    printed: Any
    because: str = Field(min_length=1)


class Column(Strict):
    """One numeric column of a table: a metric of a dataset under a protocol.

    `dataset` defaults to the paper's, `protocol` to the table's or the dataset's first.
    """

    metric: str
    label: str | None = None
    dataset: str | None = None
    protocol: str | None = None

    @field_validator("metric")
    @classmethod
    def _somebody_computes_it(cls, metric: str) -> str:
        rank = re.fullmatch(r"R([1-9]\d*)", metric)
        if metric not in METRICS and not (rank and int(rank[1]) <= DEEPEST_RANK):
            near = suggest(metric, [*METRICS, "R1", "R5", "R10"])
            raise ValueError(f"the metric {metric!r} is computed by nobody{near}")
        return metric


class Row(Strict):
    """One line of a table: `run` names the experiment that makes it ours, `cited` the source of theirs.

    `paper` holds the printed values in the order of the columns, null where the paper prints none.
    """

    label: str
    paper: tuple[float | None, ...]
    run: str | None = None
    cited: str | None = None
    text: tuple[str, ...] = ()

    @field_validator("paper", mode="before")
    @classmethod
    def _whole_numbers_are_numbers(cls, values: Any) -> Any:
        return (
            tuple(float(v) if type(v) is int else v for v in values) if isinstance(values, tuple) else values
        )

    @model_validator(mode="after")
    def _ours_or_theirs(self) -> "Row":
        if (self.run is None) == (self.cited is None):
            raise ValueError(
                f"the row {self.label!r} needs either `run` (an experiment) or `cited` (a source)"
            )
        return self


class Table(Strict):
    """One table of the paper, in the paper's own order of rows and columns."""

    caption: str
    columns: tuple[Column, ...] = Field(min_length=1)
    rows: tuple[Row, ...] = Field(min_length=1)
    text_columns: tuple[str, ...] = ()
    protocol: str | None = None

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
        return self


class Paper(Strict):
    """One paper.

    `main` is the experiment that the paper proposes. `defaults` is the recipe as printed (the keys of
    `vreid.params.run.TrainConfig` that a paper decides, and `test`); each experiment lists what differs
    from it, as dotted keys. `readings` tells which of the defaults the paper does not print so.
    """

    paper: Reference
    main: str
    defaults: dict[str, Any]
    readings: dict[str, Reading] = {}
    experiments: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], dict[str, Any] | None]
    tables: dict[Annotated[str, Field(pattern=r"^table[0-9]+[a-z]?$")], Table]

    @model_validator(mode="after")
    def _rows_name_experiments(self) -> "Paper":
        if self.main not in self.experiments:
            near = suggest(self.main, list(self.experiments))
            raise ValueError(f"main: no experiment is named {self.main!r}{near}")
        for name, table in self.tables.items():
            for row in table.rows:
                if row.run is not None and row.run not in self.experiments:
                    near = suggest(row.run, list(self.experiments))
                    raise ValueError(
                        f"tables.{name}, row {row.label!r}: no experiment is named {row.run!r}{near}"
                    )
        return self
