"""What `vreid diff` finds out, as records: every other form is written from them."""

from typing import Literal

from vreid.reporting.cells import Number, Record

SPREAD = 2
"""A move is called within the spread up to so many standard deviations over the seeds."""


class Unlike(Record):
    """Something in which reports were made differently; `reports` are those that it is true of.

    `what` is the preset, its words, the source, the seeds, or a key of the recipe that departs from the
    paper's in one of them at least.
    """

    what: str
    before: str
    after: str
    reports: tuple[str, ...]


class Value(Record):
    """Ours in one state: the mean with its sd over the seeds, or why there is none."""

    mean: Number | None
    sd: Number | None
    seeds: int
    status: str
    reason: str | None


class Move(Record):
    """A cell of ours that moved by `move` (after less before; None if a side has no value).

    `within` says whether that is no more than `SPREAD` times the larger sd over the seeds of the two sides;
    None if neither has one. A `cost` is a training time, which is measured anew with each training.
    """

    table: str
    row: int
    label: str
    column: str
    before: Value
    after: Value
    move: Number | None
    within: bool | None
    cost: bool


class Edit(Record):
    """Something that is not ours and reads otherwise: a label, a caption, a value that the paper prints."""

    where: str
    what: str
    before: str
    after: str


class Coming(Record):
    """A table, row, column or claim that is only in one state: it came, or it went."""

    what: Literal["table", "row", "column", "claim"]
    where: str
    came: bool


class Outcome(Record):
    """What came out for a claim in one state; one interval for each comparison that was run."""

    verdict: str
    reason: str
    differences: tuple[tuple[Number, Number, Number] | None, ...]


class ClaimChange(Record):
    """A claim with another verdict, or (`verdict_changed` is False) with another difference or interval."""

    paper: str
    id: str
    says: str
    verdict_changed: bool
    before: Outcome
    after: Outcome


class Comparison(Record):
    """What changed from `before` to `after`.

    `moves` are those beyond `threshold`, largest first within a table; `cells` counts the cells of ours that
    both states have, `still` those that did not move at all, and `below` those that moved by no more than
    the threshold.
    """

    before: str
    after: str
    threshold: float
    unlike: tuple[Unlike, ...]
    moves: tuple[Move, ...]
    edits: tuple[Edit, ...]
    comings: tuple[Coming, ...]
    claims: tuple[ClaimChange, ...]
    cells: int
    still: int
    below: int

    @property
    def changed(self) -> bool:
        """Whether there is anything to tell; training times that came out otherwise are not."""
        return bool(self.unlike or self.results() or self.edits or self.comings or self.claims)

    def results(self) -> list[Move]:
        """Return the moves without the training times; one that came or went is a result."""
        return [move for move in self.moves if not move.cost or move.move is None]

    def times(self) -> list[Move]:
        """Return the training times that came out otherwise."""
        return [move for move in self.moves if move.cost and move.move is not None]

    def verdicts(self) -> list[ClaimChange]:
        """Return the claims whose verdict changed."""
        return [claim for claim in self.claims if claim.verdict_changed]
