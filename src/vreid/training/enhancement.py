"""Stand-ins for the published enhancement networks: trained on rendered pictures, where those cannot be had.

Every network, whatever its paper trained it with, learns the same here: pictures of one rendered scene by
night and by day are input and target; so are day pictures, darkened, and day pictures as they are, which are
to stay so. What comes out is a stand-in and is called so wherever it is used.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from vreid.models.enhancement.build import build_enhancer
from vreid.models.enhancement.enlightengan import luma
from vreid.models.enhancement.retinexnet import RetinexNet
from vreid.params.atomic import atomic_path, write_json
from vreid.params.enhancement import DarkPictures, Enhancement, EnhancementTraining
from vreid.params.models.alsa import Enhancer, Retinex
from vreid.params.models.backbone import rendered_name
from vreid.params.render import RenderSpec
from vreid.synthetic.pairs import PairStudio
from vreid.training.device import computing_on

Pictures = npt.NDArray[np.uint8]
Values = npt.NDArray[np.float32]
Progress = Callable[[str, int, int], None]

AT_ONCE = 32
"""Pictures that are measured together."""


@dataclass(frozen=True)
class Pairs:
    """Pictures of the same scenes, each (N, S, S, 3), uint8, RGB."""

    day: Pictures
    night: Pictures


@dataclass(frozen=True)
class Exposure:
    """How well night pictures are exposed: means over pictures that were not trained on.

    Luminance is the mean luma in [0, 1], PSNR in dB against the day picture of the same scene.
    """

    luminance_night: float
    luminance_enhanced: float
    luminance_day: float
    psnr_night: float
    psnr_enhanced: float


def pretrain_enhancement(
    recipe: Enhancement,
    networks: Mapping[str, float],
    folder: Path,
    *,
    device: str | None = None,
    progress: Progress | None = None,
) -> dict[str, Exposure]:
    """Train a stand-in of each of `networks` (name: width) into `folder`; return how good it is, by file.

    A network's file is `<name>-w<width>.safetensors`; a manifest beside it, which ends in .json, gives its
    SHA-256, what it is and how well it brightens pictures that it did not see. `progress` is told what is
    done, how much of it, and how much there is. `device` as for `vreid.training.train.train`; on one kind of
    CPU the same bytes come out every time.
    """
    train, test = (render_pairs(recipe.world, split, progress) for split in ("train", "test"))
    found = {}
    for name, width in networks.items():
        with computing_on(device) as place:
            network = fit_enhancer(name, width, train, recipe.pictures, recipe.training, place, progress)
            measured = exposure(network, test)
        file = rendered_name(name, width)
        _write(folder / file, network, _described(network, name, width, recipe, measured))
        found[file] = measured
    return found


def render_pairs(
    world: RenderSpec, split: str, progress: Progress | None = None, limit: int | None = None
) -> Pairs:
    """Return the pairs of the `train` or the `test` vehicles of `world`, the first `limit` of them."""
    studio = PairStudio(world)
    shots = [shot for shot in studio.world.shots if studio.world.by_pid[shot.pid].split == split][:limit]
    pairs = []
    for number, shot in enumerate(shots, start=1):
        pairs.append(studio.take_pair(shot))
        if progress is not None:
            progress(f"rendering pictures to {split}", number, len(shots))
    day, night = (np.stack(pictures) for pictures in zip(*pairs, strict=True))
    return Pairs(day, night)


def fit_enhancer(
    name: str,
    width: float,
    pairs: Pairs,
    pictures: DarkPictures,
    training: EnhancementTraining,
    device: torch.device,
    progress: Progress | None = None,
) -> nn.Module:
    """Return a network of that `name` and `width`, trained on `pairs` from scratch, in evaluation mode.

    The loss is the mean absolute error; RetinexNet also has to take its input apart. In the last part of the
    training batch normalisation uses its running statistics, so that the weights fit them.
    """
    torch.manual_seed(training.seed)
    network = untrained(name, width).to(device).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=training.lr, foreach=False)
    for step, (dark, bright) in enumerate(batches(pairs, pictures, training)):
        if step == round(training.settled * training.steps):
            _settle(network)
        optimizer.param_groups[0]["lr"] = training.lr * (1 + math.cos(math.pi * step / training.steps)) / 2
        optimizer.zero_grad()
        _loss(network, dark.to(device), bright.to(device)).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if progress is not None:
            progress(f"training {name}", step + 1, training.steps)
    return network.eval()


def untrained(name: str, width: float) -> nn.Module:
    """Return a network of that `name` and `width` with fresh weights, all of which learn."""
    keys = {"name": name, "width": width, "weights": None, "frozen": False}
    return build_enhancer((Retinex if name == "retinexnet" else Enhancer).model_validate(keys))


def batches(
    pairs: Pairs, pictures: DarkPictures, training: EnhancementTraining
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield each step's input and target, each (B, 3, S, S) in [0, 1]; half of the images are mirrored."""
    rng = np.random.default_rng(training.seed)
    for _ in range(training.steps):
        rows = rng.integers(0, len(pairs.day), training.images)
        mirrored = rng.random(training.images) < 0.5
        kind = rng.random(training.images)
        bright = _unit(pairs.day[rows])
        dark = bright.copy()
        by_night = kind < pictures.night
        dark[by_night] = _unit(pairs.night[rows[by_night]])
        for number in np.flatnonzero(~by_night & (kind < pictures.night + pictures.darkened)):
            dark[number] = darkened(bright[number], pictures, rng)
        for some in (dark, bright):
            some[mirrored] = some[mirrored, :, ::-1]
        yield _tensor(dark), _tensor(bright)


