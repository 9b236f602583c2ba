"""The things that a crate's metadata names: files, papers, people."""

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from rocrate.model.contextentity import ContextEntity
from rocrate.model.entity import Entity
from rocrate.rocrate import ROCrate

from vreid.params.paper import Reference
from vreid.params.plan import Plan
from vreid.params.read import read_yaml, validate
from vreid.reporting.crate.files import Member

WORKFLOW = "Snakefile"
FORMATS = {
    ".cff": "application/yaml",
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".rst": "text/x-rst",
    ".safetensors": "application/octet-stream",
    ".tex": "text/x-tex",
    ".toml": "application/toml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}
"""By suffix; anything else is plain text."""

KINDS = {
    "claims": "What the papers claim, and whether it holds here",
    "deviations": "What the paper leaves open or contradicts, and how it was taken",
    "audits": "How much the numbers depend on the way they are tested",
    "papers": "Everything of one paper on one page",
    "all_tables": "All tables",
    "index": "Everything on one page, to be opened in a browser",
    "tracking": "What MLflow calls the runs",
    "config.json": "Resolved configuration of the run, with the digests of its data and code.",
    "run.json": "With what the run was computed, and what it cost.",
    "history.parquet": "Losses and metrics of the run, epoch by epoch.",
    "evaluation.json": "Metrics of the run under each protocol.",
    "model.safetensors": "Trained weights of the run.",
    "plan.json": "The preset, resolved: datasets, runs, tables, figures, claims and pages.",
    "params": "Parameters: what is run, and what the papers print.",
    "workflow": "Rules of the workflow.",
    "Snakefile": "Where the workflow begins.",
    "requirements.lock": "Every package with its version and digest.",
    "environment.yml": "The same environment for conda.",
    "README.md": "What this is and how it is run.",
}
"""What a file is, by its kind of report, its name, or its folder."""


def add(crate: ROCrate, identifier: str, kind: str, /, **properties: Any) -> Entity:
    """Add a thing that is no file, unless it is there, and return it."""
    there = crate.dereference(identifier)
    if there is not None:
        return there
    return crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **properties}))


def timestamp(milliseconds: int) -> str:
    """Return milliseconds since 1970 as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).isoformat()


def ours(plan: Plan) -> str:
    """Say on which data and with which preset the crate's numbers were made."""
    sources = " and ".join(sorted({claims.source for claims in plan.claims.values()}))
    return f"{sources} data; preset {plan.preset} ({plan.preset_label})"


def add_paper(crate: ROCrate, name: str, root: Path) -> Entity:
    """Add a paper of params/papers/, by its DOI if it has one.

    Raises:
        UserError: If its file cannot be read.
    """
    file = root / "params" / "papers" / f"{name}.yaml"
    paper = validate(Reference, read_yaml(file).get("paper"), f"{file}, paper")
    authors = [add(crate, f"#{quote(author)}", "Person", name=author) for author in paper.authors]
    doi = f"https://doi.org/{quote(paper.doi)}" if paper.doi else None
    return add(
        crate,
        doi or f"#paper-{name}",
        "ScholarlyArticle",
        name=paper.title,
        author=authors,
        datePublished=str(paper.year),
        description=paper.citation(),
        **({"identifier": doi} if doi else {}),
    )


def add_file(crate: ROCrate, member: Member, plan: Plan, papers: Mapping[str, Entity]) -> Entity:
    """Add a file with its digest; the Snakefile is what the crate is mainly about."""
    suffix = PurePosixPath(member.name).suffix
    properties: dict[str, Any] = {
        "name": member.name,
        "description": _says(member.name, plan),
        "encodingFormat": FORMATS.get(suffix, "text/plain"),
        "contentSize": str(member.size),
        "sha256": member.sha256,
    }
    if about := [entity for name, entity in papers.items() if _is_about(name, member.name)]:
        properties["about"] = about
    if member.name == "README.md":
        properties["about"] = crate.root_dataset
    where = {"dest_path": member.name, "properties": properties}
    if member.name == WORKFLOW:
        return crate.add_workflow(
            main=True, lang="snakemake", lang_version=metadata.version("snakemake"), **where
        )
    return crate.add_file(**where)


def _is_about(paper: str, file: str) -> bool:
    """Tell whether a file of reports/ shows a paper; pages of all papers show each."""
    parts = PurePosixPath(file).parts
    if parts[0] != "reports" or file == "reports/tracking.json":
        return False
    within = PurePosixPath(file).relative_to("reports").with_suffix("").parts
    if len(within) == 1:
        return True
    return within[1] == paper or within[1].startswith(f"{paper}-")


def _says(file: str, plan: Plan) -> str:
    """Say what a file is; no report without what its numbers were made of."""
    stem = file.removeprefix("reports/").rpartition(".")[0]
    kind, _, key = stem.partition("/")
    if kind == "tables" and key in plan.tables:
        table = plan.tables[key]
        return f"{table.title}: {table.caption}. {table.citation}. Ours: {ours(plan)}."
    if kind == "figures" and key in plan.figures:
        figure = plan.figures[key]
        return f"{figure.title}: {figure.caption}. {figure.citation}. Ours: {ours(plan)}."
    if file.startswith("reports/"):
        return f"{KINDS.get(kind, 'Report')}. Ours: {ours(plan)}."
    return KINDS.get(
        PurePosixPath(file).name, KINDS.get(PurePosixPath(file).parts[0], "Part of the project.")
    )
