"""The plan: every dataset, run, table and page of a preset, each named after what it is made of.

It is resolved once (`vreid.params.resolve`), while the Snakefile is read, and written to a file that every
sub-command gets: a job does what was planned, whatever happens to params/ while it waits. All names that
end in a digest are decided by content (configuration, data, code), so a change makes new files beside the
old ones and going back costs nothing.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from vreid.params.atomic import write_text
from vreid.params.dataset import DatasetSpec, Protocol
from vreid.params.errors import UserError
from vreid.params.figures import FigureSpec
from vreid.params.fingerprint import digest_of
from vreid.params.grim import Rate
from vreid.params.read import suggest
from vreid.params.run import Test, TrainConfig

CellStatus = Literal["run", "cited", "dataset absent", "not in this preset"]
SideStatus = Literal["run", "dataset absent", "not in this preset"]


Part = TypeVar("Part")


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
        return [self.darkened_pack(pack) for pack in self.packs] if self.darkened else []

    def darkened_pack(self, pack: str) -> str:
        """Return the folder of the darkened variant of a pack.

        Raises:
            ValueError: the dataset has no darkened variant.
        """
        if self.darkened is None:
            raise ValueError(f"{self.name} has no darkened variant")
        variant = Path(self.darkened).stem.removeprefix(f"{self.version}-")
        return f"{pack}-{variant}"


class TestPlan(Planned):
    """One way in which a run is tested.

    `pack` holds the images, `features` is the folder that theirs are extracted to, `evaluation` that of the
    results under the `protocols`.
    """

    __test__ = False  # no test of pytest's

    test: Test
    protocols: tuple[str, ...]
    pack: str
    features: str
    evaluation: str

    @property
    def results(self) -> str:
        """The file with the results."""
        return f"{self.evaluation}/evaluation.json"


class RunPlan(Planned):
    """One run: what is trained, on which packed images, and how it is tested.

    `same` lists the experiments (`paper/experiment`) that resolve to this very run; `tests` are the ways in
    which tables, figures and claims want it tested, the recipe's own first. `baselines` is the file with the
    results of methods without training on the same queries, `report` the digest of its own page and `audit`
    that of its audit.
    """

    name: str
    paper: str
    experiment: str
    same: tuple[str, ...]
    config: TrainConfig
    pack: str
    tests: tuple[TestPlan, ...]
    baselines: str
    report: str
    audit: str

    @property
    def test(self) -> Test:
        """How its recipe tests it; if no report wants that, the first way that one does."""
        return self.tests[0].test

    @property
    def protocols(self) -> tuple[str, ...]:
        """The protocols of its recipe's own test."""
        return self.tests[0].protocols

    @property
    def evaluation(self) -> str:
        """The folder with the results of its recipe's own test."""
        return self.tests[0].evaluation

    def tested(self, evaluation: str) -> TestPlan:
        """Return the test whose results stand in the folder called `evaluation`.

        Raises:
            UserError: there is none.
        """
        for test in self.tests:
            if Path(test.evaluation).name == evaluation:
                return test
        names = [Path(test.evaluation).name for test in self.tests]
        raise UserError(f"{self.name} has no {evaluation}, only {', '.join(names)}.")

    def on_images(self, images: str) -> TestPlan:
        """Return a test of the `original` or the `darkened` images.

        Raises:
            UserError: the run is not tested on such images.
        """
        for test in self.tests:
            if test.test.images == images:
                return test
        raise UserError(f"{self.name} is not tested on {images} images.")


class ColumnPlan(Planned):
    """One column of a table with its dataset and protocol filled in."""

    metric: str
    label: str
    dataset: str
    protocol: str
    variant: str | None = None
    test: dict[str, Any] = {}


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


class ReportPlan(Planned):
    """What every table, figure and sheet of claims says about how ours was made.

    `digest` covers the whole plan and the code that makes the report.
    """

    paper: str
    title: str
    citation: str
    preset: str
    preset_label: str
    source: Literal["real", "synthetic"]
    seeds: tuple[int, ...]
    digest: str = ""


class DeparturesPlan(Planned):
    """In what some of a table's runs depart from the paper's recipe.

    They are those of the `rows` and `columns`, both counted from 1; none named are all.
    """

    rows: tuple[int, ...] = ()
    columns: tuple[int, ...] = ()
    lines: tuple[str, ...]


class TablePlan(ReportPlan):
    """One table: all that its making needs.

    `recipe` is in what all of its runs depart from the paper's recipe, `recipe_in` in what only some do.
    """

    table: str
    caption: str
    recipe: tuple[str, ...]
    recipe_in: tuple[DeparturesPlan, ...] = ()
    text_columns: tuple[str, ...]
    columns: tuple[ColumnPlan, ...]
    rows: tuple[RowPlan, ...]
    baselines: tuple[BaselinePlan, ...]

    def evaluations(self) -> list[str]:
        """Return the evaluation files behind the table's cells, each once."""
        return sorted({file for row in self.rows for cell in row.cells for file in cell.evaluations})


