"""results.json: what became of every run of a bundle, and the digests of what it left behind."""

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal, get_args

from pydantic import ValidationError

from vreid.bundle.contents import Places
from vreid.datasets.packed import MANIFEST
from vreid.params.atomic import write_text
from vreid.params.digest import file_digest
from vreid.params.errors import UserError
from vreid.params.plan import Planned, RunPlan

FILE = "results.json"
FEATURES = ("before_neck", "after_neck", "before_neck_mirrored", "after_neck_mirrored", "rows")
TRAINED = ("config.json", "model.safetensors", "history.parquet", "run.json", "events.jsonl")
EVALUATED = ("evaluation.json", "per_query.parquet")
LIBRARIES = ("torch", "torchvision", "numpy", "pillow", "embreex", "pyarrow")

State = Literal["done", "failed", "stopped", "running", "waiting"]


class RunResult(Planned):
    """What became of one run.

    `error` is the last word of one that failed; its whole log is logs/bundle/<run>.log. One that is done has
    the digest of each of its `files` (paths below its folder), and of the content of each pack that it read.
    """

    state: State
    error: str | None = None
    files: dict[str, str] = {}
    packs: dict[str, str] = {}


class Results(Planned):
    """What became of all runs; `bundle` is the digest of the bundle's SHA256SUMS.

    `complete` names the claims and tables of which every run is done, `seconds` is the time of all calls.
    """

    format: Literal[1] = 1
    bundle: str
    preset: str
    commit: str | None
    environment: dict[str, str]
    seconds: float
    complete: list[str]
    runs: dict[str, RunResult]

    def write(self, folder: Path) -> None:
        """Write results.json into `folder`."""
        write_text(folder / FILE, self.model_dump_json(indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "Results":
        """Return what stands in the results.json of `folder`.

        Raises:
            UserError: there is none, or it is not what `write` writes.
        """
        path = folder / FILE
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError:
            raise UserError(
                f"{path} is not there: `python -m vreid.bundle run` leaves it beside the runs that it makes."
            ) from None
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(step) for step in first["loc"])
            raise UserError(f"{path} is not a bundle's results: {where}: {first['msg']}.") from None

    def in_words(self) -> str:
        """Say in some lines how far the bundle is."""
        states = [result.state for result in self.runs.values()]
        counts = [f"{states.count(state)} {state}" for state in get_args(State) if state in states]
        lines = [f"{self.preset}: {len(states)} runs: {', '.join(counts)}"]
        lines += [f"complete: {', '.join(self.complete)}"] if self.complete else []
        lines += [f"{name}: {one.error}" for name, one in self.runs.items() if one.state == "failed"]
        return "\n".join(lines)


def result_of(run: RunPlan, places: Places) -> RunResult:
    """Return the result of a run that is done, with the digests of its files."""
    folder = places.out / "runs" / run.name
    files = {name: file_digest(folder / name) for name in sorted(run_files(run))}
    packs = {}
    for path in sorted({run.pack, *(test.pack for test in run.tests)}):
        manifest = places.of(path) / MANIFEST
        if manifest.is_file():
            packs[path] = str(json.loads(manifest.read_text(encoding="utf-8"))["content"])
    return RunResult(state="done", files=files, packs=packs)


def run_files(run: RunPlan) -> list[str]:
    """Return the files that a run leaves in its folder when it is done."""
    files = list(TRAINED)
    for test in run.tests:
        files += [f"{Path(test.features).name}/{name}.npy" for name in FEATURES]
        files += [f"{Path(test.evaluation).name}/{name}" for name in EVALUATED]
    return list(dict.fromkeys(files))


def environment() -> dict[str, str]:
    """Return the versions of what computes; nothing names the machine or its user."""
    found = {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "absent"
    return found
