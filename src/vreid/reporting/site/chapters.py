"""A paper's chapter as the page shows it, and the line of the overview that leads to it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vreid.params.plan import DeviationPlan
from vreid.reporting.audited import made
from vreid.reporting.cells import percentage
from vreid.reporting.chapters import AuditReport, Chapter
from vreid.reporting.formats import decimals_wording, page_wording, recipe_wording, wording
from vreid.reporting.formats import statements_wording as words
from vreid.reporting.site.claims import ShownClaims, shown_claims
from vreid.reporting.site.pictures import Picture, embedded
from vreid.reporting.site.runs import RunDetails, runs_of
from vreid.reporting.site.tables import ShownTable, shown_table
from vreid.reporting.verdicts import VERDICTS


@dataclass(frozen=True)
class ShownFigure:
    """One figure with what tells how to read it."""

    id: str
    title: str
    heading: str
    provenance: str
    picture: Picture
    notes: tuple[str, ...]
    file: str


@dataclass(frozen=True)
class ShownAudit:
    """One audit: `moves` changes one choice at a time, `variants` are all combinations."""

    note: str
    about: str
    run: str
    moves: tuple[tuple[str, ...], ...]
    all_variants: str
    settings: tuple[str, ...]
    variants: tuple[tuple[str, ...], ...]
    left_out: tuple[str, ...]
    picture: Picture


@dataclass(frozen=True)
class ShownChapter:
    """Everything about one paper; `verdicts` counts its claims in the order of `VERDICTS`."""

    paper: str
    citation: str
    recipe: str
    tables: tuple[ShownTable, ...]
    figures: tuple[ShownFigure, ...]
    claims: tuple[ShownClaims, ...]
    decimals: tuple[tuple[str, ...], ...]
    decimals_say: tuple[str, ...]
    contradictions: tuple[tuple[str, str, str], ...]
    deviations: tuple[DeviationPlan, ...]
    audits: tuple[ShownAudit, ...]
    verdicts: tuple[int, ...]
    runs: int


def shown_chapter(chapter: Chapter, reports: Path) -> ShownChapter:
    """Return a chapter as it is shown, with the pictures that lie below `reports`.

    Raises:
        UserError: a figure's or an audit's picture is missing or is none.
    """
    several = len(chapter.tables) > 1
    found = [one for said in chapter.statements for one in said.inconsistencies]
    counted = Counter[str]()
    for said in chapter.statements:
        counted.update(said.count())
    return ShownChapter(
        paper=chapter.paper,
        citation=chapter.citation,
        recipe=page_wording.recipe(chapter) if several else "",
        tables=tuple(
            shown_table(
                table,
                page_wording.recipe_beyond(chapter, table) if several else recipe_wording.of_table(table),
            )
            for table in chapter.tables
        ),
        figures=_figures(chapter, reports),
        claims=tuple(shown_claims(said) for said in chapter.statements),
        decimals=tuple(row for said in chapter.statements for row in decimals_wording.rows(said.decimals)),
        decimals_say=tuple(
            line for said in chapter.statements for line in decimals_wording.sentences(said.decimals)
        ),
        contradictions=tuple((one.where, one.says, words.outcome(one)) for one in found),
        deviations=tuple(one for said in chapter.statements for one in said.deviations),
        audits=tuple(_audit(audit, reports) for audit in chapter.audits),
        verdicts=tuple(counted[verdict] for verdict in VERDICTS),
        runs=len(runs_of([chapter])),
    )


def totals(chapters: Sequence[ShownChapter], runs: Sequence[RunDetails]) -> list[int]:
    """Return the last line of the overview: tables, figures, runs, claims, and claims by verdict."""
    verdicts = [sum(counts) for counts in zip(*(chapter.verdicts for chapter in chapters), strict=True)]
    tables = sum(len(chapter.tables) for chapter in chapters)
    return [tables, sum(len(chapter.figures) for chapter in chapters), len(runs), sum(verdicts), *verdicts]


def _figures(chapter: Chapter, reports: Path) -> tuple[ShownFigure, ...]:
    return tuple(
        ShownFigure(
            id=f"{figure.paper}-{figure.figure}",
            title=figure.title,
            heading=f"{figure.title}: {figure.caption}",
            provenance=wording.provenance(figure),
            picture=embedded(reports / "figures" / figure.paper / f"{figure.figure}.png"),
            notes=figure.notes,
            file=f"reports/figures/{figure.paper}/{figure.figure}",
        )
        for figure in chapter.figures
    )


def _audit(report: AuditReport, reports: Path) -> ShownAudit:
    settings = tuple(report.variants[0].settings)
    return ShownAudit(
        note=made(report.audit()),
        about=page_wording.audited(report),
        run=report.run,
        moves=tuple(page_wording.audit_moves(report)),
        all_variants=page_wording.all_variants(report),
        settings=settings,
        variants=tuple(
            (*(one.settings[name] for name in settings), percentage(one.mAP), percentage(one.R1))
            for one in report.variants
        ),
        left_out=report.left_out,
        picture=embedded(reports / "audits" / report.run / "audit.png"),
    )
