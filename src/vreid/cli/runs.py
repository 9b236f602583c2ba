"""`vreid run …`: train, extract, evaluate and report one run of the plan."""

from pathlib import Path
from typing import Annotated

import typer

from vreid.cli.options import PlanFile, Preset, RunName, the_plan
from vreid.params.errors import UserError
from vreid.params.plan import RunPlan

app = typer.Typer(help="Train, extract, evaluate or report one run of the plan.", no_args_is_help=True)


@app.command()
def train(
    name: RunName,
    processes: Annotated[
        int, typer.Option(min=1, help="How many processes train it together, each on a GPU if there are any.")
    ] = 1,
    plan: PlanFile = None,
    preset: Preset = None,
) -> None:
    """Train the run, or go on where its checkpoint stands; writes runs/NAME/."""
    run = the_plan(plan, preset).run(name)
    from vreid.training.gpu import gpu_locks, hold_gpus

    hold_gpus(gpu_locks(), processes)
    _check_device(run)
    if processes > 1:
        from vreid.training.distributed import train_in_processes

        train_in_processes(run.config, Path(run.pack), Path("runs") / run.name, processes)
    else:
        from vreid.training.train import train as train_run

        train_run(run.config, Path(run.pack), Path("runs") / run.name)


@app.command()
def extract(
    name: RunName,
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
    _check_device(run)
    from vreid.training.extract import extract as extract_run

    extract_run(Path("runs") / run.name, Path(test.pack), out=Path(test.features))


@app.command()
def evaluate(
    name: RunName,
    evaluation: Annotated[
        str | None, typer.Option(help="One of the run's eval-… folders; all by default.")
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
def report(name: RunName, plan: PlanFile = None, preset: Preset = None) -> None:
    """Write reports/runs/NAME.md: metrics beside chance, rank-10 lists, how far pairs overlap."""
    resolved = the_plan(plan, preset)
    from vreid.reporting.own import write_run_report

    write_run_report(resolved, resolved.run(name), Path("reports/runs"))


def _check_device(run: RunPlan) -> None:
    """Refuse to make a run that is meant for GPUs on the CPU of a machine whose GPUs torch cannot use."""
    from vreid.training.gpu import usable_gpus

    if run.config.engine.precision == "float32" or not usable_gpus():
        return
    import torch

    if not torch.cuda.is_available():
        built = f"for CUDA {torch.version.cuda}" if torch.version.cuda else "without CUDA"
        raise UserError(
            f"{run.name} is to be made in {run.config.engine.precision} on a GPU, but torch "
            f"{torch.__version__} ({built}) cannot use those of this machine; an old driver is the usual "
            "cause (docs/scale.md). Set CUDA_VISIBLE_DEVICES to nothing to train on the CPU."
        )
