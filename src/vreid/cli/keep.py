"""`vreid keep …` and `vreid restore`: what DVC versions, and runs out of it."""

from pathlib import Path
from typing import Annotated

import typer

from vreid.cli.options import PlanFile, Preset, the_plan

app = typer.Typer(
    help="Write what DVC versions beside the reports; `dvc repro` calls it (docs/dvc.md).",
    no_args_is_help=True,
)


@app.command()
def dataset(
    name: Annotated[str, typer.Argument(help="A dataset of params/datasets.")],
    plan: PlanFile = None,
    preset: Preset = None,
) -> None:
    """Write reports/manifests/NAME.json: version and counts of a prepared dataset."""
    from vreid.reporting.manifest import write_manifest

    write_manifest(the_plan(plan, preset).dataset(name), Path("reports/manifests"))


@app.command()
def paper(
    name: Annotated[str, typer.Argument(help="A paper, as se_densenet.")],
    plan: PlanFile = None,
    preset: Preset = None,
) -> None:
    """Write reports/metrics/NAME.json and .csv, and an archive of each run to dist/runs/NAME/."""
    from vreid.bundle.kept import FOLDER, keep_runs
    from vreid.reporting.metrics import write_metrics

    resolved = the_plan(plan, preset)
    for remark in keep_runs(resolved, name, FOLDER / name, Path()):
        typer.echo(f"note: {remark}")
    write_metrics(name, Path("reports"))


def restore(
    papers: Annotated[
        list[str] | None, typer.Argument(help="Papers, as se_densenet; all by default.")
    ] = None,
    plan: PlanFile = None,
    preset: Preset = None,
) -> None:
    """Take runs that are missing here out of dist/runs/, as `dvc pull` brings them; each is checked."""
    from vreid.bundle.kept import FOLDER, restore_runs

    resolved = the_plan(plan, preset)
    brought = restore_runs(resolved, papers or list(resolved.claims), FOLDER, Path())
    for line in brought.in_lines():
        typer.echo(line)
    if brought.refused:
        raise typer.Exit(1)
