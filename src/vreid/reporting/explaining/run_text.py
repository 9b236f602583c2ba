"""A run, walked back, as lines of text."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from vreid.reporting.cells import printed
from vreid.reporting.explaining.records import File, RunFacts, Tested
from vreid.reporting.formats import wording

Line = tuple[str, str]
"""A name and what it is."""

DECIMALS = 2


def of_run(facts: RunFacts) -> Iterator[Line]:
    """Yield what is recorded of a run, line by line."""
    own, *others = facts.experiments or ("",)
    if own:
        yield "experiment", own + (f" (the same run as {', '.join(others)})" if others else "")
    if facts.status not in (None, "FINISHED"):
        yield "ended", f"{facts.status}: {facts.error or 'it left no word'}"
    if facts.seed is not None:
        yield "seed", str(facts.seed)
    for line in facts.recipe or ():
        yield "departures", line
    for key, value in facts.config.items():
        if key not in ("seed", "dataset", "images", "source", "data", "code"):
            yield key, _compact(value)
    yield from _of_data(facts)
    for test in facts.tested:
        yield "tested", _test(test)
    code = [f"digest {facts.code}" if facts.code else "", f"commit {facts.git_commit or 'unknown'}"]
    yield "code", ", ".join(filter(None, code))
    yield from _of_machine(facts)
    for file in facts.files:
        yield "files", _file(file, f"runs/{facts.run}/")
    yield "tracked", _tracking(facts)


def _of_data(facts: RunFacts) -> Iterator[Line]:
    data = facts.data
    if data is None:
        return
    images = "" if data.images == "original" else f", {data.images} images"
    yield "data", f"{data.dataset}, {data.source}{images}, version {data.version}"
    if data.train_images is not None and data.classes is not None:
        counts = f"{wording.plain(data.train_images)} images of {wording.plain(data.classes)} identities"
        yield "trained on", counts
    for name in ("raw", "index", "splits", "pack"):
        if (path := getattr(data, name)) is not None:
            yield name, path


def _of_machine(facts: RunFacts) -> Iterator[Line]:
    parts = [f"{name} {version}" for name, version in facts.environment.items()]
    if parts:
        yield "software", ", ".join(parts)
    if facts.device:
        yield "device", facts.device
    if facts.seconds is not None:
        took = f"{facts.seconds:.1f} s by the clock"
        took += "" if facts.cpu_seconds is None else f", {facts.cpu_seconds:.1f} s of processor"
        took += "" if facts.epochs is None else f", {facts.epochs} epochs"
        attempts = facts.attempts or 1
        yield "took", took + ("" if attempts == 1 else f", in {attempts} attempts")


def _test(test: Tested) -> str:
    images = f", {test.images} images" if test.images not in (None, "original") else ""
    sizes = ""
    if test.queries is not None and test.gallery is not None:
        trials = f", {test.trials} trials" if (test.trials or 1) > 1 else ""
        sizes = (
            f": {wording.plain(test.queries)} queries, {wording.plain(test.gallery)} gallery images{trials}"
        )
    values = ", ".join(f"{metric} {printed(value, DECIMALS)}" for metric, value in test.values.items())
    return f"{values} under {test.protocol}{sizes}; {test.distance} distance of {test.feature}{images}"


def _file(file: File, folder: str) -> str:
    name = file.path.removeprefix(folder)
    return (
        f"{name} is not here" if file.bytes is None else f"{name}, {file.bytes:,} bytes, sha256 {file.sha256}"
    )


def _tracking(facts: RunFacts) -> str:
    if facts.tracked is None:
        return "not in reports/tracking.json: `vreid track sync` tells MLflow"
    tracked = facts.tracked
    return f"MLflow {tracked.uri}, experiment {tracked.experiment}, run {tracked.run_id} ({tracked.status})"


def _compact(value: Any) -> str:
    """Return a part of a configuration in a line: `name adam, lr 0.001, groups []`."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_inner(entry)}" for key, entry in value.items())
    if isinstance(value, list | tuple) and value and all(isinstance(one, Mapping) for one in value):
        return "; ".join(_compact(one) for one in value)
    return _inner(value)


def _inner(value: Any) -> str:
    if isinstance(value, Mapping) or (
        isinstance(value, list | tuple) and value and any(isinstance(one, Mapping) for one in value)
    ):
        return f"({_compact(value)})"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
