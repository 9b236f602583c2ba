"""What a paper's file may say of its claims, its contradictions and the points that it leaves open."""

from typing import Any

from pydantic import Field, field_validator, model_validator

from vreid.params import metrics
from vreid.params.strict import Strict

IDENTIFIER = r"^[a-z0-9][a-z0-9-]*$"


class Side(Strict):
    """One of the two things that a claim compares: the results of an experiment.

    `run` names the experiment, `variant`, `dataset`, `protocol` and `test` are those of a table's column.
    With `minus`, what counts is this side's score less the other's, query by query.
    """

    run: str
    variant: str | None = None
    dataset: str | None = None
    protocol: str | None = None
    test: dict[str, Any] = {}
    minus: "Side | None" = None

    @field_validator("minus", mode="before")
    @classmethod
    def _a_name_is_an_experiment(cls, minus: Any) -> Any:
        return _side(minus)


class Pair(Strict):
    """One comparison; `paper` is the paper's difference in percentage points, null where it prints none."""

    better: Side
    worse: Side
    paper: float | None = None

    @field_validator("better", "worse", mode="before")
    @classmethod
    def _a_name_is_an_experiment(cls, side: Any) -> Any:
        return _side(side)

    @field_validator("paper", mode="before")
    @classmethod
    def _a_whole_number_is_a_number(cls, value: Any) -> Any:
        return float(value) if type(value) is int else value


class Claim(Strict):
    """A sentence of the paper that comparisons of runs can support or refute.

    Either one pair (`better`, `worse`, `paper`), or `pairs` that must all hold, or `best`, which must be
    ahead of every one of `among`. `metric` is that of all of them. `remarks` are the ids of inconsistencies
    that a reader of the claim has to know.
    """

    id: str = Field(pattern=IDENTIFIER)
    says: str = Field(min_length=1)
    where: str = Field(min_length=1)
    metric: str
    better: Side | None = None
    worse: Side | None = None
    paper: float | None = None
    pairs: tuple[Pair, ...] = ()
    best: Side | None = None
    among: tuple[Side, ...] = ()
    remarks: tuple[str, ...] = ()

    @field_validator("better", "worse", "best", mode="before")
    @classmethod
    def _a_name_is_an_experiment(cls, side: Any) -> Any:
        return _side(side)

    @field_validator("among", mode="before")
    @classmethod
    def _names_are_experiments(cls, among: Any) -> Any:
        return tuple(_side(side) for side in among) if isinstance(among, tuple) else among

    @field_validator("paper", mode="before")
    @classmethod
    def _a_whole_number_is_a_number(cls, value: Any) -> Any:
        return float(value) if type(value) is int else value

    @field_validator("metric")
    @classmethod
    def _a_query_has_it(cls, metric: str) -> str:
        return metrics.checked(metric, metrics.PER_QUERY)

    @model_validator(mode="after")
    def _one_form(self) -> "Claim":
        forms = [
            self.better is not None and self.worse is not None,
            bool(self.pairs),
            self.best is not None and bool(self.among),
        ]
        if sum(forms) != 1:
            raise ValueError(
                f"the claim {self.id!r} needs one of: `better` and `worse`, `pairs`, or `best` and `among`"
            )
        return self

    @property
    def kind(self) -> str:
        """`best` for an experiment ahead of several others, else `pairs`."""
        return "best" if self.best is not None else "pairs"

    def all_pairs(self) -> tuple[Pair, ...]:
        """Return the comparisons that the claim consists of."""
        if self.better is not None and self.worse is not None:
            return (Pair(better=self.better, worse=self.worse, paper=self.paper),)
        if self.best is not None:
            return tuple(Pair(better=self.best, worse=other) for other in self.among)
        return self.pairs


class Inconsistency(Strict):
    """A place where the paper contradicts itself.

    `check` is arithmetic over numbers and table cells (`vreid.params.arithmetic`), `holds` what it must come
    out as; without a check the contradiction is not one of numbers.
    """

    id: str = Field(pattern=IDENTIFIER)
    where: str = Field(min_length=1)
    says: str = Field(min_length=1)
    check: str | None = None
    holds: bool | None = None

    @model_validator(mode="after")
    def _a_check_has_an_outcome(self) -> "Inconsistency":
        if (self.check is None) != (self.holds is None):
            raise ValueError(f"the inconsistency {self.id!r} needs both `check` and `holds`, or neither")
        return self


class Reading(Strict):
    """A value of `defaults` that the paper prints otherwise (`printed`), or not at all (null), and why."""

    printed: Any
    because: str = Field(min_length=1)
    where: str | None = None


class Decision(Strict):
    """A point that the paper leaves open and that is no single key: what was decided, and why.

    `alternatives` names experiments that take it the other way.
    """

    id: str = Field(pattern=IDENTIFIER)
    where: str = Field(min_length=1)
    open: str = Field(min_length=1)
    taken: str = Field(min_length=1)
    because: str = Field(min_length=1)
    alternatives: tuple[str, ...] = ()


def _side(side: Any) -> Any:
    return {"run": side} if isinstance(side, str) else side