class ResultPlan(Planned):
    """One run tested in one way: what a figure is drawn from."""

    run: str
    experiment: str
    dataset: str
    protocol: str
    pack: str
    features: str
    evaluation: str

    @property
    def per_query(self) -> str:
        """The file with one line per query."""
        return f"{self.evaluation}/per_query.parquet"


class MethodPlan(Planned):
    """One method of a figure: its runs, one per seed; none unless `status` is run."""

    label: str
    experiment: str
    status: SideStatus
    results: tuple[ResultPlan, ...] = ()


class FigurePlan(ReportPlan):
    """One figure: all that its making needs.

    `spec` is what the paper's file says of it. `methods` are those of the spec, in its order: its methods,
    the points of a sweep followed by what they must equal, or its one run. `datasets` are those that are
    shown, by name.
    """

    figure: str
    caption: str
    spec: FigureSpec
    methods: tuple[MethodPlan, ...]
    datasets: dict[str, DatasetPlan]

    def inputs(self) -> list[str]:
        """Return the files and folders that it is made from, each once."""
        results = [result for method in self.methods for result in method.results]
        files = {f"{result.evaluation}/evaluation.json" for result in results}
        files |= {f"{result.evaluation}/per_query.parquet" for result in results}
        files |= {f"{result.features}/rows.npy" for result in results}
        files |= {f"runs/{result.run}/model.safetensors" for result in results}
        files |= {result.pack for result in results}
        shown = [dataset for dataset in self.datasets.values() if dataset.present]
        files |= {file for dataset in shown for file in (dataset.index, dataset.splits)}
        if self.spec.kind == "darkened":
            files |= {
                pack for dataset in shown for pack in (*dataset.packs[:1], *dataset.darkened_packs()[:1])
            }
            files |= {dataset.darkened for dataset in shown if dataset.darkened}
        return sorted(files)


class SidePlan(Planned):
    """One side of a comparison: the per-query results of an experiment, one file per seed.

    `label` is made of the keys in params/, `row` of what the paper's table calls it; None if no row is it.
    With `minus`, the score of a query is this side's less the other's.
    """

    label: str
    row: str | None = None
    metric: str
    dataset: str
    protocol: str
    status: SideStatus
    runs: tuple[str, ...] = ()
    per_query: tuple[str, ...] = ()
    minus: "SidePlan | None" = None

    def files(self) -> list[str]:
        """Return the per-query files of both scores."""
        return [*self.per_query, *(self.minus.files() if self.minus else [])]


class PairPlan(Planned):
    """One comparison; `paper` is the paper's difference in percentage points."""

    better: SidePlan
    worse: SidePlan
    paper: float | None


class ClaimPlan(Planned):
    """One claim; `best` is one experiment against each of several.

    `rows_of` is the table whose rows its sides are named after, if `where` does not name it. `remarks` are
    what a reader has to know of it: contradictions that were checked.
    """

    id: str
    says: str
    where: str
    rows_of: str | None = None
    remarks: tuple[str, ...] = ()
    metric: str
    kind: Literal["pairs", "best"]
    pairs: tuple[PairPlan, ...]


class InconsistencyPlan(Planned):
    """A contradiction within the paper; `shown` is its check with the paper's numbers filled in."""

    id: str
    where: str
    says: str
    check: str | None
    holds: bool | None
    shown: str | None


class DeviationPlan(Planned):
    """A point that the paper leaves open, contradicts, or that was taken otherwise than printed.

    `key` is the parameter, or the decision's id where it is no single one; `printed` what the paper says.
    """

    key: str
    where: str | None
    printed: str
    taken: str
    because: str
    alternatives: tuple[str, ...]


class RatePlan(Planned):
    """A rank-k rate as a row of a table prints it."""

    text: str
    decimals: int
    row: str
    table: str

    @property
    def rate(self) -> Rate:
        """The rate, in units of its last decimal."""
        return Rate.of(self.text, self.decimals)


class TriedPlan(Planned):
    """How the distinct values of some rates come off against a number of queries.

    `telling` values might have been impossible, `impossible` ones are, `cut_off` of them would be if further
    digits were dropped and not rounded. `odds` is the probability that random values have as few, `expected`
    how many they have on average (`vreid.params.grim`); odds say nothing if the number was `inferred` from
    such values.
    """

    says: str
    queries: int
    draws: int
    telling: int
    impossible: tuple[str, ...]
    cut_off: int
    odds: float
    expected: float
    inferred: bool = False


class SearchPlan(Planned):
    """The numbers of queries that all distinct `values` fit, of those `between` two, both included.

    `number` is how many do, `fitting` the first of them; random values would let `by_chance` of them fit.
    """

    between: tuple[int, int]
    values: int
    number: int
    fitting: tuple[int, ...]
    by_chance: float


class RestPlan(Planned):
    """A search among the rows that fit `queries` whole; the others, `without`, are of other queries."""

    queries: int
    without: tuple[str, ...]
    search: SearchPlan


class CountedPlan(Planned):
    """Where a real dataset's queries are counted: its index, and the protocol that forms them."""

    index: str
    protocol: Protocol


