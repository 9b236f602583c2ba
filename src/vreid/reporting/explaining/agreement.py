"""Whether a run's name, its files and the plan agree."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vreid.params.digest import file_digest
from vreid.params.fingerprint import digest_of
from vreid.params.overrides import differences
from vreid.params.plan import Plan, RunPlan
from vreid.reporting.explaining.records import Check
from vreid.reporting.history import RUN_NAME


@dataclass(frozen=True)
class Asked:
    """A result of a run that a report shows: under which protocol, which metric, in which evaluation."""

    evaluation: str
    protocol: str
    metric: str | None


@dataclass(frozen=True)
class Place:
    """Where things are looked up: the plan, if there is one, the folder of the reports, and the root."""

    plan: Plan | None
    reports: Path
    root: Path


def as_planned(name: str, config: Mapping[str, Any], place: Place) -> Iterator[Check]:
    """Check that params/ asks for this very run."""
    if place.plan is None:
        return
    if name in place.plan.runs:
        yield Check(says="params/ asks for this very run", holds=True)
        return
    stale = f"stale: params/ (preset {place.plan.preset}) asks for"
    now = _successor(name, place.plan)
    if now is None:
        yield Check(says=f"{stale} no run like {name}", holds=False)
        return
    changed = "; ".join(
        f"{key}: {_short(old)} → {_short(new)}"
        for key, old, new in differences(config, now.config.model_dump(mode="json"))
    )
    yield Check(says=f"{stale} {now.name} now: {changed or 'no config.json'}", holds=False)


def _successor(name: str, plan: Plan) -> RunPlan | None:
    stem = name.rpartition("-")[0]
    return next((run for run in plan.runs.values() if run.name.rpartition("-")[0] == stem), None)


def gone(name: str) -> Check:
    """Return what is said of a run whose folder is away."""
    return Check(says=f"runs/{name} is not here, so nothing of it can be checked", holds=None)


def of_folder(
    name: str,
    folder: Path,
    config: Mapping[str, Any],
    about: Mapping[str, Any],
    asked: Sequence[Asked],
    place: Place,
) -> list[Check]:
    """Check the run's name against what its files say."""
    found = RUN_NAME.fullmatch(name)
    checks = []
    if not (folder / "config.json").is_file():
        checks.append(Check(says=f"{_below(folder, place)}/config.json is missing", holds=False))
    elif found is not None:
        digest = digest_of(config, len(found["digest"]))
        same = digest == found["digest"]
        says = "the run's name ends in the digest of its config.json"
        other = f"config.json was changed: its digest is {digest}, the run's name ends in {found['digest']}"
        checks.append(Check(says=says if same else other, holds=same))
    named = {f"{_below(folder, place)}/run.json": about.get("run")} if about else {}
    for file in dict.fromkeys(one.evaluation for one in asked):
        if (place.root / file).is_file():
            named[file] = read_json(place.root / file).get("run")
    for file, run in named.items():
        if run != name:
            checks.append(Check(says=f"{file} is of another run: it names {run}", holds=False))
    return [*checks, *_model(folder, about, place)]


def _model(folder: Path, about: Mapping[str, Any], place: Place) -> Iterator[Check]:
    """Hold the weights against the digest that the training recorded of them."""
    file, recorded = folder / "model.safetensors", about.get("model_sha256")
    if recorded is None or not file.is_file():
        return
    same = file_digest(file) == recorded
    says = "the weights have the digest that the training recorded"
    other = f"{_below(file, place)} was changed: run.json records the digest {recorded}"
    yield Check(says=says if same else other, holds=same)


def read_json(path: Path) -> dict[str, Any]:
    """Return a JSON object, an empty one if there is none to be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _below(folder: Path, place: Place) -> str:
    return folder.relative_to(place.root).as_posix()


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"
