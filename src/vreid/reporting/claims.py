"""Reaches the verdicts on a paper's claims from per-query results; writes all that is said of the paper."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from vreid.evaluation.bootstrap import Interval, difference_interval, mean_interval
from vreid.evaluation.comparison import Scores, read_scores
from vreid.evaluation.metrics import Doubles
from vreid.params.atomic import write_text
from vreid.params.errors import UserError
from vreid.params.plan import ClaimPlan, ClaimsPlan, PairPlan, SidePlan
from vreid.reporting.decimals import with_counted
from vreid.reporting.formats import statements_latex, statements_markdown, statements_tidy
from vreid.reporting.missing import Absent, Failures, find_absent, state_of, why_absent, why_not_planned
from vreid.reporting.records import Made, heading_of
from vreid.reporting.statements import Claim, Comparison, Side, Statements
from vreid.reporting.verdicts import LEVEL, of_claim, of_comparison, refuting_level

BOTH, ALONE = "vehicles and seeds", "vehicles alone"

_Gone = Mapping[str, Absent]
"""The per-query files that are not there, and what became of their runs."""


def write_claims(
    plan: ClaimsPlan, folder: Path, root: Path = Path(), failures: Failures | None = None
) -> Statements:
    """Reach the verdicts, write `folder`/<paper>.md, .tex, .csv and .json, and return what they hold.

    They also hold what the paper's decimals say, its contradictions and the deviations from it. The CSV is of
    the claims.

    Raises:
        UserError: As `build_claims`.
    """
    found = build_claims(plan, root, failures)
    write_text(folder / f"{plan.paper}.md", statements_markdown.page(found))
    write_text(folder / f"{plan.paper}.tex", statements_latex.document(found))
    write_text(folder / f"{plan.paper}.csv", statements_tidy.text([found]))
    write_text(folder / f"{plan.paper}.json", found.model_dump_json(indent=1) + "\n")
    return found


def build_claims(plan: ClaimsPlan, root: Path = Path(), failures: Failures | None = None) -> Statements:
    """Reach the verdicts from the per-query files that a plan names, relative to `root`.

    A file that is not there leaves its seed out; a side with none has failed or is pending. `failures` are
    those of the steps before training.

    Raises:
        UserError: If a file is damaged or lacks a protocol, or if the two sides of a comparison were not
            evaluated on the same queries.
    """
    absent = find_absent(plan.inputs(), root, failures)
    return Statements(
        **heading_of(Made, plan, absent.values()),
        title=plan.title,
        shortened=plan.shortened,
        claims=tuple(_claim(plan, claim, absent, root) for claim in plan.claims),
        inconsistencies=plan.inconsistencies,
        deviations=plan.deviations,
        decimals=with_counted(plan.decimals, root),
    )


def _claim(plan: ClaimsPlan, claim: ClaimPlan, absent: _Gone, root: Path) -> Claim:
    try:
        gaps = [_Gap.of(pair, absent, root) for pair in claim.pairs]
        level = refuting_level(max(1, sum(gap.runs for gap in gaps)))
        pairs = [gap.comparison(plan, level) for gap in gaps]
    except UserError as error:
        raise UserError(f"{plan.paper}, claim {claim.id}: {error}") from None
    verdict, reason = pairs[0].verdict, pairs[0].reason
    if len(pairs) > 1:
        verdict, reason = of_claim([pair.verdict for pair in pairs], [pair.refuted for pair in pairs])
    return Claim(
        id=claim.id,
        says=claim.says,
        where=claim.where,
        rows_of=claim.rows_of,
        remarks=claim.remarks,
        metric=claim.metric,
        kind=claim.kind,
        comparisons=tuple(pairs),
        verdict=verdict,
        reason=reason,
    )


@dataclass(frozen=True)
class _Gap:
    """A pair with the scores of its two sides, as far as they are there."""

    pair: PairPlan
    better: "_Read"
    worse: "_Read"

    @classmethod
    def of(cls, pair: PairPlan, absent: _Gone, root: Path) -> "_Gap":
        shared = not set(_runs(pair.better)).isdisjoint(_runs(pair.worse))
        sides = (pair.better, pair.worse)
        seeds = [_seeds_there(side, absent) for side in sides]
        if shared:  # the same networks on both sides: seeds belong together
            seeds = [sorted(set(seeds[0]).intersection(seeds[1]))] * 2
        read = (_Read.of(side, there, absent, root) for side, there in zip(sides, seeds, strict=True))
        return cls(pair, *read)

    @property
    def runs(self) -> bool:
        return self.better.scores is not None and self.worse.scores is not None

    def comparison(self, plan: ClaimsPlan, level: float) -> Comparison:
        """Return the verdict on the pair, refuted if its interval at `level` lies below zero."""
        sides = {"better": self.better.side(), "worse": self.worse.side(), "paper": self.pair.paper}
        if self.better.scores is None or self.worse.scores is None:
            reasons = [side.why_not_run(plan.preset) for side in (self.better, self.worse)]
            return Comparison(**sides, verdict="not run", reason="; ".join(filter(None, reasons)))
        interval = self._interval(self.better.scores, self.worse.scores, LEVEL)
        seeds = min(len(self.better.scores.values), len(self.worse.scores.values))
        same = self.pair.better.files() == self.pair.worse.files()
        verdict, reason = of_comparison(interval, seeds, shortened=plan.shortened, same=same)
        refuted = (
            verdict == "not reproduced"
            and self._interval(self.better.scores, self.worse.scores, level).high < 0
        )
        return Comparison(
            **sides,
            difference=_points(interval.estimate),
            low=_points(interval.low),
            high=_points(interval.high),
            over=BOTH if seeds > 1 else ALONE,
            refuted=refuted,
            verdict=verdict,
            reason=reason,
        )

    def _interval(self, better: Scores, worse: Scores, level: float) -> Interval:
        if not np.array_equal(better.queries, worse.queries):
            raise UserError(
                f"{self.pair.better.label} and {self.pair.worse.label} were evaluated on different queries, "
                "so they cannot be compared query by query"
            )
        if set(_runs(self.pair.better)).isdisjoint(_runs(self.pair.worse)):
            return difference_interval(better.values, worse.values, better.ids, level=level)
        return mean_interval(better.values - worse.values, better.ids, level=level)


@dataclass(frozen=True)
class _Read:
    """A side with its scores (S, Q) in fractions, None if no seed is there; `absent` are the seeds' runs."""

    plan: SidePlan
    scores: Scores | None
    absent: tuple[Absent, ...]

    @classmethod
    def of(cls, plan: SidePlan, seeds: Sequence[int], absent: _Gone, root: Path) -> "_Read":
        """Read the seeds at the positions `seeds`."""
        gone = [_absent(files, absent) for files in _files_by_seed(plan)]
        lacking = tuple(of_seed[0] for of_seed in gone if of_seed)
        return cls(plan, _scores(plan, seeds, root) if seeds else None, lacking)

    def side(self) -> Side:
        parts = list(_parts(self.plan))
        scores = self.scores
        return Side(
            label=" less ".join(part.label for part in parts),
            row=" less ".join(map(_name, parts)) if any(part.row for part in parts) else None,
            metric=self.plan.metric,
            dataset=self.plan.dataset,
            protocol=self.plan.protocol,
            runs=tuple(dict.fromkeys(_runs(self.plan))),
            seeds=0 if scores is None else len(scores.values),
            value=None if scores is None else _points(float(np.nanmean(scores.values))),
            files=tuple(file for part in parts for file in part.per_query),
            missing=why_absent(self.absent, len(self.plan.per_query)) if self.absent else None,
        )

    def why_not_run(self, preset: str) -> str | None:
        """Say what keeps the side from being compared; None if nothing does."""
        for part in _parts(self.plan):
            if part.status != "run":
                return f"{_name(part)}: {why_not_planned(part.status, part.dataset, preset)}"
        if self.scores is not None or not self.absent:
            return None
        return f"{_name(self.plan)} {'failed' if state_of(self.absent) == 'failed' else 'is pending'}"


