"""The metadata of a crate: what was run on what, with what, and which file came out of it, as JSON-LD.

It follows the profile Workflow Run Crate 0.5 (https://w3id.org/ro/wfrun/workflow/0.5), which rests on
RO-Crate 1.1. Whatever it names comes from params/, from CITATION.cff and from the records of the runs; it
holds no name of a machine or of its user, and no folder of theirs.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rocrate.model.entity import Entity
from rocrate.rocrate import ROCrate

from vreid.params.plan import Plan
from vreid.reporting.crate.citation import Citation, read_citation
from vreid.reporting.crate.entities import add, add_file, add_paper, ours, timestamp
from vreid.reporting.crate.files import Member
from vreid.reporting.crate.runs import Software, add_datasets, add_run, differing
from vreid.reporting.history import RunHistory

METADATA = "ro-crate-metadata.json"
RO_CRATE = "1.1"
TERMS = "https://w3id.org/ro/terms/workflow-run/context"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}

RENDERED = (
    "The images were rendered here in the layout of each dataset, so these numbers cannot be held against "
    "the papers' own; they say whether the pipeline works and which ideas help on that data."
)


def describe(
    plan: Plan, members: Sequence[Member], histories: Sequence[RunHistory], root: Path, ended: datetime
) -> dict[str, Any]:
    """Return the JSON-LD of a crate that holds `members`.

    Raises:
        UserError: If CITATION.cff or the file of a paper cannot be read.
    """
    crate = ROCrate(version=RO_CRATE)
    crate.metadata.extra_contexts.append(TERMS)
    cited = read_citation(root / "CITATION.cff")
    papers = {name: add_paper(crate, name, root) for name in plan.claims}
    files = {member.name: add_file(crate, member, plan, papers) for member in members}
    datasets = add_datasets(crate, plan, files)
    actions = [_add_execution(crate, plan, files, list(datasets.values()), histories)]
    software, told = Software(crate), differing(histories)
    for history in histories:
        run, keys = plan.run(history.name), told[history.paper]
        actions.append(add_run(crate, software, run, history, keys, datasets, files))
    _describe_root(crate, plan, cited, papers, actions, ended)
    metadata: dict[str, Any] = crate.metadata.generate()
    metadata["@graph"] = [_compact(entity) for entity in metadata["@graph"]]
    return metadata


def _describe_root(
    crate: ROCrate,
    plan: Plan,
    cited: Citation,
    papers: Mapping[str, Entity],
    actions: list[Entity],
    ended: datetime,
) -> None:
    root = crate.root_dataset
    sources = sorted({claims.source for claims in plan.claims.values()})
    root["name"] = f"{cited.title} (preset {plan.preset}, {' and '.join(sources)} data)"
    root["description"] = " ".join(
        [
            "Tables, figures and claims of papers beside what the papers print, with the",
            f"parameters and the records of the runs that they rest on. Ours: {ours(plan)}.",
            *([RENDERED] if "synthetic" in sources else []),
        ]
    )
    root["datePublished"] = ended.date().isoformat()
    root["license"] = add(
        crate,
        f"https://spdx.org/licenses/{cited.license}",
        "CreativeWork",
        name=f"{cited.license} License",
        description=f"The licence of everything in this crate, SPDX identifier {cited.license}.",
    )
    root["keywords"] = ", ".join(cited.keywords)
    root["author"] = [
        add(crate, f"#{quote(author.shown)}", author.kind, name=author.shown) for author in cited.authors
    ]
    root["conformsTo"] = [
        add(crate, profile, "CreativeWork", name=name, version=profile.rpartition("/")[2])
        for profile, name in PROFILES.items()
    ]
    for thing in (root, crate.mainEntity):
        thing["version"] = cited.version
        thing["license"] = root["license"]
        thing["author"] = root["author"]
    root["about"] = list(papers.values())
    root["mentions"] = actions


def _add_execution(
    crate: ROCrate,
    plan: Plan,
    files: Mapping[str, Entity],
    datasets: list[Entity],
    histories: Sequence[RunHistory],
) -> Entity:
    """Add the execution of the whole workflow."""
    read = [entity for name, entity in files.items() if name.startswith("params/")]
    made = [entity for name, entity in files.items() if name.startswith("reports/")]
    return add(
        crate,
        "#workflow-run",
        "CreateAction",
        name=f"The workflow made the reports of preset {plan.preset}",
        description=f"snakemake --config preset={plan.preset}; the times are those of the first and the last "
        f"of its {len(histories)} recorded trainings.",
        startTime=timestamp(min(run.start for run in histories)),
        endTime=timestamp(max(run.end for run in histories)),
        instrument=crate.mainEntity,
        object=[*read, *datasets],
        result=made,
    )


def _compact(entity: Mapping[str, Any]) -> dict[str, Any]:
    """Write a list of one thing as that thing, as RO-Crate asks for."""
    single = {key: value[0] for key, value in entity.items() if isinstance(value, list) and len(value) == 1}
    return {**entity, **single}
