"""`vreid plan --cost`: how long a preset trains, by table, before anything is trained."""

import json
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from vreid.params.plan import Plan

COSTS = Path(".vreid/costs")


def show_cost(plan: Plan, *, measure: int, assume: float | None, devices: int, as_json: bool) -> None:
    """Print what the trainings of `plan` cost; first take the times of `measure` kinds of step.

    With `assume`, in Tflop/s, nothing measured is used.
    """
    from vreid.training.cost import known_from_runs, read_known, run_costs
    from vreid.training.device import computing_on, device_name

    if assume is None:
        with computing_on(None) as place:
            device = device_name(place)
    else:
        device = f"device of {assume:g} Tflop/s"
    if measure:
        _measure(plan, measure, device)
    known = known_from_runs(Path("runs"), device) | read_known(COSTS, device)
    record = _record(plan, run_costs(plan, known, None if assume is None else assume * 1e12), device, devices)
    if as_json:
        typer.echo(json.dumps(record, indent=1))
    else:
        _print(record, plan)


def _measure(plan: Plan, count: int, device: str) -> None:
    """Take the times of the steps on which most of the work hangs, and keep them for this device."""
    import torch

    from vreid.params.requests import train_size
    from vreid.training.cost import Known, read_known, run_costs, step_work, worth_measuring, write_known
    from vreid.training.step_time import WARM_UP, measure_step, step_key

    known, steps = read_known(COSTS, device), 3
    chosen = worth_measuring(run_costs(plan, {}), count)
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=len(chosen) * (WARM_UP + steps))
        for name in chosen:
            config = plan.runs[name].config
            progress.update(task, description=name.rpartition("-s")[0])
            _, classes = train_size(plan.datasets[config.dataset])
            try:
                time = measure_step(config, classes or 1, steps=steps, told=lambda: progress.advance(task))
            except torch.OutOfMemoryError:
                progress.console.print(f"{name}: the device's memory does not suffice for a step; left out")
                continue
            known[step_key(config)] = Known(config.model.backbone.name, time.seconds, step_work(config))
            write_known(COSTS, device, known)


def _record(plan: Plan, costs: Any, device: str, devices: int) -> dict[str, Any]:
    from vreid.training.cost import table_costs

    def hours(runs: tuple[str, ...]) -> float | None:
        seconds = [costs[run].seconds for run in runs]
        return None if None in seconds else round(sum(seconds) / 3600, 4)

    every = tuple(costs)
    return {
        "preset": plan.preset,
        "source": plan.preset_label,
        "device": device,
        "devices": devices,
        "runs": len(costs),
        "steps": sum(cost.steps for cost in costs.values()),
        "multiply_adds": sum(cost.work for cost in costs.values()),
        "kinds_of_step": len({cost.key for cost in costs.values()}),
        "step_times": {
            source: sum(cost.source == source for cost in costs.values())
            for source in ("measured", "scaled", "assumed", "unknown")
        },
        "hours": hours(every),
        "days_on_all_devices": None if hours(every) is None else round(hours(every) / 24 / devices, 4),  # type: ignore[operator]
        "bytes_of_packed_images": _pack_bytes(plan),
        "tables": [
            {
                "table": cost.table,
                "runs": len(cost.runs),
                "hours": hours(cost.runs),
                "runs_not_in_tables_before": len(cost.first),
                "hours_not_in_tables_before": hours(cost.first),
            }
            for cost in table_costs(plan)
        ],
    }


def _pack_bytes(plan: Plan) -> int:
    from vreid.params.requests import images_of

    total = 0
    for dataset in plan.datasets.values():
        spectra = max(1, len(dataset.spec.spectra))
        for pack in (*dataset.packs, *dataset.darkened_packs()):
            height, width = pack.removesuffix("/").split(f"{dataset.version}-")[-1].split("-")[0].split("x")
            total += images_of(dataset) * spectra * int(height) * int(width) * 3
    return total


def _print(record: dict[str, Any], plan: Plan) -> None:
    console = Console()
    console.print(f"[bold]{record['preset']}[/]: {record['source']}")
    table = Table("table", "runs", "hours", "of them new", "hours", box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for line in record["tables"]:
        table.add_row(
            line["table"],
            str(line["runs"]),
            _hours(line["hours"]),
            str(line["runs_not_in_tables_before"]),
            _hours(line["hours_not_in_tables_before"]),
        )
    console.print(table)
    times = record["step_times"]
    console.print(
        f"{record['runs']} runs, {record['steps']:,} steps of {record['kinds_of_step']} kinds, "
        f"{record['multiply_adds']:.2e} multiply-adds; packed images "
        f"{record['bytes_of_packed_images'] / 1e9:.1f} GB."
    )
    if times["unknown"]:
        console.print(
            f"Nothing is known of steps on this device ({record['device']}): "
            f"`vreid plan --preset {plan.preset} --cost --measure 12` takes the times of the twelve kinds on "
            "which most of the work hangs."
        )
        return
    console.print(
        f"[bold]{_hours(record['hours'])} hours[/] of training on one {record['device']}, "
        f"{record['days_on_all_devices']:.2f} days on {record['devices']}; extraction and evaluation "
        f"come on top. Step times: {times['measured']} runs measured, {times['scaled']} scaled from others, "
        f"{times['assumed']} assumed."
    )


def _hours(hours: float | None) -> str:
    if hours is None:
        return "?"
    return f"{hours:,.1f}" if hours >= 10 else f"{hours:.2f}"
