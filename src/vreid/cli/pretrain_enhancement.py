"""`vreid pretrain-enhancement`: makes stand-ins for networks that brighten dark images."""

from typing import Annotated

import typer

from vreid.cli.data import progress_bar
from vreid.cli.options import Device, WeightsFolder
from vreid.params.errors import UserError


def pretrain_enhancement(
    networks: Annotated[
        list[str] | None, typer.Argument(help="Networks, or all of params/enhancement.yaml.")
    ] = None,
    width: Annotated[float | None, typer.Option(help="Share of the published channels.")] = None,
    device: Device = None,
    out: WeightsFolder = None,
) -> None:
    """Train enhancement networks (ALSA) on rendered scenes, for want of published weights."""
    from vreid.models.weights import RENDERED
    from vreid.params.enhancement import read_enhancement
    from vreid.params.read import suggest
    from vreid.training.enhancement import pretrain_enhancement as train

    recipe = read_enhancement()
    planned: dict[str, float] = {name: width or given for name, given in recipe.networks.items()}
    for name in networks or []:
        if name not in planned:
            raise UserError(f"params/enhancement.yaml has no network {name!r}{suggest(name, list(planned))}.")
    wanted = {name: share for name, share in planned.items() if not networks or name in networks}
    folder = RENDERED if out is None else out
    with progress_bar("rendering and training") as bar:
        found = train(recipe, wanted, folder, device=device, progress=lambda _, done, total: bar(done, total))
    for file, measured in found.items():
        typer.echo(
            f"{folder / file}: night pictures from {measured.psnr_night:.1f} to "
            f"{measured.psnr_enhanced:.1f} dB (PSNR against day), their mean luminance from "
            f"{measured.luminance_night:.2f} to {measured.luminance_enhanced:.2f} "
            f"(day: {measured.luminance_day:.2f})"
        )