class RatesPlan(Planned):
    """All rates of a paper that are of one dataset and protocol: its own, or those that it quotes.

    `search` is None where it would tell nothing; `counted` is None unless the real dataset is there.
    """

    dataset: str
    protocol: str
    kind: Literal["own", "quoted"]
    rates: tuple[RatePlan, ...]
    tried: tuple[TriedPlan, ...]
    search: SearchPlan | None = None
    rest: RestPlan | None = None
    counted: CountedPlan | None = None


class DifferencesPlan(Planned):
    """Differences that the claims quote, against those of the tables' values.

    Of `checked` differences `equal` are the same; the others are named, with what the tables give.
    """

    checked: int = 0
    equal: int = 0
    within_rounding: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()


class DecimalsPlan(Planned):
    """What the printed decimals of a paper say: its rates, mAP that one match cannot give, differences."""

    rates: tuple[RatesPlan, ...] = ()
    bounds: tuple[str, ...] = ()
    differences: DifferencesPlan = DifferencesPlan()


class ClaimsPlan(ReportPlan):
    """What is said of a paper beside its tables. `shortened` says that the preset trains for less long."""

    shortened: bool
    claims: tuple[ClaimPlan, ...]
    inconsistencies: tuple[InconsistencyPlan, ...]
    deviations: tuple[DeviationPlan, ...]
    decimals: DecimalsPlan = DecimalsPlan()

    def inputs(self) -> list[str]:
        """Return the per-query files behind the claims, and the indexes of real datasets, each once."""
        sides = [side for claim in self.claims for pair in claim.pairs for side in (pair.better, pair.worse)]
        indexes = {group.counted.index for group in self.decimals.rates if group.counted}
        return sorted({file for side in sides for file in side.files()} | indexes)


class PagePlan(Planned):
    """One page of reports/: `parts` are the reports that it collects, in order, as paths below reports/."""

    title: str
    parts: tuple[str, ...]
    digest: str


class Plan(Planned):
    """Everything that a preset asks for.

    Keys: dataset, run, `paper/table`, `paper/figure`, paper, and page below reports/.

    `site` is the page of everything, reports/index.html. `audits` are the runs that are audited: each paper's
    main experiment with its first seed. `tracking` is the digest of what MLflow is to be told: the runs with
    their evaluations, and where it listens.
    """

    preset: str
    preset_label: str
    datasets: dict[str, DatasetPlan]
    runs: dict[str, RunPlan]
    tables: dict[str, TablePlan]
    figures: dict[str, FigurePlan]
    claims: dict[str, ClaimsPlan]
    pages: dict[str, PagePlan]
    site: PagePlan
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
            UserError: there is no such file, or it holds no plan of this version.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise UserError(f"{path}: no such plan; `vreid plan` shows what params/ asks for.") from None
        except ValidationError as error:
            raise UserError(
                f"{path} holds no plan ({error.errors()[0]['msg']}): leave --plan out, or start the "
                "pipeline, which writes it anew."
            ) from None

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
        return _named(f"{paper}/{table}", "table", self.tables)

    def figure(self, paper: str, figure: str) -> FigurePlan:
        """Return a paper's figure.

        Raises:
            UserError: the plan has no such figure.
        """
        return _named(f"{paper}/{figure}", "figure", self.figures)

    def claims_of(self, paper: str) -> ClaimsPlan:
        """Return what is claimed in a paper.

        Raises:
            UserError: the plan has no such paper.
        """
        return _named(paper, "paper", self.claims)

    def page(self, page: str) -> PagePlan:
        """Return a page.

        Raises:
            UserError: the plan has no such page.
        """
        return _named(page, "page", self.pages)

    def report_digest(self, report: str) -> str:
        """Return the digest that a report (`tables/…`, `runs/…`, `audits/…`, a page …) records if fresh."""
        kind, _, name = report.partition("/")
        if kind == "tables":
            return self.table(*name.split("/")).digest
        if kind == "figures":
            return self.figure(*name.split("/")).digest
        if kind == "claims" and name:  # without one it is the page of all claims
            return self.claims_of(name).digest
        if kind == "runs":
            return self.run(name).report
        if kind == "audits":
            return self.run(name.split("/")[0]).audit
        if report == "index":
            return self.site.digest
        return self.tracking if report == "tracking" else self.page(report).digest

    def stale_reports(self, folder: Path) -> list[str]:
        """Return the reports below `folder` that are there but not what the plan asks for."""
        names = [*(f"tables/{key}" for key in self.tables), *self.pages, "index", "tracking"]
        names += [f"figures/{key}" for key in self.figures] + [f"claims/{paper}" for paper in self.claims]
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


def _named(name: str, kind: str, among: Mapping[str, Part]) -> Part:
    if name not in among:
        raise UserError(f"the plan has no {kind} {name}{suggest(name, list(among))}.")
    return among[name]


def recorded_digest(report: Path) -> str | None:
    """Return the digest that the JSON file of a report records; None if there is none to be read."""
    try:
        digest = json.loads(report.read_bytes()).get("digest")
    except (OSError, ValueError, AttributeError):
        return None
    return digest if isinstance(digest, str) else None