def darkened(picture: Values, pictures: DarkPictures, rng: np.random.Generator) -> Values:
    """Return a `picture` (H, W, 3) in [0, 1] with less light, as likely in one of two ways.

    Its values times a factor, as the ALSA paper darkens; or its light times a factor, as if the exposure were
    shorter: back from the display's gamma to light, times the factor, up to as much sensor noise as
    `pictures` says, and gamma again.
    """
    if rng.random() < 0.5:
        return picture * np.float32(rng.uniform(*pictures.value_factors))
    light = picture**pictures.gamma * rng.uniform(*pictures.light_factors)
    deviation = rng.random() * pictures.noise * np.sqrt(light)
    noisy = np.clip(light + rng.normal(size=light.shape) * deviation, 0, 1)
    dark: Values = (noisy ** (1 / pictures.gamma)).astype(np.float32)
    return dark


def exposure(network: nn.Module, pairs: Pairs) -> Exposure:
    """Measure how well `network` (in evaluation mode) exposes the night pictures of `pairs`."""
    device = next(network.parameters()).device
    day, night = _tensor(_unit(pairs.day)), _tensor(_unit(pairs.night))
    with torch.no_grad():
        enhanced = torch.cat([network(part.to(device)).cpu() for part in torch.split(night, AT_ONCE)])
    return Exposure(
        luminance_night=round(luma(night).mean().item(), 4),
        luminance_enhanced=round(luma(enhanced).mean().item(), 4),
        luminance_day=round(luma(day).mean().item(), 4),
        psnr_night=round(psnr(night, day), 2),
        psnr_enhanced=round(psnr(enhanced, day), 2),
    )


def psnr(pictures: Tensor, targets: Tensor) -> float:
    """Return the mean over pictures (B, 3, H, W) in [0, 1] of 10 log10(1 / mean squared error), in dB."""
    errors = (pictures - targets).square().mean(dim=(1, 2, 3))
    return float((-10 * errors.log10()).mean())


def _loss(network: nn.Module, dark: Tensor, bright: Tensor) -> Tensor:
    loss = functional.l1_loss(network(dark), bright)
    if isinstance(network, RetinexNet):
        # Without this, reflectance would be free to be anything, and loses the colours.
        reflectance, illumination = network.decom(dark)
        loss = loss + functional.l1_loss(reflectance * illumination, dark)
    return loss


def _settle(network: nn.Module) -> None:
    for layer in network.modules():
        if isinstance(layer, _BatchNorm):
            layer.eval()


def _unit(pictures: Pictures) -> Values:
    return pictures.astype(np.float32) / np.float32(255)


def _tensor(pictures: Values) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))


def _described(
    network: nn.Module, name: str, width: float, recipe: Enhancement, measured: Exposure
) -> dict[str, Any]:
    return {
        "is": f"a stand-in for {type(network).__name__}'s published weights, trained on rendered pictures",
        "made_by": f"vreid pretrain-enhancement {name} --width {width:g}",
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "measured": asdict(measured),
        "world": recipe.world.model_dump(mode="json"),
        "pictures": recipe.pictures.model_dump(mode="json"),
        "training": recipe.training.model_dump(mode="json"),
    }


def _write(path: Path, network: nn.Module, described: dict[str, Any]) -> None:
    """Write a network's weights, and beside them what they are."""
    state = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    content = safetensors.torch.save(state)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
        write_json(path.with_suffix(".json"), {"sha256": hashlib.sha256(content).hexdigest(), **described})
