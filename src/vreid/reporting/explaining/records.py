"""What `vreid explain` finds out, as records: every other form is written from them."""

from collections.abc import Iterator
from typing import Any, Literal

from vreid.reporting.cells import Cell, Number, Record
from vreid.reporting.missing import Absent
from vreid.reporting.records import Figure
from vreid.reporting.statements import Claim


class Check(Record):
    """Something that was checked on the way; `holds` is None where it cannot be told, and `says` why."""

    says: str
    holds: bool | None


class File(Record):
    """A file behind a number; `bytes` and `sha256` are None if it is not there."""

    path: str
    bytes: int | None
    sha256: str | None


class Data(Record):
    """What a run was trained on.

    `version` names everything that is derived from it and ends in its digest. The folders are those of the
    plan, None if the plan asks for another version. `train_images` of `classes` identities were trained on.
    """

    dataset: str
    source: str
    version: str
    images: str
    raw: str | None
    index: str | None
    splits: str | None
    pack: str | None
    train_images: int | None
    classes: int | None


class Tested(Record):
    """One way in which a run was tested, under one protocol.

    `queries` and `gallery` are means over the trials; `rules` are the protocol's. `values` are percentages.
    """

    evaluation: str
    protocol: str
    feature: str
    distance: str
    images: str | None
    trials: int | None
    queries: float | None
    gallery: float | None
    rules: dict[str, str]
    values: dict[str, Number]


class Tracked(Record):
    """Where MLflow has a run: the experiment is named after the paper."""

    uri: str
    experiment: str
    run_id: str
    status: str


class RunFacts(Record):
    """Everything that is recorded of one run, and whether it fits together.

    `experiments` are those that resolve to this very run. `recipe` lists what differs from the paper's
    recipe; None if it cannot be told. `seconds` are those of the clock.
    """

    run: str
    status: str | None
    error: str | None
    experiments: tuple[str, ...]
    seed: int | None
    config: dict[str, Any]
    recipe: tuple[str, ...] | None
    data: Data | None
    tested: tuple[Tested, ...]
    code: str | None
    git_commit: str | None
    environment: dict[str, str]
    device: str | None
    seconds: float | None
    cpu_seconds: float | None
    epochs: int | None
    attempts: int | None
    files: tuple[File, ...]
    tracked: Tracked | None
    checks: tuple[Check, ...]


class Made(Record):
    """What a report says about how it was made."""

    file: str
    title: str
    caption: str
    citation: str
    preset: str
    preset_label: str
    source: str
    seeds: tuple[int, ...]
    digest: str
    absent: tuple[Absent, ...] = ()


class ExplainedCell(Record):
    """A cell with where it stands; `difference` is that of the printed numbers."""

    paper: str
    table: str
    row: int
    label: str
    text: tuple[str, ...]
    column: str
    metric: str
    dataset: str
    protocol: str
    experiment: str | None
    cited_from: str | None
    cell: Cell
    mean: Number | None
    sd: Number | None
    difference: str | None


class ShownFigure(Figure):
    """A figure with the runs behind it, by method."""

    kind: str
    runs: dict[str, tuple[str, ...]]


class Explanation(Record):
    """A number walked back; one of `cell`, `claim` and `figure` is there unless a run was asked for."""

    target: str
    kind: Literal["cell", "claim", "figure", "run"]
    made: Made | None = None
    cell: ExplainedCell | None = None
    claim: Claim | None = None
    figure: ShownFigure | None = None
    checks: tuple[Check, ...] = ()
    runs: tuple[RunFacts, ...] = ()

    def all_checks(self) -> Iterator[tuple[str | None, Check]]:
        """Yield every check with the run that it is about, None for the report's own."""
        yield from ((None, check) for check in self.checks)
        yield from ((facts.run, check) for facts in self.runs for check in facts.checks)

    @property
    def mismatches(self) -> list[str]:
        """What does not hold."""
        return [check.says for _, check in self.all_checks() if check.holds is False]
