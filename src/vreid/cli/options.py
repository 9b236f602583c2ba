"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from vreid.params.plan import Plan

PlanFile = Annotated[
    Path | None,
    typer.Option("--plan", help="The plan that the workflow resolved; params/ is read when it is left out."),
]
Preset = Annotated[
    str | None,
    typer.Option("--preset", help="A preset of params/presets/ instead of the one in params/workflow.yaml."),
]
RunName = Annotated[str, typer.Argument(help="A run as `vreid plan` lists it; its digest may be left off.")]
Device = Annotated[str | None, typer.Option(help="cpu or cuda; a GPU if there is one.")]
WeightsFolder = Annotated[Path | None, typer.Option(help="Folder; by default where they are loaded from.")]


def the_plan(file: Path | None, preset: str | None = None) -> Plan:
    """Return the plan in `file`, or the one that params/ of this folder asks for."""
    if file is not None:
        return Plan.read(file)
    from vreid.params.resolve import load

    return load(preset=preset)
