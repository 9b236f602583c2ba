"""The plan: every dataset, run, table and page of a preset, each named after what it is made of.

It is resolved once (`vreid.params.resolve`), while the Snakefile is read, and written to a file that every
sub-command gets: a job does what was planned, whatever happens to params/ while it waits. All names that
end in a digest are decided by content (configuration, data, code), so a change makes new files beside the
old ones and going back costs nothing.
"""

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from vreid.params.atomic import write_text
from vreid.params.dataset import DatasetSpec
from vreid.params.errors import UserError
from vreid.params.fingerprint import digest_of
from vreid.params.read import suggest
from vreid.params.run import Test, TrainConfig

CellStatus = Literal["run", "cited", "dataset absent"]


class Planned(BaseModel):
    """Base of the plan's parts: immutable, and written to JSON and read back without loss."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatasetPlan(Planned):
    """One dataset of the plan.

    `raw` is its folder in its own layout. `version` names what is derived from it; it covers the content,
    the adapter and the code that indexes and packs. `present` is False for a real dataset that nobody has
    put in place. `packs` are the folders of its packed images: one for each input size of its runs, or the
    preset's size where no run uses it. `darkened` is the list of the darkened variant, if it has one.
    """

    name: str
    source: Literal["real", "synthetic"]
    present: bool
    raw: str
    version: str
    spec: DatasetSpec
    index: str
    splits: str
    darkened: str | None
    protocols: tuple[str, ...]
    packs: tuple[str, ...] = ()

    def rendered_images(self) -> int | None:
        """Return how many images are rendered, copies not counted; None if the data is real."""
        render = self.spec.render
        if self.source == "real" or render is None:
            return None
        return (render.train_ids + render.test_ids) * render.cameras_per_id * render.images_per_camera

    def darkened_packs(self) -> list[str]:
        """Return the packs of the darkened variant, one beside each of `packs`."""
        if self.darkened is None:
            return []
        variant = Path(self.darkened).stem.removeprefix(f"{self.version}-")
        return [f"{pack}-{variant}" for pack in self.packs]


class RunPlan(Planned):
    """One run: what is trained, on which packed images, and how it is evaluated.

    `same` lists the experiments (`paper/experiment`) that resolve to this very run; `baselines` is the file
    with the results of methods without training on the same queries, `report` the digest of its own page and
    `audit` that of its audit.
    """

    name: str
    paper: str
    experiment: str
    same: tuple[str, ...]
    config: TrainConfig
    pack: str
    test: Test
    protocols: tuple[str, ...]
    evaluation: str
    baselines: str
    report: str
    audit: str


class ColumnPlan(Planned):
    """One column of a table with its dataset and protocol filled in."""

    metric: str
    label: str
    dataset: str
    protocol: str


class CellPlan(Planned):
    """One cell of a table: the runs behind it, one per seed, and where their evaluations stand."""

    status: CellStatus
    runs: tuple[str, ...] = ()
    evaluations: tuple[str, ...] = ()


class RowPlan(Planned):
    """One row of a table; `row` counts from 1."""

    row: int
    label: str
    text: tuple[str, ...]
    kind: Literal["own", "cited"]
    cited_from: str | None
    paper: tuple[float | None, ...]
    experiment: str | None
    cells: tuple[CellPlan, ...]


class BaselinePlan(Planned):
    """Where the results of methods without training stand for one dataset and protocol."""

    dataset: str
    protocol: str
    file: str


class TablePlan(Planned):
    """One table: all that its making needs. `digest` covers it and the code that makes it."""

    paper: str
    table: str
    title: str
    caption: str
    citation: str
    preset: str
    preset_label: str
    source: Literal["real", "synthetic"]
    seeds: tuple[int, ...]
    recipe: tuple[str, ...]
    text_columns: tuple[str, ...]
    columns: tuple[ColumnPlan, ...]
    rows: tuple[RowPlan, ...]
    baselines: tuple[BaselinePlan, ...]
    digest: str = ""

    def evaluations(self) -> list[str]:
        """Return the evaluation files behind the table's cells, each once."""
        return sorted({file for row in self.rows for cell in row.cells for file in cell.evaluations})


