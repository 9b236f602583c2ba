"""Walks a run back: its folder, what the plan says of it, and whether the two and its name agree."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vreid.params.digest import file_digest
from vreid.params.errors import UserError
from vreid.params.plan import DatasetPlan, Plan, RunPlan
from vreid.reporting.cells import percent, read_protocol
from vreid.reporting.explaining.agreement import Asked, Place, as_planned, gone, of_folder, read_json
from vreid.reporting.explaining.recipe import departures
from vreid.reporting.explaining.records import Check, Data, File, RunFacts, Tested, Tracked
from vreid.reporting.explaining.scores import recomputed
from vreid.reporting.explaining.target import RUN
from vreid.reporting.history import RunHistory, read_history
from vreid.reporting.plain import plain
from vreid.reporting.tracking.told import read_tracking

ENVIRONMENT = ("vreid", "python", "torch", "numpy", "system")
SHOWN = ("mAP", "mINP", "R1")
"""What is shown of a test where no one metric was asked for."""


def explain_run(name: str, place: Place, asked: Sequence[Asked] = (), paper: str | None = None) -> RunFacts:
    """Return what is recorded of a run and whether it fits together.

    Args:
        name: the whole name of the run.
        place: where to look.
        asked: results to show and to compute again; all that the plan wants of the run if there are none.
        paper: whose recipe it is compared with, where several papers share the run.

    Raises:
        UserError: the name is none of a run, or a file of the run holds what cannot be its.
    """
    if not RUN.fullmatch(name):
        raise UserError(f"{plain(repr(name))} is no name of a run: make the report again")
    folder = place.root / "runs" / name
    planned = place.plan.runs.get(name) if place.plan else None
    asked = asked or list(_all_tests(planned))
    about, history = read_json(folder / "run.json"), _history(folder, asked)
    config = _config(folder, history, planned)
    tested, results = _tested(asked, planned, place.root)
    there = of_folder(name, folder, config, about, asked, place) if folder.is_dir() else [gone(name)]
    facts = {
        "run": name,
        "status": history.status if history else None,
        "error": history.tags.get("error") if history else None,
        "experiments": planned.same if planned else (),
        "seed": config.get("seed"),
        "config": config,
        "recipe": _recipe(planned, place, paper),
        "data": _data(config, about, planned, place.plan),
        "tested": tuple(tested),
        "code": config.get("code"),
        "git_commit": about.get("git_commit"),
        "environment": {key: str(about[key]) for key in ENVIRONMENT if about.get(key)},
        "device": about.get("device"),
        "seconds": about.get("seconds"),
        "cpu_seconds": about.get("cpu_seconds"),
        "epochs": about.get("epochs"),
        "attempts": int(history.tags["attempts"]) if history and "attempts" in history.tags else None,
        "files": tuple(_files(name, asked, place.root)),
        "tracked": _tracked(name, place.reports),
        "checks": (*as_planned(name, config, place), *there, *results),
    }
    try:
        return RunFacts.model_validate(facts)
    except ValidationError as error:
        key = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise UserError(
            f"runs/{name} holds no usable {key}: delete the folder and run the pipeline again"
        ) from error


def _all_tests(planned: RunPlan | None) -> Iterator[Asked]:
    for test in planned.tests if planned else ():
        for protocol in test.protocols:
            yield Asked(test.results, protocol, None)


def _history(folder: Path, asked: Sequence[Asked]) -> RunHistory | None:
    return read_history(folder, folder / Path(asked[0].evaluation).parent.name if asked else None)


def _config(folder: Path, history: RunHistory | None, planned: RunPlan | None) -> dict[str, Any]:
    """Return the configuration that the run's folder holds; of a run that is not there, the plan's."""
    config = read_json(folder / "config.json")
    if not config and history is None and planned is not None:
        return planned.config.model_dump(mode="json")
    return config


def _tested(asked: Sequence[Asked], planned: RunPlan | None, root: Path) -> tuple[list[Tested], list[Check]]:
    tested, checks = [], []
    for one in asked:
        path = root / one.evaluation
        if not path.is_file():
            if path.parents[1].is_dir():
                checks.append(Check(says=f"{one.evaluation} is missing", holds=False))
            continue
        try:
            results = read_protocol(path, one.protocol)
            metrics = SHOWN if one.metric is None else (one.metric,)
            known = {metric: percent(results, metric, path) for metric in metrics}
        except UserError as error:
            checks.append(Check(says=str(error), holds=False))
            continue
        tested.append(_as_tested(one, results, read_json(path), known, planned))
        checks += [recomputed(path, one.evaluation, one.protocol, m, value) for m, value in known.items()]
    return tested, checks


def _as_tested(
    one: Asked,
    results: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    values: Mapping[str, Decimal],
    planned: RunPlan | None,
) -> Tested:
    tests = planned.tests if planned else ()
    images = next((test.test.images for test in tests if test.results == one.evaluation), None)
    return Tested(
        evaluation=one.evaluation,
        protocol=one.protocol,
        feature=str(evaluation.get("feature")),
        distance=str(evaluation.get("distance")),
        images=images,
        trials=results.get("trials"),
        queries=results.get("queries"),
        gallery=results.get("gallery"),
        rules=results.get("rules", {}),
        values=dict(values),
    )


def _recipe(planned: RunPlan | None, place: Place, paper: str | None) -> tuple[str, ...] | None:
    """Return what differs from the recipe of `paper`, if one of its experiments is this run."""
    if planned is None or place.plan is None:
        return None
    mine = [same for same in planned.same if same.startswith(f"{paper}/")]
    try:
        return departures((mine or planned.same)[0], planned.config, place.plan.preset, place.root / "params")
    except UserError:
        return None


def _data(
    config: Mapping[str, Any], about: Mapping[str, Any], planned: RunPlan | None, plan: Plan | None
) -> Data | None:
    if "dataset" not in config or "data" not in config:
        return None
    dataset: DatasetPlan | None = plan.datasets.get(config["dataset"]) if plan else None
    now = dataset if dataset is not None and dataset.version == config["data"] else None
    return Data(
        dataset=config["dataset"],
        source=config.get("source", ""),
        version=config["data"],
        images=config.get("images", "original"),
        raw=now.raw if now else None,
        index=now.index if now else None,
        splits=now.splits if now else None,
        pack=planned.pack if planned else None,
        train_images=about.get("images"),
        classes=about.get("classes"),
    )


def _files(name: str, asked: Sequence[Asked], root: Path) -> Iterator[File]:
    folder = f"runs/{name}"
    names = [f"{folder}/{file}" for file in ("config.json", "run.json", "events.jsonl", "model.safetensors")]
    for one in asked:
        names += [one.evaluation, f"{Path(one.evaluation).parent.as_posix()}/per_query.parquet"]
    for file in dict.fromkeys(names):
        path = root / file
        if path.is_file():
            yield File(path=file, bytes=path.stat().st_size, sha256=file_digest(path))
        else:
            yield File(path=file, bytes=None, sha256=None)


def _tracked(name: str, reports: Path) -> Tracked | None:
    told = read_tracking(reports / "tracking.json")
    if told is None or name not in told.runs:
        return None
    run = told.runs[name]
    return Tracked(
        uri=told.uri, experiment=name.split("-", maxsplit=1)[0], run_id=run.run_id, status=run.status
    )
