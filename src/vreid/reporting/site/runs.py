"""What the page tells of a run: how it was trained, where, on what, and what came of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from vreid.reporting.cells import fraction, percentage
from vreid.reporting.chapters import Chapter
from vreid.reporting.formats.wording import MISSING, plain
from vreid.reporting.history import FINAL_METRICS, RUN_NAME, RunHistory, read_history
from vreid.reporting.tracking.place import DEFAULT_URI
from vreid.reporting.tracking.told import read_tracking

NOTHING_LEFT = "not trained, or its folder is gone"

MACHINE = ("device", "system", "python", "torch", "numpy", "vreid")


@dataclass(frozen=True)
class RunDetails:
    """One run in words; `loss` is its mean loss after each epoch.

    `duration` and `result`, the mAP under the first `protocol` of its evaluation, are (text, what a column
    of them is sorted by).
    """

    name: str
    paper: str
    experiment: str
    dataset: str
    seed: str
    status: str
    duration: tuple[str, str]
    result: tuple[str, str]
    protocol: str
    facts: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    config: tuple[tuple[str, str], ...]
    loss: tuple[tuple[int, float], ...]

    def as_json(self) -> dict[str, object]:
        """Return what the page's script shows of it."""
        return asdict(self)


class Tracked:
    """What MLflow calls the runs, as reports/tracking.json tells it; nothing if that file is not there.

    The page is handed around, so it names MLflow's usual place alone, and no server or folder.
    """

    def __init__(self, file: Path) -> None:
        self._told = read_tracking(file)

    def name(self, run: str) -> str:
        """Return what MLflow calls a run, and where."""
        if self._told is None or run not in self._told.runs:
            return "not tracked"
        where = DEFAULT_URI if self._told.uri == DEFAULT_URI else "the MLflow of reports/tracking.json"
        return f"{self._told.runs[run].run_id} (in {where})"


def runs_of(chapters: Sequence[Chapter]) -> list[str]:
    """Return every run behind the chapters once, by name."""
    return sorted({run for chapter in chapters for run in chapter.runs()})


def run_details(folder: Path, evaluation: Path | None, tracked: Tracked) -> RunDetails:
    """Return the details of the run in `folder`, a run that left nothing included.

    `evaluation` is the folder of the results that are shown, None if there are none.
    """
    history = read_history(folder, evaluation)
    results = {} if evaluation is None else _results(evaluation / "evaluation.json")
    name = RUN_NAME.fullmatch(folder.name)
    parts = name.groupdict() if name else dict.fromkeys(("paper", "experiment", "dataset", "seed"), MISSING)
    return RunDetails(
        name=folder.name,
        paper=parts["paper"],
        experiment=parts["experiment"],
        dataset=parts["dataset"],
        seed=parts["seed"],
        status=_status(history),
        duration=_duration(history),
        result=_result(results),
        protocol=next(iter(results), MISSING),
        facts=() if history is None else _facts(history, results, tracked),
        config=() if history is None else tuple(sorted(history.params.items())),
        loss=() if history is None else _loss(history),
    )


def together(runs: Sequence[RunDetails]) -> list[tuple[str, str]]:
    """Return what all runs together were made with: each fact with all the values that it has."""
    found: dict[str, list[str]] = {}
    for run in runs:
        for _, facts in run.facts:
            for name, text in facts:
                if name in (*MACHINE, "git commit"):
                    found.setdefault(name, []).append(text)
    seconds = sum(float(run.duration[1] or 0) for run in runs)
    trained = [("runs", str(len(runs))), ("training, one after the other", f"{seconds / 60:,.1f} min")]
    return [*trained, *((name, ", ".join(dict.fromkeys(texts))) for name, texts in found.items())]


def _status(history: RunHistory | None) -> str:
    if history is None:
        return NOTHING_LEFT
    error = history.tags.get("error", "").strip()
    return f"{history.status.lower()}{': ' + error.splitlines()[-1] if error else ''}"


def _duration(history: RunHistory | None) -> tuple[str, str]:
    seconds = history.final.get("run/seconds") if history else None
    return (MISSING, "") if seconds is None else (f"{seconds:,.1f} s", str(seconds))


def _results(file: Path) -> dict[str, dict[str, float]]:
    """Return the metrics under each protocol as fractions, nothing if there is no such evaluation."""
    try:
        protocols = json.loads(file.read_text(encoding="utf-8"))["protocols"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    values = {name: {m: fraction(found, m) for m in FINAL_METRICS} for name, found in protocols.items()}
    return {name: {m: v for m, v in found.items() if v is not None} for name, found in values.items()}


def _result(results: Mapping[str, Mapping[str, float]]) -> tuple[str, str]:
    value = next(iter(results.values()), {}).get("mAP")
    return (MISSING, "") if value is None else (percentage(value), str(value))


def _facts(
    history: RunHistory, results: Mapping[str, Mapping[str, float]], tracked: Tracked
) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Return the facts under their headings; what a run does not tell is left out."""
    groups = {
        "Training": _training(history),
        **{
            f"Results under {protocol}, in %": {m: percentage(value, 2) for m, value in found.items()}
            for protocol, found in results.items()
        },
        "Made on": {key: history.tags.get(key, "") for key in MACHINE}
        | {"threads": _count(history.final, "threads")},
        "Identity": {
            "configuration, data and code": history.tags.get("digest", ""),
            "data": history.tags.get("data", ""),
            "code": history.tags.get("code", ""),
            "git commit": history.tags.get("git_commit", ""),
            "MLflow run": tracked.name(history.name),
        },
    }
    kept = {head: tuple((key, text) for key, text in facts.items() if text) for head, facts in groups.items()}
    return tuple((head, facts) for head, facts in kept.items() if facts)


def _training(history: RunHistory) -> dict[str, str]:
    costs = history.final
    facts = {
        "seed": history.tags.get("seed", ""),
        "began": datetime.fromtimestamp(history.start / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        "duration": _duration(history)[0],
        "processor time": f"{costs['run/cpu_seconds']:,.1f} s" if "run/cpu_seconds" in costs else "",
        "peak memory": f"{costs['run/peak_memory'] / 2**20:,.0f} MiB" if "run/peak_memory" in costs else "",
    }
    counted = {key: _count(costs, key) for key in ("epochs", "steps", "images", "classes", "parameters")}
    attempts = history.tags.get("attempts", "1")
    return facts | counted | {"attempts": attempts if attempts != "1" else ""}


def _count(costs: Mapping[str, float], key: str) -> str:
    value = costs.get(f"run/{key}")
    return "" if value is None else plain(value)


def _loss(history: RunHistory) -> tuple[tuple[int, float], ...]:
    return tuple(sorted((point.step, point.value) for point in history.points if point.key == "loss"))
