"""The sentences and headings of a page of reports, the same in every form; plain text."""

from collections.abc import Sequence

from vreid.reporting.cells import percentage
from vreid.reporting.chapters import AuditReport, Chapter

CLAIMS = "Claims"
CONTRADICTIONS = "Contradictions in the paper"
DEVIATIONS = "Deviations from the paper"
AUDIT = "How far the rules of evaluation move the numbers"

AUDIT_HEADS = ("Choice", "Instead", "mAP", "moves", "R1", "moves")


def counts(chapters: Sequence[Chapter]) -> str:
    """Say how much a page holds."""
    tables = [table for chapter in chapters for table in chapter.tables]
    found = [
        _count(len(chapters), "paper"),
        _count(len(tables), "table"),
        _count(sum(len(chapter.figures) for chapter in chapters), "figure"),
        _count(len({run for table in tables for run in table.runs()}), "run", " in tables"),
    ]
    return f"{', '.join(filter(None, found))}."


def made(chapters: Sequence[Chapter]) -> str:
    """Say on which data, and with which presets, the numbers of a page were made."""
    reports = [report for chapter in chapters for report in chapter.made()]
    labels = dict.fromkeys(f"{r.source} data; preset {r.preset} ({r.preset_label})" for r in reports)
    return f"{'; '.join(labels)}."


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


def all_variants(report: AuditReport) -> str:
    """Name the variants of an audit by their number."""
    return f"All {len(report.variants)} variants"


def _count(number: int, noun: str, where: str = "") -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}{where}" if number else ""


def _moved(value: float, own: float) -> tuple[str, str]:
    moved = percentage(value - own)
    return percentage(value), moved if moved.startswith("-") else f"+{moved}"
