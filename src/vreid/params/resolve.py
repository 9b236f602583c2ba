"""Resolves params/ for one preset into the plan."""

import json
import os
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from vreid.params import overrides
from vreid.params.dataset import DatasetSpec
from vreid.params.errors import UserError
from vreid.params.fingerprint import code_digest, digest_of
from vreid.params.listing import listing_digest, table_digest
from vreid.params.paper import Column, Paper, Reading, Row, Table
from vreid.params.plan import (
    BaselinePlan,
    CellPlan,
    ColumnPlan,
    DatasetPlan,
    PagePlan,
    Plan,
    RowPlan,
    RunPlan,
    TablePlan,
)
from vreid.params.preset import Preset, WorkflowSettings
from vreid.params.read import read_yaml, suggest, validate
from vreid.params.run import Input, Test, TrainConfig


def load(params: Path = Path("params"), preset: str | None = None) -> Plan:
    """Read `params/` and resolve it for `preset` (the one in params/workflow.yaml when None).

    Raises:
        UserError: anything in params/ that is misspelt, of a wrong type, contradictory or missing.
    """
    if preset is None:
        path = params / "workflow.yaml"
        preset = validate(WorkflowSettings, read_yaml(path), str(path)).preset
    return _Resolver(params, preset).plan()


class _Resolver:
    """Holds what is read from params/ while the plan is put together."""

    def __init__(self, params: Path, preset: str) -> None:
        self.preset_name = preset
        self.preset_file = params / "presets" / f"{preset}.yaml"
        self.preset = validate(Preset, read_yaml(self.preset_file), str(self.preset_file))
        self.paper_files = {path.stem: path for path in sorted((params / "papers").glob("*.yaml"))}
        self.papers = {
            name: validate(Paper, read_yaml(path), str(path)) for name, path in self.paper_files.items()
        }
        self.dataset_files = {path.stem: path for path in sorted((params / "datasets").glob("*.yaml"))}
        self.datasets: dict[str, DatasetPlan] = {}
        self.runs: dict[str, RunPlan] = {}
        self._names: dict[str, str] = {}
        for section, folder, known in (
            ("papers", "papers", self.papers),
            ("datasets", "datasets", self.dataset_files),
            ("packs", "datasets", self.dataset_files),
        ):
            for name in getattr(self.preset, section):
                if name not in known:
                    raise UserError(
                        f"{self.preset_file}: `{section}.{name}`: params/{folder}/ has no {name}.yaml"
                        f"{suggest(name, list(known))}."
                    )

    def plan(self) -> Plan:
        for name, paper in self.papers.items():
            for experiment in paper.experiments:
                where = f"{self.paper_files[name]}: experiments.{experiment}"
                self._validated(self._as_printed(name, paper, experiment), where)
        runs = {name: self._runs_of(name, paper) for name, paper in self.papers.items()}
        tables = {
            f"{name}/{key}": self._table(name, paper, key, table, runs[name])
            for name, paper in self.papers.items()
            for key, table in paper.tables.items()
        }
        return Plan(
            preset=self.preset_name,
            preset_label=self.preset.says,
            datasets={name: self._with_packs(name) for name in self.dataset_files},
            runs=self.runs,
            tables=tables,
            pages=self._pages(tables),
            audits=tuple(
                runs[name][paper.main][0] for name, paper in self.papers.items() if paper.main in runs[name]
            ),
            tracking=self._tracking(),
        )

    def _tracking(self) -> str:
        evaluations = [run.evaluation for run in self.runs.values()]
        return digest_of([evaluations, os.environ.get("MLFLOW_TRACKING_URI", "")], 16)

    def _pages(self, tables: Mapping[str, TablePlan]) -> dict[str, PagePlan]:
        """One page for each paper, and one for all."""
        parts = {name: [key for key in tables if key.startswith(f"{name}/")] for name in self.papers}
        pages = {f"papers/{name}": (self.papers[name].paper.citation(), keys) for name, keys in parts.items()}
        pages["all_tables"] = ("All tables", list(tables))
        code = code_digest(["vreid.reporting.collect"])
        return {
            page: PagePlan(
                title=title,
                parts=tuple(f"tables/{key}" for key in keys),
                digest=digest_of([title, [tables[key].digest for key in keys], code], 16),
            )
            for page, (title, keys) in pages.items()
        }

    def _runs_of(self, name: str, paper: Paper) -> dict[str, list[str]]:
        """Resolve the runs of each experiment that a table shows, one per seed; return their names."""
        return {
            experiment: [self._run(name, paper, experiment, seed, wanted) for seed in self.preset.seeds]
            for experiment, wanted in self._protocols_wanted(name, paper).items()
        }

    def _protocols_wanted(self, name: str, paper: Paper) -> dict[str, set[tuple[str, str]]]:
        """Map each experiment that a table shows to the (dataset, protocol) pairs of its columns."""
        wanted: dict[str, set[tuple[str, str]]] = {}
        for table in paper.tables.values():
            columns = self._columns(name, paper, table)
            for row in table.rows:
                if row.run is not None:
                    wanted.setdefault(row.run, set()).update((c.dataset, c.protocol) for c in columns)
        return wanted

    def _columns(self, name: str, paper: Paper, table: Table) -> tuple[ColumnPlan, ...]:
        return tuple(self._column(name, paper, table, column) for column in table.columns)

    def _column(self, name: str, paper: Paper, table: Table, column: Column) -> ColumnPlan:
        dataset = column.dataset or paper.defaults.get("dataset")
        if not isinstance(dataset, str):
            raise UserError(f"{self.paper_files[name]}: `defaults.dataset` is missing.")
        plan = self._dataset(dataset, str(self.paper_files[name]))
        protocol = column.protocol or table.protocol or plan.protocols[0]
        if protocol not in plan.protocols:
            near = suggest(protocol, list(plan.protocols))
            raise UserError(f"{self.paper_files[name]}: {dataset} has no protocol {protocol!r}{near}.")
        return ColumnPlan(
            metric=column.metric,
            label=column.label or column.metric,
            dataset=dataset,
            protocol=protocol,
        )

    def _dataset(self, name: str, named_in: str) -> DatasetPlan:
        """Return a dataset that a paper asks for: it has to be of the preset's source."""
        if name not in self.dataset_files:
            near = suggest(name, list(self.dataset_files))
            raise UserError(f"{named_in}: the dataset {name!r} has no file in params/datasets/{near}.")
        dataset = self._any_dataset(name)
        if dataset.source != self.preset.source:
            raise UserError(
                f"{self.dataset_files[name]}: `render` is missing: this dataset has no rendered stand-in."
            )
        return dataset

    def _any_dataset(self, name: str) -> DatasetPlan:
        if name not in self.datasets:
            self.datasets[name] = self._resolve_dataset(name)
        return self.datasets[name]

    def _with_packs(self, name: str) -> DatasetPlan:
        """Complete a dataset by its packs: those of its runs, or else one of the preset's size."""
        dataset = self._any_dataset(name)
        packs = sorted({run.pack for run in self.runs.values() if run.config.dataset == name})
        size = self.preset.packs.get(name) or self._input_size()
        if not packs and size is not None:
            packs = [_pack(dataset, size)]
        return dataset.model_copy(update={"packs": tuple(packs)})

    def _input_size(self) -> Input | None:
        """Return the size of the network's input that the preset gives all runs, if it does."""
        where = f"{self.preset_file}: overrides"
        changes = {key: value for key, value in self.preset.overrides.items() if key.split(".")[0] == "input"}
        given = overrides.apply({"input": {}}, changes, where)["input"]
        return validate(Input, given, f"{where}.input") if given else None

    def _resolve_dataset(self, name: str) -> DatasetPlan:
        where = str(self.dataset_files[name])
        raw = read_yaml(self.dataset_files[name])
        changes = {f"render.{key}": value for key, value in self.preset.datasets.get(name, {}).items()}
        spec = validate(DatasetSpec, raw, where)
        if changes:
            changed = f"{self.preset_file}: datasets.{name}"
            spec = validate(DatasetSpec, overrides.apply(raw, changes, changed), changed)
        # One's own data has no stand-in; it is what it is whatever the preset says.
        source = self.preset.source if spec.render is not None else "real"
        if source == "synthetic":
            content = _rendered_content(name, spec, where)
            folder, present = f"data/raw/synthetic/{name}-{content}", True
        else:
            folder = f"data/raw/real/{name}"
            present = Path(folder).is_dir()
            content = _real_content(Path(folder), spec)[:8] if present else "absent"
        code = code_digest(
            [
                f"vreid.datasets.adapters.{spec.adapter}",
                "vreid.datasets.indexing",
                "vreid.datasets.pack",
            ]
        )
        made_of = [content, spec.content_key(), code, _versions("pillow", "numpy")]
        versioned = f"{name}-{digest_of(made_of, 8)}"
        protocols = [protocol.model_dump(mode="json") for protocol in spec.protocols]
        splits = digest_of([versioned, protocols, code_digest(["vreid.datasets.split"])], 8)
        return DatasetPlan(
            name=name,
            source=source,
            present=present,
            raw=folder,
            version=versioned,
            spec=spec,
            index=f"data/index/{source}/{versioned}.parquet",
            splits=f"data/splits/{source}/{versioned}-{splits}.parquet",
            darkened=_darkened(source, versioned, spec),
            protocols=tuple(protocol.name for protocol in spec.protocols),
        )

    def _run(
        self,
        paper_name: str,
        paper: Paper,
        experiment: str,
        seed: int,
        wanted: set[tuple[str, str]],
    ) -> str:
        """Add one run to the plan, or one more experiment to the run that is the same; return its name."""
        where = f"{self.paper_files[paper_name]}: experiments.{experiment}"
        recipe = self._resolved(paper_name, paper, experiment)
        dataset = self._dataset(str(recipe["dataset"]), where)
        config, test = self._validated(recipe, f"{self.preset_file} on {where}")
        config = config.model_copy(
            update={
                "source": dataset.source,
                "data": dataset.version,
                "code": _training_code(config),
                "seed": seed,
            }
        )
        digest = digest_of(config.model_dump(mode="json"))
        name = self._names.setdefault(digest, f"{paper_name}-{experiment}-{dataset.name}-s{seed}-{digest}")
        earlier = self.runs.get(name)
        if earlier and earlier.test != test:
            raise UserError(
                f"{where}: trains the same network as {earlier.same[0]} but tests it otherwise; one run is "
                "evaluated in one way: change something that is trained, or leave `test` as it is."
            )
        if any(of != dataset.name for of, _ in wanted):
            raise UserError(
                f"{where}: trains on {dataset.name}, but stands in a table with a column of another dataset."
            )
        protocols = {protocol for of, protocol in wanted if of == dataset.name}
        protocols |= set(earlier.protocols) if earlier else set()
        evaluation = digest_of(
            [
                test.model_dump(mode="json"),
                sorted(protocols),
                dataset.splits,
                code_digest(["vreid.evaluation.run"]),
            ],
            8,
        )
        pack = _pack(dataset, config.input)
        baselines = digest_of([dataset.splits, code_digest(["vreid.evaluation.baselines"])], 8)
        self.runs[name] = RunPlan(
            name=name,
            paper=earlier.paper if earlier else paper_name,
            experiment=earlier.experiment if earlier else experiment,
            same=(*(earlier.same if earlier else ()), f"{paper_name}/{experiment}"),
            config=config,
            pack=pack,
            test=test,
            protocols=tuple(sorted(protocols)),
            evaluation=f"runs/{name}/eval-{evaluation}",
            baselines=f"data/baselines/{dataset.source}/{Path(pack).name}-{baselines}.json",
            report=digest_of([name, evaluation, baselines, code_digest(["vreid.reporting.own"])], 16),
            audit=digest_of(
                [name, evaluation, code_digest(["vreid.evaluation.audit", "vreid.cli.evaluate"])], 16
            ),
        )
        return name

    def _validated(self, recipe: dict[str, Any], where: str) -> tuple[TrainConfig, Test]:
        """Check a recipe; the configuration's data, code and seed are still to be filled in."""
        of_the_run = {"source": self.preset.source, "data": "", "code": "", "seed": 0}
        train = {key: value for key, value in recipe.items() if key != "test"}
        config = validate(TrainConfig, {**train, **of_the_run}, where)
        return config, validate(Test, recipe.get("test", {}), f"{where}: test")

    def _resolved(self, paper_name: str, paper: Paper, experiment: str) -> dict[str, Any]:
        """Return an experiment's recipe under the preset, as plain values.

        The preset changes the paper's defaults; what makes the experiment differ from them comes last, so
        that no preset hides it.
        """
        file, where = str(self.preset_file), f"{self.paper_files[paper_name]}: experiments.{experiment}"
        recipe = overrides.apply(paper.defaults, self.preset.overrides, f"{file}: overrides")
        recipe = overrides.apply(
            recipe, self.preset.papers.get(paper_name, {}), f"{file}: papers.{paper_name}"
        )
        recipe = overrides.apply(recipe, paper.experiments[experiment] or {}, where)
        if self.preset.epochs is not None:
            recipe["schedule"] = shortened(recipe["schedule"], self.preset.epochs)
        return recipe

    def _as_printed(self, paper_name: str, paper: Paper, experiment: str) -> dict[str, Any]:
        where = f"{self.paper_files[paper_name]}: experiments.{experiment}"
        return overrides.apply(paper.defaults, paper.experiments[experiment] or {}, where)

    def _table(
        self, paper_name: str, paper: Paper, key: str, table: Table, runs: Mapping[str, list[str]]
    ) -> TablePlan:
        columns = self._columns(paper_name, paper, table)
        experiments = sorted({row.run for row in table.rows if row.run is not None})
        plan = TablePlan(
            paper=paper_name,
            table=key,
            title=key.replace("table", "Table "),
            caption=table.caption,
            citation=paper.paper.citation(),
            preset=self.preset_name,
            preset_label=self.preset.says,
            source=self.preset.source,
            seeds=self.preset.seeds,
            recipe=tuple(self._recipe(paper_name, paper, experiments)),
            text_columns=table.text_columns,
            columns=columns,
            rows=tuple(self._row(n, row, columns, runs) for n, row in enumerate(table.rows, start=1)),
            baselines=self._baselines(columns, [name for e in experiments for name in runs[e]]),
        )
        code = code_digest(["vreid.reporting.tables"])
        return plan.model_copy(update={"digest": digest_of([plan.model_dump(mode="json"), code], 16)})

    def _baselines(self, columns: tuple[ColumnPlan, ...], runs: list[str]) -> tuple[BaselinePlan, ...]:
        """Name the baselines for a table's datasets and protocols, at the input size of its first run."""
        found: dict[tuple[str, str], BaselinePlan] = {}
        for run in (self.runs[name] for name in runs):
            for column in columns:
                if column.dataset == run.config.dataset and self.datasets[column.dataset].present:
                    key = (column.dataset, column.protocol)
                    found.setdefault(key, BaselinePlan(dataset=key[0], protocol=key[1], file=run.baselines))
        return tuple(found.values())

    def _row(
        self, number: int, row: Row, columns: tuple[ColumnPlan, ...], runs: Mapping[str, list[str]]
    ) -> RowPlan:
        cells = []
        for column in columns:
            if row.run is None:
                cells.append(CellPlan(status="cited"))
            elif not self.datasets[column.dataset].present:
                cells.append(CellPlan(status="dataset absent"))
            else:
                mine = [self.runs[name] for name in runs[row.run]]
                cells.append(
                    CellPlan(
                        status="run",
                        runs=tuple(run.name for run in mine),
                        evaluations=tuple(f"{run.evaluation}/evaluation.json" for run in mine),
                    )
                )
        return RowPlan(
            row=number,
            label=row.label,
            text=row.text,
            kind="cited" if row.run is None else "own",
            cited_from=row.cited,
            paper=row.paper,
            experiment=row.run,
            cells=tuple(cells),
        )

    def _recipe(self, paper_name: str, paper: Paper, experiments: list[str]) -> Iterator[str]:
        """Say where the preset departs from the printed recipe of the experiments, each key once."""
        said: set[str] = set()
        for experiment in experiments:
            file = str(self.paper_files[paper_name])
            ours = self._validated(self._resolved(paper_name, paper, experiment), file)
            theirs = self._validated(self._as_printed(paper_name, paper, experiment), file)
            for mine, read in zip(ours, theirs, strict=True):
                values = mine.model_dump(mode="json")
                found = {
                    key: (a, b) for key, a, b in overrides.differences(values, read.model_dump(mode="json"))
                }
                for key, reading in paper.readings.items():
                    value = overrides.look_up(values, key)
                    if reading.printed is not None and value is not None:
                        found.setdefault(key, (value, value))
                for key, (a, b) in found.items():
                    if not key.startswith("engine."):  # how it is computed is no part of a paper's recipe
                        line = f"{key}: {_plain(a)} ({_as_read(paper.readings.get(key), a, b)})"
                        if line not in said:
                            said.add(line)
                            yield line


