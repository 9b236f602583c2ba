"""`vreid run …`: train, extract, evaluate and report one run of the plan."""

from pathlib import Path
from typing import Annotated

import typer

from vreid.cli.options import PlanFile, Preset, the_plan

app = typer.Typer(help="Train, extract, evaluate or report one run of the plan.", no_args_is_help=True)

Name = Annotated[
    str,
    typer.Argument(help="A run as `vreid plan` lists it; its digest may be left off.", show_default=False),
]


@app.command()
def train(
    name: Name,
    processes: Annotated[
        int,
        typer.Option(min=1, help="How many processes train it together, each on a GPU if there are any."),
    ] = 1,
    plan: PlanFile = None,
    preset: Preset = None,
) -> None:
    """Train the run, or go on where its checkpoint stands; writes runs/NAME/."""
    run = the_plan(plan, preset).run(name)
    from vreid.training.gpu import gpu_locks, hold_gpus

    hold_gpus(gpu_locks(), processes)
    if processes > 1:
        from vreid.training.distributed import train_in_processes

        train_in_processes(run.config, Path(run.pack), Path("runs") / run.name, processes)
    else:
        from vreid.training.train import train as train_run

        train_run(run.config, Path(run.pack), Path("runs") / run.name)


@app.command()
def extract(
    name: Name,
    images: Annotated[
        str, typer.Option(help="original, or darkened where the run is tested so.")
    ] = "original",
    plan: PlanFile = None,
    preset: Preset = None,
) -> None:
    """Compute the features of the run's query and gallery images; writes runs/NAME/features…/."""
    run = the_plan(plan, preset).run(name)
    test = run.on_images(images)
    from vreid.training.gpu import gpu_locks, hold_gpus

    hold_gpus(gpu_locks())
    from vreid.training.extract import extract as extract_run

    extract_run(Path("runs") / run.name, Path(test.pack), out=Path(test.features))


@app.command()
def evaluate(
    name: Name,
    evaluation: Annotated[
        str | None,
        typer.Option(help="One of the run's eval-… folders; all by default.", show_default=False),
    ] = None,
    plan: PlanFile = None,
    preset: Preset = None,
) -> None:
    """Evaluate the run's features in the ways that its tables want; writes runs/NAME/eval-…/."""
    resolved = the_plan(plan, preset)
    run = resolved.run(name)
    dataset = resolved.dataset(run.config.dataset)
    from vreid.evaluation.run import evaluate_run

    for test in run.tests if evaluation is None else (run.tested(evaluation),):
        evaluate_run(
            Path(test.features),
            Path(dataset.index),
            Path(dataset.splits),
            Path(test.evaluation),
            test.test,
            [dataset.spec.protocol(protocol) for protocol in test.protocols],
        )


@app.command()
def report(name: Name, plan: PlanFile = None, preset: Preset = None) -> None:
    """Write reports/runs/NAME.md: metrics beside chance and colour histograms, and rank-10 lists."""
    resolved = the_plan(plan, preset)
    from vreid.reporting.own import write_run_report

    write_run_report(resolved, resolved.run(name), Path("reports/runs"))
