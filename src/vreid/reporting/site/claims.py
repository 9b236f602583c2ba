"""The claims of a paper as the page shows them: the sides, the verdict, and the interval as a drawing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from vreid.reporting.formats import statements_wording as words
from vreid.reporting.formats import wording
from vreid.reporting.site.notes import Note, notes
from vreid.reporting.statements import Claim, Comparison, Side, Statements

WIDTH = 160
"""Of the drawing of an interval, in its own units."""

MARGIN = 6


@dataclass(frozen=True)
class ShownSide:
    """One side of a comparison, with the note on what is missing of it."""

    text: str
    note: Note | None
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Drawn:
    """Places from 0 to `WIDTH`: zero, the interval and our difference, the paper's if it prints one."""

    zero: float
    low: float
    high: float
    ours: float
    paper: float | None


@dataclass(frozen=True)
class ShownLine:
    """One line of the table of claims.

    A claim of several comparisons has a line of its own, which says how many instead of sides, and below it
    one for each. `number` and `says` are empty there.
    """

    number: str
    says: str
    where: str
    remarks: tuple[str, ...]
    several: str
    sides: tuple[ShownSide, ...]
    measured: str
    paper: str
    gap: tuple[str, str] | None
    drawn: Drawn | None
    verdict: str
    reason: str
    runs: tuple[str, ...]


@dataclass(frozen=True)
class ShownClaims:
    """All claims of a paper."""

    provenance: str
    summary: str
    ours: str
    lines: tuple[ShownLine, ...]
    notes: tuple[Note, ...]
    key: str


def shown_claims(said: Statements) -> ShownClaims:
    """Return the claims as they are shown."""
    reasons = notes(f"{said.paper}-claims", said.reasons())
    scale = _Scale([pair for claim in said.claims for pair in claim.comparisons])
    lines = [
        line
        for number, claim in enumerate(said.claims, start=1)
        for line in _lines(number, claim, reasons, scale)
    ]
    return ShownClaims(
        provenance=words.provenance(said),
        summary=words.summary([said]),
        ours=wording.ours(said),
        lines=tuple(lines),
        notes=tuple(reasons.values()),
        key=words.key(said),
    )


class _Scale:
    """One scale for all comparisons of a paper, so that their intervals can be compared by eye."""

    def __init__(self, pairs: Sequence[Comparison]) -> None:
        values = [value for pair in pairs for value in (pair.low, pair.high, pair.paper) if value is not None]
        self._low = min([Decimal(0), *values])
        self._high = max([Decimal(0), *values])

    def drawn(self, pair: Comparison) -> Drawn | None:
        if pair.low is None or pair.high is None or pair.difference is None:
            return None
        return Drawn(
            zero=self._at(Decimal(0)),
            low=self._at(pair.low),
            high=self._at(pair.high),
            ours=self._at(pair.difference),
            paper=None if pair.paper is None else self._at(pair.paper),
        )

    def _at(self, value: Decimal) -> float:
        whole = self._high - self._low
        part = (value - self._low) / whole if whole else Decimal("0.5")
        return round(MARGIN + float(part) * (WIDTH - 2 * MARGIN), 1)


def _lines(number: int, claim: Claim, reasons: dict[str, Note], scale: _Scale) -> Iterator[ShownLine]:
    single = len(claim.comparisons) == 1
    remarks = tuple(words.remark(text) for text in claim.remarks)
    if not single:
        yield ShownLine(
            number=str(number),
            says=claim.says,
            where=words.place(claim),
            remarks=remarks,
            several=words.several(claim),
            sides=(),
            measured="",
            paper="",
            gap=None,
            drawn=None,
            verdict=claim.verdict,
            reason=claim.reason,
            runs=(),
        )
    for pair in claim.comparisons:
        sides = tuple(_side(side, reasons) for side in (pair.better, pair.worse))
        yield ShownLine(
            number=str(number) if single else "",
            says=claim.says if single else "",
            where=words.place(claim) if single else "",
            remarks=remarks if single else (),
            several="",
            sides=sides,
            measured=words.measured(pair),
            paper=words.papers(pair),
            gap=words.gap(pair),
            drawn=scale.drawn(pair),
            verdict=claim.verdict if single else pair.verdict,
            reason=claim.reason if single else pair.reason,
            runs=tuple(dict.fromkeys(run for side in sides for run in side.runs)),
        )


def _side(side: Side, reasons: dict[str, Note]) -> ShownSide:
    return ShownSide(words.side(side), reasons[side.missing] if side.missing else None, side.runs)
