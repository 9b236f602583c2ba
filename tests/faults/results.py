"""What must be the same, to the byte, whether a pipeline was interrupted or not."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from vreid.params.metrics import TRAINING_TIME

COMPARED = (
    "data/index/**/*.parquet",
    "data/splits/**/*.parquet",
    "data/packed/*/*/*.npy",
    "runs/*/config.json",
    "runs/*/model.safetensors",
    "runs/*/history.parquet",
    "runs/*/features*/*.npy",
    "runs/*/eval-*/*",
    "reports/tables/*/*",
    "reports/all_tables.*",
    "reports/claims/*",
    "reports/claims.*",
)
"""Everything that numbers come from or stand in. Left out: run.json, events.jsonl, logs, tracking.json and
MLflow's database, which tell when and how often something was done."""


def differences(one: Path, other: Path) -> list[str]:
    """Return the compared files that are not the same in both folders; raises if nothing is compared."""
    names = {path.relative_to(root).as_posix() for root in (one, other) for path in _files(root)}
    assert any(name.startswith("reports/tables/") for name in names), f"no tables in {one}"
    timed = _with_times(one)
    return sorted(name for name in names if _read(one / name, timed) != _read(other / name, timed))


def _files(root: Path) -> list[Path]:
    return [path for pattern in COMPARED for path in root.glob(pattern) if path.is_file()]


def _with_times(root: Path) -> set[str]:
    """Return the reports that show how long a training took: tables with such a column, the page of all.

    That alone differs between any two runs. Of their JSON and CSV all else is compared; the Markdown and
    LaTeX are written from the JSON and left out.
    """
    tables = [
        path.relative_to(root).with_suffix("").as_posix()
        for path in root.glob("reports/tables/*/*.json")
        if TRAINING_TIME in path.read_text(encoding="utf-8")
    ]
    return {*tables, "reports/all_tables"} if tables else set()


def _read(path: Path, timed: set[str]) -> Any:
    """Return the file's bytes, or of a report with training times all but these; None if there is none."""
    if not path.is_file():
        return None
    if not any(path.with_suffix("").as_posix().endswith(f"/{name}") for name in timed):
        return path.read_bytes()
    if path.suffix == ".json":
        return _without_times(json.loads(path.read_text(encoding="utf-8")))
    if path.suffix == ".csv":
        lines = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
        return [line for line in lines if line["metric"] != TRAINING_TIME]
    return None


def _without_times(value: Any) -> Any:
    """Drop the cells of columns of training times from a table's JSON, or from all tables in it."""
    if isinstance(value, list):
        return [_without_times(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _without_times(entry) for key, entry in value.items()}
    if "columns" in kept and "rows" in kept:
        stays = [column["metric"] != TRAINING_TIME for column in value["columns"]]
        for row in kept["rows"]:
            row["cells"] = [cell for cell, keep in zip(row["cells"], stays, strict=True) if keep]
    return kept
