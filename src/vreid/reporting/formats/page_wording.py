"""The sentences and headings of a page of reports, the same in every form; plain text."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from vreid.reporting.audited import made as made_audit
from vreid.reporting.cells import percentage
from vreid.reporting.chapters import AuditReport, Chapter
from vreid.reporting.formats import decimals_wording, recipe_wording, wording
from vreid.reporting.missing import by_run
from vreid.reporting.records import Table

CLAIMS = "Claims"
DECIMALS = decimals_wording.DECIMALS
CONTRADICTIONS = "Contradictions in the paper"
DEVIATIONS = "Deviations from the paper"
AUDIT = "How far the rules of evaluation move the numbers"

NOTHING_RUN = "Nothing of these is run under this preset."
ABOVE_EACH = "Recipe: the paper's, but for what stands above each table."

AUDIT_HEADS = ("Choice", "Instead", "mAP", "moves", "R1", "moves")


def counts(chapters: Sequence[Chapter]) -> str:
    """Say how much a page holds."""
    tables = [table for chapter in chapters for table in chapter.tables]
    found = [
        _count(len(chapters), "paper"),
        _count(len(tables), "table"),
        _count(sum(len(chapter.figures) for chapter in chapters), "figure"),
        _runs(chapters),
    ]
    return f"{', '.join(filter(None, found))}."


def partial(chapters: Sequence[Chapter], unmade: Mapping[str, str], now: datetime) -> str:
    """Say that a page is not complete, as of when, and what it lacks; nothing if it is complete.

    `unmade` are the reports that are left out of it, each with the reason.
    """
    absent = by_run(one for chapter in chapters for one in chapter.absent())
    known = (report for chapter in chapters for report in chapter.made())
    if not absent and not unmade and all(report.digest for report in known):
        return ""
    runs = {run for chapter in chapters for run in chapter.runs()}
    said = [f"Partial report, as of {now:%Y-%m-%d %H:%M} UTC."]
    if absent:
        said.append(f"Of {_count(len(runs), 'run')}: {wording.counted(absent)}.")
    if unmade:
        said.append(f"Left out: {'; '.join(f'{name} ({why})' for name, why in unmade.items())}.")
    return " ".join(said)


def made(chapters: Sequence[Chapter]) -> str:
    """Say on which data, and with which presets, the numbers of a page were made."""
    reports = [report for chapter in chapters for report in chapter.made()]
    labels = dict.fromkeys(f"{r.source} data; preset {r.preset} ({r.preset_label})" for r in reports)
    return f"{'; '.join(labels)}."


def recipe(chapter: Chapter) -> str:
    """Say in what the recipe of all tables of a paper differs from the paper's."""
    if all(table.left_out() for table in chapter.tables):
        return NOTHING_RUN
    if shared := chapter.recipe():
        return recipe_wording.differing(shared)
    some = any(table.departures() for table in chapter.tables)
    return ABOVE_EACH if some else recipe_wording.PRINTED


def recipe_beyond(chapter: Chapter, table: Table) -> list[str]:
    """Return the sentences on a table's recipe that remain where `recipe` has been said."""
    more = chapter.recipe_beyond(table)
    here = [f"Here it differs also in {'; '.join(more)}."] if more else []
    return [*here, *recipe_wording.of_parts(table)]


def audited(report: AuditReport) -> str:
    """Say what was audited, and how the numbers of the audit are read."""
    own = "; ".join(f"{name}: {value}" for name, value in report.audit().reference.settings.items())
    return (
        f"Run {report.run} under {report.protocol}; as evaluated: {own}. One choice changes at a time. In "
        "percent; moves in points."
    )


def audit_moves(report: AuditReport) -> list[tuple[str, ...]]:
    """Return what one choice at a time gives, in the columns of `AUDIT_HEADS`, first as evaluated."""
    audit = report.audit()
    own = audit.reference
    rows: list[tuple[str, ...]] = [("as evaluated", "", percentage(own.map), "", percentage(own.rank1), "")]
    rows += [
        (name, value, *_moved(found.map, own.map), *_moved(found.rank1, own.rank1))
        for name, value, found in audit.moves()
    ]
    return rows


def audited_on(report: AuditReport) -> str:
    """Say on what an audit was made."""
    return f"{made_audit(report.audit())}."


def left_out(report: AuditReport) -> str:
    """Say what an audit could not vary, and why; nothing if it could all."""
    return f"Left out: {'; '.join(report.left_out)}." if report.left_out else ""


def all_variants(report: AuditReport) -> str:
    """Name the variants of an audit by their number."""
    return f"All {len(report.variants)} variants"


def _runs(chapters: Sequence[Chapter]) -> str:
    """Count the runs of a page, and say which of them are in tables; a page of tables knows no others."""
    every = {run for chapter in chapters for run in chapter.runs()}
    in_tables = {run for chapter in chapters for run in chapter.runs_in_tables()}
    others = len(every - in_tables)
    if not in_tables:
        return _count(len(every), "run")
    if others:
        beside = f"{len(in_tables)} in tables, {others} for figures or claims alone"
        return f"{_count(len(every), 'run')} ({beside})"
    if any(chapter.figures or chapter.statements for chapter in chapters):
        return _count(len(every), "run", " in tables")
    return _count(len(every), "run", " in tables (those of figures or claims alone are not counted here)")


def _count(number: int, noun: str, where: str = "") -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}{where}" if number else ""


def _moved(value: float, own: float) -> tuple[str, str]:
    moved = percentage(value - own)
    return percentage(value), moved if moved.startswith("-") else f"+{moved}"