def _scores(plan: SidePlan, seeds: Sequence[int], root: Path) -> Scores:
    """Return a side's scores, less those of what it is `minus`, query by query and seed by seed.

    Pairing the seeds is right for one network that is tested twice, and does no harm where two networks are
    independent of each other.
    """
    found = read_scores([root / plan.per_query[seed] for seed in seeds], plan.protocol, plan.metric)
    if plan.minus is None:
        return found
    other = _scores(plan.minus, seeds, root)
    if not np.array_equal(found.queries, other.queries):
        raise UserError(
            f"{plan.label} and {plan.minus.label} were evaluated on different queries, so one cannot be "
            "taken from the other"
        )
    gaps: Doubles = found.values - other.values
    return Scores(gaps, found.queries, found.ids)


def _seeds_there(plan: SidePlan, absent: _Gone) -> list[int]:
    """Return the positions of the seeds of which every file is there."""
    return [seed for seed, files in enumerate(_files_by_seed(plan)) if not _absent(files, absent)]


def _files_by_seed(plan: SidePlan) -> list[tuple[str, ...]]:
    """Return the files of each seed; none if a part of the side is not run."""
    parts = list(_parts(plan))
    if any(part.status != "run" for part in parts):
        return []
    return list(zip(*(part.per_query for part in parts), strict=True))


def _absent(files: Sequence[str], absent: _Gone) -> list[Absent]:
    return [absent[file] for file in files if file in absent]


def _name(part: SidePlan) -> str:
    return part.row or part.label


def _parts(plan: SidePlan) -> Iterator[SidePlan]:
    yield plan
    if plan.minus is not None:
        yield from _parts(plan.minus)


def _runs(plan: SidePlan) -> list[str]:
    return [run for part in _parts(plan) for run in part.runs]


def _points(value: float) -> Decimal:
    """Return a fraction in percentage points, without what binary arithmetic leaves behind."""
    return round(Decimal(repr(100 * value)), 8) + Decimal(0)
