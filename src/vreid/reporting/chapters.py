"""What a page says of one paper, read from the JSON of the reports that it collects."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vreid.evaluation.audit import Audit, Finding
from vreid.params.errors import UserError
from vreid.reporting.cells import Record
from vreid.reporting.history import RUN_NAME
from vreid.reporting.missing import Absent, by_run
from vreid.reporting.records import Figure, Made, Table, read_record
from vreid.reporting.statements import Statements


class Variant(Record):
    """One variant of the rules and what it gives, as fractions."""

    settings: dict[str, str]
    mAP: float  # noqa: N815 -- so it stands in the file
    R1: float


class AuditReport(Record):
    """What an audit.json holds; the first of `variants` is the run's own."""

    digest: str
    run: str
    protocol: str
    note: str
    paper: dict[str, float]
    variants: tuple[Variant, ...]
    left_out: tuple[str, ...]

    def audit(self) -> Audit:
        """Return the audit, which knows what moves what."""
        findings = tuple(Finding(one.settings, one.mAP, one.R1) for one in self.variants)
        return Audit(self.run, self.protocol, findings, self.paper, self.left_out, self.note)


@dataclass
class Chapter:
    """One paper: its tables, figures, statements and audits, each in the page's order."""

    paper: str
    tables: list[Table] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    statements: list[Statements] = field(default_factory=list)
    audits: list[AuditReport] = field(default_factory=list)

    def made(self) -> list[Made]:
        """Return every report that says how our numbers were made."""
        return [*self.tables, *self.figures, *self.statements]

    def runs_in_tables(self) -> set[str]:
        """Return the names of the runs behind the tables."""
        return {run for table in self.tables for run in table.runs()}

    def runs(self) -> set[str]:
        """Return the names of all runs behind tables, figures, claims and audits."""
        pairs = [pair for said in self.statements for claim in said.claims for pair in claim.comparisons]
        compared = {run for pair in pairs for side in (pair.better, pair.worse) for run in side.runs}
        drawn = {run for figure in self.figures for runs in figure.runs.values() for run in runs}
        absent = {one.run for one in self.absent()}
        return self.runs_in_tables() | compared | drawn | absent | {audit.run for audit in self.audits}

    def absent(self) -> tuple[Absent, ...]:
        """Return the planned runs that tables, figures or claims lack."""
        return by_run(one for made in self.made() for one in made.absent)

    @property
    def citation(self) -> str:
        """The paper's citation; empty on a page of audits alone."""
        return next((made.citation for made in self.made()), "")

    def recipe(self) -> tuple[str, ...]:
        """Return in what the recipes of all tables differ from the paper's; those left out have none."""
        first, *others = [table.recipe for table in self.tables if not table.left_out()] or [()]
        return tuple(line for line in first if all(line in other for other in others))

    def recipe_beyond(self, table: Table) -> tuple[str, ...]:
        """Return in what a table's recipe differs from the paper's beyond that of all tables."""
        shared = self.recipe()
        return tuple(line for line in table.recipe if line not in shared)


def read_chapters(parts: Sequence[str], reports: Path) -> list[Chapter]:
    """Read the reports called `parts` below `reports`: a chapter for each paper, in the order of the parts.

    Raises:
        UserError: A report's JSON is missing or holds something else, or there is no such kind of part.
    """
    chapters: dict[str, Chapter] = {}
    for part in parts:
        kind, _, name = part.partition("/")
        path = reports / f"{part}.json"
        run = RUN_NAME.fullmatch(name.split("/")[0])
        paper = run["paper"] if run else name.split("/")[0]
        chapter = chapters.setdefault(paper, Chapter(paper))
        if kind == "tables":
            chapter.tables.append(read_record(path, Table))
        elif kind == "figures":
            chapter.figures.append(read_record(path, Figure))
        elif kind == "claims":
            chapter.statements.append(read_record(path, Statements))
        elif kind == "audits":
            chapter.audits.append(read_record(path, AuditReport))
        else:
            raise UserError(f"{part}: a page collects tables, figures, claims and audits, nothing else")
    return list(chapters.values())
