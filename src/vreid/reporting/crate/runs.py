"""What a crate's metadata tells of the trainings: data, parameters, software, results."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from rocrate.model.entity import Entity
from rocrate.rocrate import ROCrate

from vreid.params.fingerprint import digest_of
from vreid.params.plan import DatasetPlan, Plan, RunPlan
from vreid.reporting.crate.entities import add, timestamp
from vreid.reporting.crate.files import WEIGHTS
from vreid.reporting.history import RunHistory

ALWAYS = ("seed", "code")
"""Parameters that every run names; of the others, those in which the runs of its paper differ."""

SOFTWARE = {
    "python": "https://www.python.org/",
    "torch": "https://pytorch.org/",
    "numpy": "https://numpy.org/",
}
"""What runs record the version of, beside this package, and where it lives."""


def add_datasets(crate: ROCrate, plan: Plan, files: Mapping[str, Entity]) -> dict[str, Entity]:
    """Add the datasets that runs were trained on, and return them by name."""
    used = {run.config.dataset for run in plan.present_runs()}
    return {
        name: _add_dataset(crate, dataset, files[f"params/datasets/{name}.yaml"])
        for name, dataset in plan.datasets.items()
        if name in used
    }


def _add_dataset(crate: ROCrate, dataset: DatasetPlan, recipe: Entity) -> Entity:
    says = {
        "synthetic": "Images rendered here in this dataset's layout; its recipe renders the same ones.",
        "real": f"The images that the owners hand out. {dataset.spec.terms}",
    }
    return add(
        crate,
        f"#dataset-{dataset.version}",
        "CreativeWork",
        name=f"{dataset.spec.title} ({dataset.source})",
        description=f"{says[dataset.source]} The images are not in this crate.",
        version=dataset.version,
        isBasedOn=recipe,
        citation=dataset.spec.citation,
    )


class Software:
    """Adds what runs were computed with; runs of the same versions share it."""

    def __init__(self, crate: ROCrate) -> None:
        self._crate = crate

    def of(self, record: Mapping[str, str]) -> Entity:
        """Return the instrument of a run that recorded these versions."""
        version, commit = record.get("vreid", ""), record.get("git_commit", "")
        needs = [self._needed(name, record[name]) for name in SOFTWARE if name in record]
        parts = ("#vreid", version, commit[:12], digest_of([need.id for need in needs], 8))
        return add(
            self._crate,
            "-".join(part for part in parts if part),
            "SoftwareApplication",
            name="vreid",
            softwareRequirements=needs,
            **({"softwareVersion": version} if version else {}),
            **({"identifier": commit, "description": f"At git commit {commit}."} if commit else {}),
        )

    def _needed(self, name: str, version: str) -> Entity:
        url = SOFTWARE[name]
        identifier = f"#{name}-{quote(version)}"
        return add(
            self._crate, identifier, "SoftwareApplication", name=name, softwareVersion=version, url=url
        )


def differing(histories: Sequence[RunHistory]) -> dict[str, set[str]]:
    """Return, by paper, the parameters in which its runs differ, and those that are always told.

    The whole configuration of a run is among its files.
    """
    papers: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    for history in histories:
        papers[history.paper].append(history.params)
    return {paper: set(_differing(params)) for paper, params in papers.items()}


def _differing(runs: Sequence[Mapping[str, str]]) -> Iterator[str]:
    for key in {key for params in runs for key in params}:
        if key in ALWAYS or len({params.get(key) for params in runs}) > 1:
            yield key


def add_run(
    crate: ROCrate,
    software: Software,
    run: RunPlan,
    history: RunHistory,
    keys: set[str],
    datasets: Mapping[str, Entity],
    files: Mapping[str, Entity],
) -> Entity:
    """Add one training with its evaluations; `keys` are the parameters that are told."""
    folder = f"runs/{run.name}"
    read = [datasets[run.config.dataset], *_there(files, [f"{folder}/config.json"])]
    read += [
        _add_parameter(crate, key, value) for key, value in sorted(history.params.items()) if key in keys
    ]
    made = [f"{folder}/{name}" for name in ("history.parquet", "run.json", WEIGHTS)]
    made += [test.results for test in run.tests]
    status = "Completed" if history.status == "FINISHED" else "Failed"
    return add(
        crate,
        f"#{run.name}",
        "CreateAction",
        name=f"{run.paper}: {run.experiment} on {run.config.dataset}, seed {run.config.seed}",
        description=f"vreid run train {run.name}, then extract and evaluate; the times are the training's.",
        startTime=timestamp(history.start),
        endTime=timestamp(history.end),
        actionStatus=f"http://schema.org/{status}ActionStatus",
        instrument=software.of(history.tags),
        object=read,
        result=_there(files, made),
    )


def _there(files: Mapping[str, Entity], names: list[str]) -> list[Entity]:
    return [files[name] for name in names if name in files]


def _add_parameter(crate: ROCrate, key: str, value: str) -> Entity:
    identifier = f"#parameter-{quote(key)}-{digest_of(value, 8)}"
    return add(crate, identifier, "PropertyValue", name=key, value=value)
