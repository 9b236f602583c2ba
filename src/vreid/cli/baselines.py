"""`vreid baselines`: what methods without training reach on a dataset's queries."""

from pathlib import Path
from typing import Annotated

import typer

from vreid.cli.options import PlanFile, Preset, the_plan


def baselines(
    dataset: Annotated[str, typer.Argument(help="A dataset of the plan, or its version.")],
    images: Annotated[Path, typer.Argument(help="Its packed images.")],
    out: Annotated[Path, typer.Argument(help="The JSON file to write.")],
    plan: PlanFile = None,
    preset: Preset = None,
) -> None:
    """Write what chance, colours and pixels reach, and on rendered data an oracle of the attributes."""
    entry = the_plan(plan, preset).dataset(dataset)
    attributes = Path(entry.raw) / "rendered" / "attributes.csv"
    from vreid.evaluation.baselines import baselines as write_baselines

    write_baselines(
        Path(entry.index),
        Path(entry.splits),
        images,
        out,
        attributes if attributes.is_file() else None,
        entry.spec.protocols,
    )
