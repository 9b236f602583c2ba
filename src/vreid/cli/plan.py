"""`vreid plan` and `vreid gc`: what params/ asks for, what of it is there, and what is left over."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from vreid.cli.cost import show_cost
from vreid.cli.options import Preset
from vreid.params.errors import UserError
from vreid.params.plan import Plan, recorded_digest
from vreid.params.resolve import load

REPORTS = (".json", ".md", ".damaged.json", ".damaged.md")
"""What verification writes beside an index."""


def plan(
    preset: Preset = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan, or the cost, as JSON.")] = False,
    cost: Annotated[bool, typer.Option("--cost", help="Say how long it trains, by table, instead.")] = False,
    measure: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="With --cost: first time the N kinds of step that weigh most."),
    ] = 0,
    assume: Annotated[
        float | None,
        typer.Option(
            metavar="TFLOPS", min=0.001, help="With --cost: reckon with a device of this speed, unmeasured."
        ),
    ] = None,
    devices: Annotated[int, typer.Option(min=1, help="With --cost: how many devices train at once.")] = 1,
) -> None:
    """List the datasets, runs and tables that params/ asks for, and which of them are there."""
    resolved = load(preset=preset, all_present=cost)
    if cost:
        show_cost(resolved, measure=measure, assume=assume, devices=devices, as_json=as_json)
        return
    if as_json:
        typer.echo(resolved.model_dump_json(indent=1))
        return
    console = Console()
    console.print(f"[bold]{resolved.preset}[/]: {resolved.preset_label}")
    for title, heads, rows in (
        ("Datasets", ("dataset", "source", "folder", "state"), _datasets(resolved)),
        ("Runs", ("run", "is also", "state"), _runs(resolved)),
        ("Tables", ("table", "runs", "state"), _tables(resolved)),
    ):
        table = Table(*heads, title=title, title_justify="left", box=None)
        for row in rows:
            table.add_row(*row)
        console.print(table)


def gc(
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete; without it they are only listed.")
    ] = False,
) -> None:
    """Find runs and prepared data that no preset's plan names any more."""
    kept: set[str] = set()
    absent: set[str] = set()
    for file in sorted(Path("params/presets").glob("*.yaml")):
        resolved = load(preset=file.stem)
        kept |= _named(resolved)
        absent |= {dataset.name for dataset in resolved.datasets.values() if not dataset.present}
    if not kept:
        raise UserError("params/presets/ holds no preset here: run this in the project's folder.")
    leftovers = [path for path in _kept_apart() if path.as_posix() not in kept]
    spared = [path for path in leftovers if _may_be_of(path, absent)]
    leftovers = [path for path in leftovers if path not in spared]
    leftovers += [path for path in _kept_within() if _is_left_over(path, kept)]
    if spared:
        typer.echo(f"{len(spared)} kept: their datasets are not in place now, so nobody can tell.")
    for path in leftovers:
        typer.echo(f"{'deleted' if delete else 'not named by any preset'}: {path}")
        if delete:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    if leftovers and not delete:
        typer.echo(f"{len(leftovers)} left over; `vreid gc --delete` deletes them.")


def _kept_within() -> Iterator[Path]:
    """Everything of a run that is named by a digest of its own, and the reports on runs."""
    for pattern in ("runs/*/eval-*", "runs/*/features*", "reports/audits/*", "reports/runs/*"):
        yield from sorted(path for path in Path().glob(pattern) if not path.name.startswith("."))


def _is_left_over(path: Path, kept: set[str]) -> bool:
    """Tell whether a part of a kept run is planned no more, or a report on a run that is gone."""
    if path.parts[0] == "runs":
        return path.parent.as_posix() in kept and path.as_posix() not in kept
    return not (Path("runs") / path.name.partition(".")[0]).is_dir()


def _may_be_of(path: Path, absent: set[str]) -> bool:
    """Tell whether real data of a dataset that is away, or a run on it, may be meant by `path`."""
    if path.parts[0] == "runs":
        return any(f"-{name}-s" in path.name for name in absent) and not _on_rendered_data(path)
    return "real" in path.parts and any(path.name.startswith(f"{name}-") for name in absent)


def _on_rendered_data(run: Path) -> bool:
    try:
        return bool(json.loads((run / "config.json").read_bytes())["source"] == "synthetic")
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _datasets(plan: Plan) -> Iterator[tuple[str, ...]]:
    for dataset in plan.datasets.values():
        if not dataset.present:
            state = f"absent: `vreid data acquire {dataset.name} --source real` says how to get it"
        else:
            state = _state(Path(dataset.index).exists(), "indexed", "not yet indexed")
        yield dataset.name, dataset.source, dataset.raw, state


def _runs(plan: Plan) -> Iterator[tuple[str, ...]]:
    for run in plan.runs.values():
        folder = Path("runs") / run.name
        trained = (folder / "model.safetensors").exists()
        done = all(Path(test.results).exists() for test in run.tests)
        state = "evaluated" if done else _state(trained, "trained", "not yet trained")
        yield run.name, ", ".join(run.same[1:]), state


def _tables(plan: Plan) -> Iterator[tuple[str, ...]]:
    for key, table in plan.tables.items():
        fresh = recorded_digest(Path(f"reports/tables/{key}.json")) == table.digest
        yield key, str(len(table.evaluations())), _state(fresh, "up to date", "to be made")


def _state(there: bool, yes: str, no: str) -> str:
    return f"[green]{yes}[/]" if there else f"[yellow]{no}[/]"


def _named(plan: Plan) -> set[str]:
    named: set[str] = set()
    for run in plan.runs.values():
        named |= {f"runs/{run.name}", run.pack, run.baselines}
        named |= {folder for test in run.tests for folder in (test.evaluation, test.features)}
    for dataset in plan.datasets.values():
        named |= {dataset.raw, dataset.index, dataset.splits, *dataset.packs, *dataset.darkened_packs()}
        named |= {f"data/index/{dataset.source}/{dataset.version}{suffix}" for suffix in REPORTS}
        named |= {f"reports/datasets/{dataset.version}{suffix}" for suffix in (".png", ".md")}
        if dataset.darkened is not None:
            named.add(dataset.darkened)
    return named


def _kept_apart() -> Iterator[Path]:
    """Everything that is named by a digest; real raw data is the user's and never looked at."""
    for pattern in (
        "runs/*",
        "data/raw/synthetic/*",
        "data/index/*/*",
        "data/splits/*/*",
        "data/packed/*/*",
        "data/baselines/*/*",
        "reports/datasets/*",
    ):
        yield from sorted(path for path in Path().glob(pattern) if not path.name.startswith("."))
