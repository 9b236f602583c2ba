"""Looks at the files of a run that was made elsewhere as at a stranger's: nothing in them is executed."""

import json
import math
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open

from vreid.bundle.results import FEATURES
from vreid.params.errors import UserError
from vreid.params.plan import RunPlan, TestPlan
from vreid.params.run import TrainConfig

PER_QUERY = {
    "protocol",
    "trial",
    "query_row",
    "pid",
    "AP",
    "INP",
    "first_match_rank",
    "matches",
}

_MOST_CLASSES = 1_000_000
"""No dataset has as many identities; a classifier for more would fill the memory before it is refused."""


def check_run(folder: Path, run: RunPlan) -> list[str]:
    """Check that the files in `folder` are those of `run`, whole and readable.

    Returns what is worth a remark.

    Raises:
        UserError: a file is missing, unreadable, of another run, or another configuration was trained.
    """
    _check_config(folder / "config.json", run)
    remarks = _check_record(_json(folder / "run.json"), run)
    _check_history(folder / "history.parquet", run)
    _check_events(folder / "events.jsonl")
    _check_model(folder, run)
    for test in run.tests:
        rows = _check_features(folder / Path(test.features).name)
        evaluation = folder / Path(test.evaluation).name
        if evaluation.is_dir():
            _check_evaluation(evaluation, run, test, rows)
    return remarks


def _check_config(path: Path, run: RunPlan) -> None:
    """The name's digest covers configuration, data and code; here all three are compared with the plan's."""
    try:
        config = TrainConfig.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UserError(f"{path.name} cannot be read: {_first_line(error)}.") from None
    if config == run.config:
        return
    found, planned = config.model_dump(mode="json"), run.config.model_dump(mode="json")
    key = next(key for key in planned if found.get(key) != planned[key])
    raise UserError(
        f"{path.name} is another configuration than params/ asks for here: `{key}` is {found.get(key)}, not "
        f"{planned[key]}."
    )


def _check_record(record: Mapping[str, Any], run: RunPlan) -> list[str]:
    """Another torch than the one here, for which the run is named, is worth a remark."""
    if record.get("run") != run.name:
        raise UserError(f"run.json speaks of another run, {record.get('run')}.")
    if record.get("epochs") != run.config.schedule.epochs:
        raise UserError(
            f"run.json says that {record.get('epochs')} epochs were trained, and not "
            f"{run.config.schedule.epochs}."
        )
    seconds = record.get("seconds")
    if not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
        raise UserError(f"run.json says that it took {seconds} seconds.")
    used, here = str(record.get("torch")), version("torch")
    if used.partition("+")[0] != here.partition("+")[0]:
        return [f"it was trained with torch {used}; its name, given here, counts on {here}"]
    return []


def _check_history(path: Path, run: RunPlan) -> None:
    lines = _parquet(path, {"epoch", "step", "loss"}).num_rows
    if lines != run.config.schedule.epochs:
        raise UserError(f"{path.name} has {lines} lines for {run.config.schedule.epochs} epochs.")


def _check_events(path: Path) -> None:
    """Every line is an event that MLflow can be told of."""
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if not isinstance(event, dict) or event.get("type") not in ("start", "metrics", "end"):
            raise UserError(f"{path.name}, line {number}: this is no event of a run.")


def _check_model(folder: Path, run: RunPlan) -> None:
    """Fill the planned network with the weights: names and shapes must be its own; and all must be finite."""
    import torch  # noqa: PLC0415 -- seconds, and other checks come first

    from vreid.training.extract import load_trained  # noqa: PLC0415

    path = folder / "model.safetensors"
    try:
        with safe_open(path, framework="np") as file:
            classes = (file.metadata() or {}).get("classes", "")
            if not classes.isdecimal() or len(classes) > len(str(_MOST_CLASSES)):
                raise UserError(f"{path.name} does not say for how many identities it was trained.")
        tensors = load_trained(folder, torch.device("cpu")).state_dict()
    except (OSError, SafetensorError, RuntimeError, ValueError) as error:
        raise UserError(
            f"{path.name} does not hold the weights of {run.config.model.name}: {_first_line(error)}."
        ) from None
    if broken := [name for name, value in tensors.items() if not torch.isfinite(value).all()]:
        raise UserError(f"{path.name} holds numbers that are not finite, in {broken[0]}.")


def _check_features(folder: Path) -> int:
    """Return the number of images."""
    found = {}
    for name in FEATURES:
        path = folder / f"{name}.npy"
        try:
            found[name] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise UserError(
                f"{folder.name}/{path.name} is no file of numbers: {_first_line(error)}."
            ) from None
    rows = found.pop("rows")
    if rows.ndim != 1 or rows.dtype != np.int64 or not len(rows):
        raise UserError(f"{folder.name}/rows.npy does not say which images the features are of.")
    for name, features in found.items():
        if features.ndim != 2 or features.dtype != np.float32 or len(features) != len(rows):
            raise UserError(
                f"{folder.name}/{name}.npy has the shape {features.shape} and the type {features.dtype}; it "
                f"should hold float32 numbers for {len(rows)} images."
            )
        if not np.isfinite(features).all():
            raise UserError(f"{folder.name}/{name}.npy holds numbers that are not finite.")
    return len(rows)


def _check_evaluation(folder: Path, run: RunPlan, test: TestPlan, images: int) -> None:
    found = _json(folder / "evaluation.json")
    protocols = found.get("protocols")
    about = (found.get("run"), found.get("feature"), found.get("distance"))
    if about != (run.name, test.test.feature, test.test.distance) or not isinstance(protocols, Mapping):
        raise UserError(f"{folder.name}/evaluation.json is not that of this run and test.")
    if set(protocols) != set(test.protocols):
        raise UserError(
            f"{folder.name}/evaluation.json is under {', '.join(protocols)}, and wanted is "
            f"{', '.join(test.protocols)}."
        )
    table = _parquet(folder / "per_query.parquet", PER_QUERY)
    if set(table["protocol"].to_pylist()) != set(test.protocols):
        raise UserError(f"{folder.name}/per_query.parquet is under other protocols than evaluation.json.")
    for name, summary in protocols.items():
        mine = table.filter(pc.equal(table["protocol"], name))
        trials = mine["trial"].to_numpy()
        precisions = mine["AP"].to_numpy()
        means = [np.nanmean(precisions[trials == trial]) for trial in np.unique(trials)]
        if not np.isclose(np.mean(means), summary["mAP"], rtol=0, atol=1e-9):
            raise UserError(
                f"{folder.name}/evaluation.json gives {name} the mAP {summary['mAP']}, and the queries "
                f"in per_query.parquet have {np.mean(means)}."
            )
    if table.num_rows > images * sum(int(one["trials"]) for one in protocols.values()):
        raise UserError(f"{folder.name}/per_query.parquet has more queries than there are images.")


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UserError(f"{path.name} cannot be read: {_first_line(error)}.") from None
    if not isinstance(value, dict):
        raise UserError(f"{path.name} does not hold what a run writes.")
    return value


def _parquet(path: Path, columns: set[str]) -> Any:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path.name} cannot be read as Parquet: {_first_line(error)}.") from None
    if absent := sorted(columns - set(table.column_names)):
        raise UserError(f"{path.name} has no column {absent[0]}.")
    return table


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