class PagePlan(Planned):
    """One page of reports/: `parts` are the reports that it collects, in order, as paths below reports/."""

    title: str
    parts: tuple[str, ...]
    digest: str


class Plan(Planned):
    """Everything that a preset asks for. Keys: dataset, run, `paper/table`, and page below reports/.

    `audits` are the runs that are audited: each paper's main experiment with its first seed. `tracking` is
    the digest of what MLflow is to be told: the runs with their evaluations, and where it listens.
    """

    preset: str
    preset_label: str
    datasets: dict[str, DatasetPlan]
    runs: dict[str, RunPlan]
    tables: dict[str, TablePlan]
    pages: dict[str, PagePlan]
    audits: tuple[str, ...]
    tracking: str

    def write(self, folder: Path) -> Path:
        """Write the plan to `folder`, named by its digest, unless it is there; return the path."""
        text = self.model_dump_json(indent=1)
        path = folder / f"{digest_of(text, 16)}.json"
        if not path.exists():
            write_text(path, text + "\n")
        return path

    @classmethod
    def read(cls, path: Path) -> "Plan":
        """Return the plan that `write` left at `path`.

        Raises:
            UserError: there is no such file.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise UserError(f"{path}: no such plan; `vreid plan` shows what params/ asks for.") from None

    def run(self, name: str) -> RunPlan:
        """Return the run called `name`; a name without its digest will do if only one run has it.

        Raises:
            UserError: no run, or more than one, goes by that name.
        """
        if name in self.runs:
            return self.runs[name]
        found = [run for run in self.runs if run.startswith(f"{name}-")]
        if len(found) == 1:
            return self.runs[found[0]]
        if found:
            raise UserError(f"{name} could be any of {', '.join(found)}: say which.")
        raise UserError(f"the plan has no run {name}{suggest(name, list(self.runs))}.")

    def table(self, paper: str, table: str) -> TablePlan:
        """Return a paper's table.

        Raises:
            UserError: the plan has no such table.
        """
        key = f"{paper}/{table}"
        if key not in self.tables:
            raise UserError(f"the plan has no table {key}{suggest(key, list(self.tables))}.")
        return self.tables[key]

    def page(self, page: str) -> PagePlan:
        """Return a page.

        Raises:
            UserError: the plan has no such page.
        """
        if page not in self.pages:
            raise UserError(f"the plan has no page {page}{suggest(page, list(self.pages))}.")
        return self.pages[page]

    def report_digest(self, report: str) -> str:
        """Return the digest that a report (`tables/…`, `runs/…`, `audits/…`, a page …) records if fresh."""
        if report.startswith("tables/"):
            return self.table(*report.split("/")[1:]).digest
        if report.startswith("runs/"):
            return self.run(report.removeprefix("runs/")).report
        if report.startswith("audits/"):
            return self.run(report.split("/")[1]).audit
        return self.tracking if report == "tracking" else self.page(report).digest

    def stale_reports(self, folder: Path) -> list[str]:
        """Return the reports below `folder` that are there but not what the plan asks for."""
        names = [*(f"tables/{key}" for key in self.tables), *self.pages, "tracking"]
        names += [f"runs/{run}" for run in self.runs] + [f"audits/{run}/audit" for run in self.runs]
        files = {name: folder / f"{name}.json" for name in names}
        return [
            name
            for name, file in files.items()
            if file.exists() and recorded_digest(file) != self.report_digest(name)
        ]

    def present_runs(self) -> list[RunPlan]:
        """Return the runs whose dataset is there to be trained on."""
        return [run for run in self.runs.values() if self.datasets[run.config.dataset].present]

    def dataset(self, name: str) -> DatasetPlan:
        """Return a dataset by its name, by its version, or by the name of its raw folder.

        Raises:
            UserError: the plan has no such dataset.
        """
        for dataset in self.datasets.values():
            if name in (dataset.name, dataset.version, Path(dataset.raw).name):
                return dataset
        raise UserError(f"the plan has no dataset {name}{suggest(name, list(self.datasets))}.")


def recorded_digest(report: Path) -> str | None:
    """Return the digest that the JSON file of a report records; None if there is none to be read."""
    try:
        digest = json.loads(report.read_bytes()).get("digest")
    except (OSError, ValueError, AttributeError):
        return None
    return digest if isinstance(digest, str) else None
