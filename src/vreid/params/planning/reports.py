"""Resolves what is made of the runs: tables, figures, claims and pages."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from vreid.params import overrides
from vreid.params.arithmetic import check
from vreid.params.claims import Claim, Pair, Side
from vreid.params.errors import UserError
from vreid.params.figures import (
    Attributes,
    Darkened,
    FigureSpec,
    Method,
    OfMethods,
    OfOneRun,
    Sweep,
)
from vreid.params.fingerprint import code_digest, digest_of
from vreid.params.grim import Rate
from vreid.params.metrics import TRAINING_TIME
from vreid.params.paper import Column, Row, Table
from vreid.params.plan import (
    BaselinePlan,
    CellPlan,
    CellStatus,
    ClaimPlan,
    ClaimsPlan,
    ColumnPlan,
    CountedPlan,
    DatasetPlan,
    DecimalsPlan,
    DeviationPlan,
    DifferencesPlan,
    FigurePlan,
    InconsistencyPlan,
    MethodPlan,
    PairPlan,
    RatePlan,
    RatesPlan,
    ReportPlan,
    ResultPlan,
    RowPlan,
    SidePlan,
    SideStatus,
    TablePlan,
)
from vreid.params.planning.datasets import Datasets
from vreid.params.planning.decimals import Candidate, bounds, candidates, difference, rates_plan
from vreid.params.planning.departures import Cell, gathered
from vreid.params.planning.recipes import Binding, Recipes, plain
from vreid.params.planning.rows import rows_of, table_title
from vreid.params.planning.runs import Runs
from vreid.params.preset import Preset
from vreid.params.read import suggest

Source = Side | Method | OfOneRun


class Reports:
    """The reports of one paper: first `want` tells `runs` what they need, then they are planned."""

    def __init__(
        self, recipes: Recipes, datasets: Datasets, runs: Runs, preset_name: str, preset: Preset
    ) -> None:
        self._recipes = recipes
        self._paper = recipes.paper
        self._datasets = datasets
        self._runs = runs
        self._planned_columns: dict[int, tuple[ColumnPlan, ...]] = {}
        self._heading: dict[str, Any] = {
            "paper": recipes.name,
            "citation": recipes.paper.paper.citation(),
            "preset": preset_name,
            "preset_label": preset.says,
            "source": preset.source,
            "seeds": recipes.seeds,
        }

    def want(self) -> None:
        """Tell what the tables, claims and figures of the paper need evaluated.

        Raises:
            UserError: a column, claim or figure names a dataset or protocol that does not exist.
        """
        for table in self._paper.tables.values():
            columns = self._columns(table)
            for row in table.rows:
                for column, planned in zip(table.columns, columns, strict=True):
                    if row.run is not None:
                        binding = _in_column(row.run, column)
                        self._check_dataset(binding, planned, row)
                        self._runs.want(self._recipes, binding, planned.protocol)
        for claim in self._paper.claims:
            for pair in claim.all_pairs():
                for side in (pair.better, pair.worse):
                    self._want_side(side)
        for figure in self._paper.figures.values():
            for _, binding, protocol in self._methods(figure):
                self._runs.want(self._recipes, binding, protocol)

    def tables(self) -> dict[str, TablePlan]:
        """Return the tables by name."""
        return {key: self._table(key, table) for key, table in self._paper.tables.items()}

    def figures(self) -> dict[str, FigurePlan]:
        """Return the figures by name."""
        return {key: self._figure(key, figure) for key, figure in self._paper.figures.items()}

    def claims(self) -> ClaimsPlan:
        """Return the claims, the contradictions found in the paper, and what was read into it.

        Raises:
            UserError: the check of a contradiction cannot be computed or does not come out as declared.
        """
        plan = ClaimsPlan(
            **self._heading,
            title=self._paper.paper.title,
            shortened=self._recipes.shortens(),
            claims=tuple(self._claim(claim) for claim in self._paper.claims),
            inconsistencies=tuple(self._inconsistencies()),
            deviations=tuple(self._deviations()),
            decimals=DecimalsPlan(
                rates=tuple(self._rates()), bounds=tuple(self._bounds()), differences=self._differences()
            ),
        )
        return plan.model_copy(
            update={"digest": _digest(plan, "vreid.reporting.claims", "vreid.reporting.deviations")}
        )

    # Tables

    def _columns(self, table: Table) -> tuple[ColumnPlan, ...]:
        if id(table) not in self._planned_columns:
            self._planned_columns[id(table)] = tuple(self._column(table, one) for one in table.columns)
        return self._planned_columns[id(table)]

    def _column(self, table: Table, column: Column) -> ColumnPlan:
        own = [row.run for row in table.rows if row.run is not None]
        first = _in_column(own[0] if own else self._paper.main, column)
        dataset = self._datasets.wanted(self._recipes.dataset_of(first), str(self._recipes.file))
        protocol = column.protocol or table.protocol
        return ColumnPlan(
            metric=column.metric,
            label=column.label or column.metric,
            dataset=dataset.name,
            protocol=self._protocol(protocol, dataset),
            variant=column.variant,
            test=column.test,
        )

    def _protocol(self, protocol: str | None, dataset: DatasetPlan) -> str:
        if protocol is not None and protocol not in dataset.protocols:
            near = suggest(protocol, list(dataset.protocols))
            raise UserError(f"{self._recipes.file}: {dataset.name} has no protocol {protocol!r}{near}.")
        return protocol or dataset.protocols[0]

    def _check_dataset(self, binding: Binding, column: ColumnPlan, row: Row) -> None:
        dataset = self._recipes.dataset_of(binding)
        if dataset != column.dataset:
            raise UserError(
                f"{self._recipes.where(binding)}: trains on {dataset}, but the row {row.label!r} has a "
                f"column of {column.dataset}: give the column that `dataset`, or the row another experiment."
            )

    def _table(self, key: str, table: Table) -> TablePlan:
        columns = self._columns(table)
        bindings = list(
            dict.fromkeys(
                _in_column(row.run, column)
                for row in table.rows
                if row.run is not None
                for column in table.columns
            )
        )
        bindings = [binding for binding in bindings if not self._recipes.left_out(binding)]
        recipe, recipe_in = gathered(self._departures(table))
        plan = TablePlan(
            **self._heading,
            table=key,
            title=table_title(key, table),
            caption=table.caption,
            recipe=recipe,
            recipe_in=recipe_in,
            text_columns=table.text_columns,
            columns=columns,
            rows=tuple(self._row(n, row, table, columns) for n, row in enumerate(table.rows, start=1)),
            baselines=self._baselines(columns, bindings),
        )
        return plan.model_copy(update={"digest": _digest(plan, "vreid.reporting.tables")})

    def _departures(self, table: Table) -> dict[Cell, list[str]]:
        """Return in what each cell that the preset runs departs from the paper's recipe."""
        known: dict[Binding, list[str]] = {}
        found: dict[Cell, list[str]] = {}
        for number, row in enumerate(table.rows, start=1):
            for place, column in enumerate(table.columns, start=1):
                binding = None if row.run is None else _in_column(row.run, column)
                if binding is not None and not self._recipes.left_out(binding):
                    if binding not in known:
                        known[binding] = list(self._recipes.departures([binding]))
                    found[number, place] = known[binding]
        return found

    def _row(self, number: int, row: Row, table: Table, columns: tuple[ColumnPlan, ...]) -> RowPlan:
        return RowPlan(
            row=number,
            label=row.label,
            text=row.text,
            kind="cited" if row.run is None else "own",
            cited_from=row.cited,
            paper=row.paper,
            experiment=row.run,
            cells=tuple(
                self._cell(row, column, planned)
                for column, planned in zip(table.columns, columns, strict=True)
            ),
        )

    def _cell(self, row: Row, column: Column, planned: ColumnPlan) -> CellPlan:
        if row.run is None:
            return CellPlan(status="cited")
        binding = _in_column(row.run, column)
        status: CellStatus = self._status(binding, planned.dataset)
        if status != "run":
            return CellPlan(status=status)
        found = self._runs.results(self._recipes, binding)
        return CellPlan(
            status="run",
            runs=tuple(run.name for run, _ in found),
            evaluations=tuple(test.results for _, test in found),
        )

    def _status(self, binding: Binding, dataset: str) -> SideStatus:
        if self._recipes.left_out(binding):
            return "not in this preset"
        return "run" if self._datasets.get(dataset).present else "dataset absent"

    def _baselines(
        self, columns: tuple[ColumnPlan, ...], bindings: list[Binding]
    ) -> tuple[BaselinePlan, ...]:
        """Name the baselines for a table's datasets and protocols, at the input size of its first run."""
        found: dict[tuple[str, str], BaselinePlan] = {}
        for binding in bindings:
            for run, _ in self._runs.results(self._recipes, binding):
                for column in columns:
                    key = (column.dataset, column.protocol)
                    if column.dataset == run.config.dataset and self._datasets.get(column.dataset).present:
                        found.setdefault(
                            key, BaselinePlan(dataset=key[0], protocol=key[1], file=run.baselines)
                        )
        return tuple(found.values())

    # Claims and figures

    def _want_side(self, side: Side) -> None:
        binding, protocol = self._binding(side, side.test)
        self._runs.want(self._recipes, binding, protocol)
        if side.minus is not None:
            self._want_side(side.minus)

    def _binding(self, source: Source, test: Mapping[str, Any] | None = None) -> tuple[Binding, str]:
        """Return what a side of a claim or a method of a figure stands for, and its protocol."""
        changes = json.dumps(test or {}, sort_keys=True)
        binding = Binding(source.run, source.variant, source.dataset, changes)
        name = self._recipes.dataset_of(binding)
        dataset = self._datasets.wanted(name, self._recipes.where(binding))
        return binding, self._protocol(source.protocol, dataset)

    def _claim(self, claim: Claim) -> ClaimPlan:
        rows = rows_of(claim, self._paper.tables)
        return ClaimPlan(
            id=claim.id,
            says=claim.says,
            where=claim.where,
            metric=claim.metric,
            kind="best" if claim.best is not None else "pairs",
            rows_of=rows.table,
            remarks=tuple(found.says for found in self._paper.inconsistencies if found.id in claim.remarks),
            pairs=tuple(self._pair(pair, claim, rows.names) for pair in claim.all_pairs()),
        )

    def _pair(self, pair: Pair, claim: Claim, rows: Mapping[str, str]) -> PairPlan:
        better, worse = (self._side(side, claim.metric, rows) for side in (pair.better, pair.worse))
        if (better.dataset, better.protocol) != (worse.dataset, worse.protocol):
            raise UserError(
                f"{self._recipes.file}: claims, {claim.id}: {better.label} is evaluated on {better.protocol} "
                f"and {worse.label} on {worse.protocol}; only results on the same queries can be compared."
            )
        return PairPlan(better=better, worse=worse, paper=pair.paper)

    def _side(self, side: Side, metric: str, rows: Mapping[str, str]) -> SidePlan:
        binding, protocol = self._binding(side, side.test)
        dataset = self._recipes.dataset_of(binding)
        status = self._status(binding, dataset)
        found = self._runs.results(self._recipes, binding) if status == "run" else []
        extra = [side.variant] if side.variant else []
        extra += [dataset] if side.dataset else []
        extra += [f"{key} {value}" for key, value in side.test.items()]
        return SidePlan(
            label=side.run + (f" ({', '.join(extra)})" if extra else ""),
            row=_row_name(rows[side.run], side, dataset) if side.run in rows else None,
            metric=metric,
            dataset=dataset,
            protocol=protocol,
            status=status,
            runs=tuple(run.name for run, _ in found),
            per_query=tuple(f"{test.evaluation}/per_query.parquet" for _, test in found),
            minus=self._side(side.minus, metric, rows) if side.minus else None,
        )

    def _methods(self, figure: FigureSpec) -> Iterator[tuple[str, Binding, str]]:
        """Yield label, binding and protocol of every method that a figure shows."""
        if isinstance(figure, Sweep):
            for point in (*figure.points, *figure.equals):
                side = Side(
                    run=point.run, variant=figure.variant, dataset=figure.dataset, protocol=figure.protocol
                )
                yield point.run, *self._binding(side)
        elif isinstance(figure, OfOneRun):
            yield figure.run, *self._binding(figure)
        elif isinstance(figure, OfMethods):
            for method in figure.methods:
                yield method.label, *self._binding(method)

    def _figure(self, key: str, figure: FigureSpec) -> FigurePlan:
        methods = tuple(self._method(*method) for method in self._methods(figure))
        datasets = {result.dataset for method in methods for result in method.results}
        if isinstance(figure, Darkened | Attributes):
            datasets = {self._datasets.wanted(figure.dataset, str(self._recipes.file)).name}
        plan = FigurePlan(
            **self._heading,
            figure=key,
            title=key.replace("figure", "Figure "),
            caption=figure.caption,
            spec=figure,
            methods=methods,
            datasets={name: self._runs.dataset(name) for name in sorted(datasets)},
        )
        return plan.model_copy(
            update={
                "digest": _digest(
                    plan, "vreid.reporting.figures.draw", f"vreid.reporting.figures.{figure.kind}"
                )
            }
        )

    def _method(self, label: str, binding: Binding, protocol: str) -> MethodPlan:
        status = self._status(binding, self._recipes.dataset_of(binding))
        found = self._runs.results(self._recipes, binding) if status == "run" else []
        results = tuple(
            ResultPlan(
                run=run.name,
                experiment=binding.label,
                dataset=run.config.dataset,
                protocol=protocol,
                pack=test.pack,
                features=test.features,
                evaluation=test.evaluation,
            )
            for run, test in found
        )
        return MethodPlan(label=label, experiment=binding.label, status=status, results=results)

    # What is said of the paper itself

    def _inconsistencies(self) -> Iterator[InconsistencyPlan]:
        for found in self._paper.inconsistencies:
            shown = None
            if found.check is not None:
                where = f"{self._recipes.file}: inconsistencies, {found.id}"
                checked = check(found.check, self._paper.tables, where)
                if checked.value is not found.holds:
                    raise UserError(
                        f"{where}: {found.check} is {checked.value} ({checked.shown}), but `holds` says "
                        f"{found.holds}."
                    )
                shown = checked.shown
            yield InconsistencyPlan(
                id=found.id,
                where=found.where,
                says=found.says,
                check=found.check,
                holds=found.holds,
                shown=shown,
            )

    # What the decimals say

    def _cells(self) -> Iterator[tuple[Table, str, Row, ColumnPlan, Rate]]:
        """Yield every rate that the tables print, with the title of its table, its row and its column."""
        for key, table in self._paper.tables.items():
            title, columns = table_title(key, table), self._columns(table)
            for number, row in enumerate(table.rows):
                for place, planned in enumerate(columns):
                    if (rate := table.rate(number, place)) is not None:
                        yield table, title, row, planned, rate

    def _rates(self) -> Iterator[RatesPlan]:
        groups: dict[tuple[str, str, bool], list[RatePlan]] = {}
        for table, title, row, planned, printed in self._cells():
            group = groups.setdefault((planned.dataset, planned.protocol, row.cited is None), [])
            alike = [other for other in table.rows if other.label == row.label]
            name = ", ".join([row.label, *(row.text if len(alike) > 1 else ())])
            # A paper may put zeros behind what its source prints.
            rate = printed if row.cited is None else printed.without_zeros()
            group.append(RatePlan(text=str(rate), decimals=rate.decimals, row=name, table=title))
        for (name, protocol, own), rates in groups.items():
            dataset = self._datasets.get(name)
            rules = dataset.spec.protocol(protocol)
            among = [*candidates(dataset.spec, rules.list)]
            among += [
                Candidate(one.says, one.queries)
                for one in self._paper.query_sets
                if (one.dataset, one.list) == (name, rules.list)
            ]
            there = dataset.source == "real" and dataset.present
            yield rates_plan(
                rates,
                among,
                dataset=name,
                protocol=protocol,
                kind="own" if own else "quoted",
                counted=CountedPlan(index=dataset.index, protocol=rules) if there else None,
            )

    def _bounds(self) -> Iterator[str]:
        """Say which rows print an mAP that their protocol, with one match for each query, cannot give."""
        for key, table in self._paper.tables.items():
            columns = self._columns(table)
            for number, row in enumerate(table.rows):
                for place, planned in enumerate(columns):
                    value = row.paper[place]
                    protocol = self._datasets.get(planned.dataset).spec.protocol(planned.protocol)
                    if planned.metric != "mAP" or value is None or protocol.form != "gallery_one":
                        continue
                    rates = {
                        int(other.metric[1:]): rate
                        for at, other in enumerate(columns)
                        if (other.dataset, other.protocol, other.variant)
                        == (planned.dataset, planned.protocol, planned.variant)
                        and (rate := table.rate(number, at)) is not None
                    }
                    where = f"{row.label}, {planned.label}, {table_title(key, table)}"
                    if rates and (said := bounds(where, rates, Rate.of(value.text, table.decimals))):
                        yield said

    def _differences(self) -> DifferencesPlan:
        """Set the differences that the claims quote against those of the tables' values."""
        printed: dict[tuple[Binding, str, str], list[Rate]] = {}
        for table in self._paper.tables.values():
            columns = list(zip(table.columns, self._columns(table), strict=True))
            for row in table.rows:
                for (column, planned), value in zip(columns, row.paper, strict=True):
                    if row.run is not None and value is not None and column.metric != TRAINING_TIME:
                        where = self._where(_in_column(row.run, column), planned.protocol, planned.metric)
                        printed.setdefault(where, []).append(Rate.of(value.text, table.decimals))
        found = DifferencesPlan()
        for claim in self._paper.claims:
            for pair in claim.all_pairs():
                found = self._compared(found, claim, pair, printed)
        return found

    def _compared(
        self,
        found: DifferencesPlan,
        claim: Claim,
        pair: Pair,
        printed: Mapping[tuple[Binding, str, str], list[Rate]],
    ) -> DifferencesPlan:
        if pair.paper is None or pair.better.minus is not None or pair.worse.minus is not None:
            return found
        better, worse = (
            printed.get(self._where(*self._binding(side, side.test), claim.metric), [])
            for side in (pair.better, pair.worse)
        )
        if not better or not worse:
            return found
        said = f"{claim.id}: {pair.paper:g} ({claim.metric}); the tables print {better[0]} and {worse[0]}"
        outcome = difference(pair.paper, better, worse)
        return found.model_copy(
            update={
                "checked": found.checked + 1,
                "equal": found.equal + (outcome == "equal"),
                "within_rounding": (
                    *found.within_rounding,
                    *([said] if outcome == "within rounding" else []),
                ),
                "unlike": (*found.unlike, *([said] if outcome == "unlike" else [])),
            }
        )

    def _where(self, binding: Binding, protocol: str, metric: str) -> tuple[Binding, str, str]:
        """Return what tells one printed number from others; the dataset is always named."""
        dataset = self._recipes.dataset_of(binding)
        return Binding(binding.experiment, binding.variant, dataset, binding.test), protocol, metric

    def _deviations(self) -> Iterator[DeviationPlan]:
        for key, reading in self._paper.readings.items():
            taken = overrides.look_up(self._paper.defaults, key)
            yield DeviationPlan(
                key=key,
                where=reading.where,
                printed="not printed" if reading.printed is None else plain(_unfrozen(reading.printed)),
                taken=plain(_unfrozen(taken)),
                because=reading.because,
                alternatives=(),
            )
        for decision in self._paper.decisions:
            yield DeviationPlan(
                key=decision.id,
                where=decision.where,
                printed=decision.open,
                taken=decision.taken,
                because=decision.because,
                alternatives=decision.alternatives,
            )


def _in_column(experiment: str, column: Column) -> Binding:
    test = json.dumps(column.test, sort_keys=True)
    return Binding(experiment, column.variant, column.dataset, test)


def _row_name(label: str, side: Side, dataset: str) -> str:
    """Return what the paper calls a side; the dataset stands beside what is measured already."""
    variant = [side.variant] if side.variant and side.variant != dataset else []
    return ", ".join([label, *variant, *(f"{key} {value}" for key, value in side.test.items())])


def _digest(plan: ReportPlan, *made_by: str) -> str:
    """Digest of a report's plan and of the code that makes the report."""
    return digest_of([plan.model_dump(mode="json"), code_digest(made_by)], 16)


def _unfrozen(value: Any) -> Any:
    """Return a value of params/ with lists for tuples."""
    if isinstance(value, Mapping):
        return {key: _unfrozen(item) for key, item in value.items()}
    return [_unfrozen(item) for item in value] if isinstance(value, list | tuple) else value
