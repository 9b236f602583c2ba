"""The report of one run: what it reaches beside methods without training, and what it finds."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vreid.datasets.index import read_index
from vreid.evaluation.bootstrap import mean_interval
from vreid.evaluation.evaluate import problems
from vreid.evaluation.protocols import JUNK_RULES, protocol_of
from vreid.evaluation.run import RunFeatures
from vreid.evaluation.separation import Separation, separate
from vreid.evaluation.tables import read_draws
from vreid.params.atomic import write_text
from vreid.params.dataset import Protocol
from vreid.params.plan import Plan, RunPlan
from vreid.reporting.cells import fraction, read_protocol
from vreid.reporting.figures import similarities, style
from vreid.reporting.figures.drawing import Drawing
from vreid.reporting.figures.files import house_style, save
from vreid.reporting.formats.wording import BASELINES
from vreid.reporting.history import read_history
from vreid.reporting.own_page import (
    METRICS,
    SIMILARITIES,
    Count,
    ProtocolReport,
    RunReport,
    as_percent,
    markdown_page,
)
from vreid.reporting.ranklist import Ranker, draw

LISTS = 8


def write_run_report(plan: Plan, run: RunPlan, folder: Path) -> RunReport:
    """Write `folder`/<run>.md, .json, .png and .similarities.png and .pdf; return the report.

    <run>.png shows rank lists, the other figure the similarities of all pairs, both under the first protocol.

    Raises:
        UserError: If an evaluation, baselines, index or features file is missing or does not fit the plan.
    """
    report = _report(plan, run, _draw_similarities(plan, run, folder))
    _draw_lists(plan, run, folder / f"{run.name}.png")
    write_text(folder / f"{run.name}.md", markdown_page(report))
    write_text(folder / f"{run.name}.json", report.model_dump_json(indent=1) + "\n")
    return report


def _report(plan: Plan, run: RunPlan, pairs: Drawing) -> RunReport:
    index = read_index(Path(plan.dataset(run.config.dataset).index), ["pid", "split"])
    history = read_history(Path("runs") / run.name, Path(run.evaluation))
    training = pc.equal(index["split"], "train")
    costs = history.final if history else {}
    return RunReport(
        digest=run.report,
        run=run.name,
        experiments=run.same,
        dataset=run.config.dataset,
        source=run.config.source,
        preset=plan.preset,
        preset_label=plan.preset_label,
        seed=run.config.seed,
        epochs=run.config.schedule.epochs,
        train=_count(index.filter(training)),
        test=_count(index.filter(pc.invert(training))),
        protocols=tuple(_protocol(plan, run, name) for name in run.protocols),
        similarities=pairs.numbers,
        apart=tuple(pairs.notes),
        config=history.params if history else {},
        costs={key.removeprefix("run/"): value for key, value in costs.items() if key.startswith("run/")},
    )


def _count(index: pa.Table) -> Count:
    return Count(vehicles=len(pc.unique(index["pid"])), images=index.num_rows)


def _protocol(plan: Plan, run: RunPlan, name: str) -> ProtocolReport:
    path = Path(run.evaluation) / "evaluation.json"
    results = read_protocol(path, name)
    untrained = read_protocol(Path(run.baselines), name)
    queries = _per_query(run, name)
    return ProtocolReport(
        name=name,
        junk=JUNK_RULES[_spec(plan, run, name).junk],
        trials=results["trials"],
        queries=results["queries"],
        valid_queries=results["valid_queries"],
        gallery=results["gallery"],
        vehicles=len(np.unique(queries["pid"][queries["matches"] > 0])),
        metrics=_known(results),
        intervals=dict(_intervals(queries)),
        baselines={key: _known(untrained[key]) for key in BASELINES if untrained.get(key)},
    )


def _spec(plan: Plan, run: RunPlan, name: str) -> Protocol:
    specs = plan.dataset(run.config.dataset).spec.protocols
    return next(spec for spec in specs if spec.name == name)


def _known(results: Mapping[str, Any]) -> dict[str, float]:
    found = ((metric, fraction(results, metric)) for metric in METRICS)
    return {metric: value for metric, value in found if value is not None}


def _per_query(run: RunPlan, protocol: str) -> dict[str, npt.NDArray[Any]]:
    """Return the columns of a protocol's per-query results, all trials one after the other."""
    path = Path(run.evaluation) / "per_query.parquet"
    table = pq.read_table(path, filters=pc.field("protocol") == protocol)
    return {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}


def _intervals(queries: dict[str, npt.NDArray[Any]]) -> Iterator[tuple[str, tuple[float, float]]]:
    valid = queries["matches"] > 0
    vehicles = queries["pid"][valid]
    if len(np.unique(vehicles)) < 2:
        return
    values = {"mAP": queries["AP"], "mINP": queries["INP"]}
    values |= {f"R{k}": queries["first_match_rank"] <= k for k in (1, 5, 10)}
    for metric, value in values.items():
        interval = mean_interval(value[valid].astype(np.float64), vehicles)
        yield metric, (interval.low, interval.high)


def _draw_lists(plan: Plan, run: RunPlan, out: Path) -> None:
    """Draw some queries of the first trial, evenly spaced from the best to the worst average precision."""
    dataset = plan.dataset(run.config.dataset)
    queries = _per_query(run, run.protocols[0])
    asked = np.flatnonzero((queries["trial"] == 0) & (queries["matches"] > 0))
    order = asked[np.argsort(-queries["AP"][asked], kind="stable")]
    chosen = order[np.unique(np.linspace(0, len(order) - 1, LISTS).round().astype(int))]
    ranker = Ranker(Path(run.tests[0].features), Path(dataset.index), Path(dataset.splits), run.test)
    lists = ranker.rank(_spec(plan, run, run.protocols[0]), queries["query_row"][chosen].tolist())
    captions = [f"AP {as_percent(value)} %" for value in queries["AP"][chosen].tolist()]
    draw(lists, captions, Path(dataset.raw), out)


def _draw_similarities(plan: Plan, run: RunPlan, folder: Path) -> Drawing:
    made = f"{run.config.source} data, preset {plan.preset}: {plan.preset_label}; seed {run.config.seed}"
    title = f"{run.same[0]}\n{run.config.dataset}: {run.protocols[0]}"
    found = _separation(plan, run)
    with house_style():
        drawing = similarities.draw(found, run.test.distance, title)
        style.sign(drawing.figure, made)
        save(drawing.figure, folder, f"{run.name}{SIMILARITIES}")
    return drawing


def _separation(plan: Plan, run: RunPlan) -> Separation:
    """Measure all pairs of the first trial under the first protocol."""
    dataset, spec = plan.dataset(run.config.dataset), _spec(plan, run, run.protocols[0])
    images = RunFeatures.load(Path(run.tests[0].features), Path(dataset.index), run.test.feature)
    [first, *_] = read_draws(Path(dataset.splits), [spec.name])[spec.name]
    rows = images.positions(first.query), images.positions(first.gallery)
    labels = images.pids[images.rows], images.camids[images.rows]
    [problem] = problems(images.features, *labels, protocol_of(spec), [rows])
    return separate(problem, run.test.distance)