def shortened(schedule: Mapping[str, Any], epochs: int) -> dict[str, Any]:
    """Return a schedule of `epochs` epochs whose milestones and warm-up keep their share of the whole."""
    factor = epochs / schedule["epochs"]
    result = {**schedule, "epochs": epochs}
    if "milestones" in schedule:
        result["milestones"] = [round(milestone * factor, 6) for milestone in schedule["milestones"]]
    if schedule.get("warmup"):
        warmup = schedule["warmup"]
        result["warmup"] = {**warmup, "epochs": round(warmup["epochs"] * factor, 6)}
    return result


def _training_code(config: TrainConfig) -> str:
    """Digest of the code that trains and extracts: the model, the losses and the training package."""
    roots = ["vreid.training.engine", "vreid.training.extract", f"vreid.models.{config.model.name}"]
    code = code_digest([*roots, *(f"vreid.losses.{loss.name}" for loss in config.losses)])
    return digest_of([code, _versions("torch", "torchvision", "numpy")], 16)


def _versions(*libraries: str) -> list[str]:
    """Name the installed versions of the libraries whose arithmetic a result depends on."""
    return [f"{library} {version(library)}" for library in libraries]


def _rendered_content(name: str, spec: DatasetSpec, where: str) -> str:
    """Digest of what is rendered: the recipe and the code of the renderer."""
    try:
        code = code_digest(["vreid.synthetic.render", f"vreid.synthetic.writers.{name}"])
    except ModuleNotFoundError:
        raise UserError(
            f"{where}: `render` says how to render {name}, but no module vreid.synthetic.writers.{name} "
            "writes its layout; leave `render` out for data of your own."
        ) from None
    render = spec.render.model_dump(mode="json") if spec.render else None
    return digest_of([name, render, code], 8)


def _pack(dataset: DatasetPlan, size: Input) -> str:
    return f"data/packed/{dataset.source}/{dataset.version}-{size.height}x{size.width}"


def _darkened(source: str, version: str, spec: DatasetSpec) -> str | None:
    """Return where the list of darkened images stands; it is named by its draw."""
    if spec.darkened is None:
        return None
    code = code_digest(["vreid.datasets.darken"])
    digest = digest_of([version, spec.darkened.model_dump(mode="json"), code], 8)
    return f"data/splits/{source}/{version}-darkened-{digest}.parquet"


def _real_content(root: Path, spec: DatasetSpec) -> str:
    return table_digest(root / spec.table) if spec.table else listing_digest(root)


def _as_read(reading: Reading | None, ours: Any, read: Any) -> str:
    """Say what the paper prints at a key, and how it was read where that is another thing."""
    if reading is None:
        return f"paper: {_plain(read)}"
    printed = "unprinted" if reading.printed is None else f"printed {_plain(reading.printed)}"
    return f"paper: {printed}" if ours == read else f"paper: {printed}, taken as {_plain(read)}"


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
