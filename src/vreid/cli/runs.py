"""`vreid run …`: train, extract, evaluate and report one run of the plan."""

import os
import tempfile
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
def train(name: Name, plan: PlanFile = None, preset: Preset = None) -> None:
    """Train the run, or go on where its checkpoint stands; writes runs/NAME/."""
    run = the_plan(plan, preset).run(name)
    from vreid.training.gpu import hold_gpu

    hold_gpu(_gpu_locks())
    from vreid.training.train import train as train_run

    train_run(run.config, Path(run.pack), Path("runs") / run.name)


@app.command()
def extract(name: Name, plan: PlanFile = None, preset: Preset = None) -> None:
    """Compute the features of the run's query and gallery images; writes runs/NAME/features/."""
    run = the_plan(plan, preset).run(name)
    from vreid.training.gpu import hold_gpu

    hold_gpu(_gpu_locks())
    from vreid.training.extract import extract as extract_run

    extract_run(Path("runs") / run.name, Path(run.pack))


@app.command()
def evaluate(name: Name, plan: PlanFile = None, preset: Preset = None) -> None:
    """Evaluate the run's features under the protocols of its tables; writes runs/NAME/eval-…/."""
    resolved = the_plan(plan, preset)
    run = resolved.run(name)
    dataset = resolved.dataset(run.config.dataset)
    from vreid.evaluation.run import evaluate_run

    evaluate_run(
        Path("runs") / run.name / "features",
        Path(dataset.index),
        Path(dataset.splits),
        Path(run.evaluation),
        run.test,
        [dataset.spec.protocol(protocol) for protocol in run.protocols],
    )


@app.command()
def report(name: Name, plan: PlanFile = None, preset: Preset = None) -> None:
    """Write reports/runs/NAME.md: metrics beside chance and colour histograms, and rank-10 lists."""
    resolved = the_plan(plan, preset)
    from vreid.reporting.own import write_run_report

    write_run_report(resolved, resolved.run(name), Path("reports/runs"))


def _gpu_locks() -> Path:
    """One folder for all pipelines of this user: two working folders share the machine's GPUs."""
    return Path(tempfile.gettempdir()) / f"vreid-gpus-{os.getuid()}"
