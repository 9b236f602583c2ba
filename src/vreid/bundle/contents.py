"""What a bundle says of itself: bundle.json, read and written on both machines."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from vreid.params.errors import UserError
from vreid.params.plan import DatasetPlan, Planned, RunPlan
from vreid.params.run import Size

FILE = "bundle.json"


class Group(Planned):
    """Runs that are worth something together: those of a paper's main claim, of a table, or what is left."""

    kind: Literal["claim", "table", "rest"]
    title: str
    runs: tuple[str, ...]


class PackPlan(Planned):
    """A pack that runs read: its folder, its size in pixels, and whether its images are the darkened ones."""

    folder: str
    size: Size
    darkened: bool


class Bundle(Planned):
    """Everything but files: the part of a preset's plan that is to be done elsewhere.

    `datasets` and `runs` are the plan's, by name. `groups` say which runs belong together, `costs` what each
    run costs as compared with others (multiply-adds). `needs` are the libraries that PyTorch does not bring,
    each with the modules that are imported of it. `commit` is that of the code.
    """

    format: Literal[1] = 1
    preset: str
    preset_label: str
    commit: str | None
    datasets: dict[str, DatasetPlan]
    runs: dict[str, RunPlan]
    groups: tuple[Group, ...]
    costs: dict[str, float]
    needs: dict[str, list[str]]

    @classmethod
    def read(cls, folder: Path) -> "Bundle":
        """Return what the bundle in `folder` says of itself.

        Raises:
            UserError: there is no bundle, or one of another format.
        """
        path = folder / FILE
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise UserError(f"{folder} is no bundle: {path} cannot be read ({error.strerror}).") from None
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(step) for step in first["loc"])
            raise UserError(f"{path} is not of this version of vreid: {where}: {first['msg']}.") from None

    def packs_of(self, dataset: str) -> list[PackPlan]:
        """Return the packs of `dataset` (a name) that the runs read, by folder."""
        darkened = self.datasets[dataset].darkened_packs()
        found: dict[str, PackPlan] = {}
        for run in self.runs.values():
            if run.config.dataset == dataset:
                stored = run.config.input.stored or run.config.input
                size = Size(height=stored.height, width=stored.width)
                for folder in (run.pack, *(test.pack for test in run.tests)):
                    found[folder] = PackPlan(folder=folder, size=size, darkened=folder in darkened)
        return [found[folder] for folder in sorted(found)]


class Places:
    """Where the files of a plan are: those that the bundle carries in its folder, all others in `out`."""

    def __init__(self, bundle: Path, out: Path) -> None:
        self.bundle, self.out = bundle.resolve(), out.resolve()

    def of(self, path: str) -> Path:
        """Return where `path`, relative as plans have it, is or will be made."""
        carried = self.bundle / path
        return carried if carried.exists() else self.out / path


def missing_parts(run: RunPlan, runs: Path) -> list[str]:
    """Return what has still to be done for a run whose folder is in `runs`: train, extract, evaluate."""
    home = runs.parent
    parts = [] if (runs / run.name / "run.json").is_file() else ["train"]
    if any(not (home / test.features / "rows.npy").is_file() for test in run.tests):
        parts.append("extract")
    if any(not (home / test.results).is_file() for test in run.tests):
        parts.append("evaluate")
    return parts


def done_runs(runs: Mapping[str, RunPlan], folder: Path) -> set[str]:
    """Return the names of the runs of which nothing is left to do in `folder`."""
    return {name for name, run in runs.items() if not missing_parts(run, folder)}
