"""Figure: what ALSA makes of dark images, stage by stage."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from matplotlib.figure import Figure
from torch import Tensor

from vreid.datasets.packed import PackedImages
from vreid.models.alsa import Alsa
from vreid.models.alsa import Stages as Pictures
from vreid.models.enhancement.enlightengan import luma
from vreid.params.errors import UserError
from vreid.params.figures import Stages
from vreid.params.models.alsa import Enhancer
from vreid.params.plan import FigurePlan
from vreid.params.run import TrainConfig
from vreid.reporting.figures.drawing import Drawing
from vreid.training.augment import Centre
from vreid.training.device import computing_on
from vreid.training.extract import load_trained

Rows = npt.NDArray[np.int64]

NAMES = {
    "original": "original",
    "enhanced": "enhanced (EN)",
    "gated": "EN and GCA",
    "adjusted": "EN and SSA",
    "output": "output",
}
DARK = 0.1
"""The share of the test images, the darkest, that is drawn from."""
SEED = 0
TILE = 1.15


def draw(plan: FigurePlan, root: Path) -> Drawing:
    """Return the figure of the plan's run (its first seed); `root` is where the plan's paths start.

    Of the darkest tenth of the run's test images some are drawn at random, the same for every run of a
    dataset. Each has a line: as it is, after the enhancement network, that mixed by GCA, that adjusted by
    SSA, and the output, which is the adjusted one mixed by GCA.

    Raises:
        UserError: the run's network has no ALSA module.
    """
    if not isinstance(plan.spec, Stages):
        raise TypeError(f"a figure of the kind {plan.spec.kind} is not drawn here")
    result = plan.methods[0].results[0]
    pack = PackedImages.open(root / result.pack)
    rows = _darkest(pack, plan.spec.images)
    run = root / "runs" / result.run
    config = TrainConfig.model_validate_json((run / "config.json").read_bytes())
    found = _stages(run, config, pack, rows)
    numbers = {"run": result.run, "rows": rows.tolist(), **_measured(found)}
    return Drawing(_figure(found), numbers, _notes(config, result.run, numbers))


def _darkest(pack: PackedImages, count: int) -> Rows:
    """Return `count` rows of the test images, drawn from the darkest tenth of them, the darkest first."""
    tested = np.concatenate([pack.rows("query"), pack.rows("gallery")])
    brightness = np.array([pack.images[row].mean() for row in tested])
    order = tested[np.argsort(brightness, kind="stable")]
    dark = order[: max(count, round(DARK * len(tested)))]
    places = np.sort(np.random.default_rng(SEED).permutation(len(dark))[:count])
    return dark[places]


def _stages(run: Path, config: TrainConfig, pack: PackedImages, rows: Rows) -> Pictures:
    with computing_on("cpu") as device, torch.inference_mode():
        network = load_trained(run, device)
        if not isinstance(network, Alsa) or network.alsa is None:
            raise UserError(
                f"{run} is no run with an ALSA module: a figure of the kind stages needs `run` to be one."
            )
        pixels = torch.from_numpy(np.array(pack.images[rows])).to(device)
        return network.stages(Centre(config.input, device)(pixels))


def _measured(found: Pictures) -> dict[str, Any]:
    """Return each image's alpha by colour, and its mean luma after each stage."""
    return {
        "alpha": [[round(value, 4) for value in one.flatten().tolist()] for one in found.alpha.cpu()],
        "luminance": {name: _luminance(getattr(found, name)) for name in NAMES},
    }


def _luminance(pictures: Tensor) -> list[float]:
    means: Tensor = luma(pictures.clamp(0, 1)).mean(dim=(1, 2, 3))
    return [round(value, 4) for value in means.tolist()]


def _notes(config: TrainConfig, run: str, numbers: dict[str, Any]) -> tuple[str, ...]:
    before, after = (np.mean(numbers["luminance"][name]) for name in ("original", "output"))
    said = [
        f"All of one run, {run}.",
        f"Mean luminance of the images shown: {before:.2f} as they are, {after:.2f} in the output.",
    ]
    enhancement: Enhancer | None = getattr(config.model, "enhancement", None)
    if enhancement is not None and enhancement.weights == "rendered":
        said.append(
            f"The enhancement network, {enhancement.name} at width {enhancement.width:g}, is a stand-in, "
            "trained on rendered pictures."
        )
    return tuple(said)


def _figure(found: Pictures) -> Figure:
    count = len(found.original)
    figure = Figure(figsize=(len(NAMES) * TILE, count * TILE + 0.2), layout="constrained")
    axes = figure.subplots(count, len(NAMES), squeeze=False)
    for column, (name, title) in enumerate(NAMES.items()):
        axes[0, column].set_title(title, fontsize=8)
        for line, picture in enumerate(getattr(found, name)):
            axes[line, column].set_axis_off()
            axes[line, column].imshow(_shown(picture))
    return figure


def _shown(picture: Tensor) -> npt.NDArray[np.float32]:
    shown: npt.NDArray[np.float32] = picture.clamp(0, 1).permute(1, 2, 0).float().cpu().numpy()
    return shown
