"""Whether the rendered world has the phenomena that the papers are about: a figure and numbers for each.

python benchmarks/phenomena.py [NAME ...] [--out docs/figures] [--steps 500] [--seed 500000]

NAME: thermal, no_camera_rule, darkness, heading, occlusion, twins; all of them if none is given. The worlds
have seeds of their own, far from those of the datasets. A network is a ResNet of blocks 1-1-2-1 at a
quarter of the published width, trained from random weights with cross-entropy and hard triplets. Accuracy
is mAP / R1 in percent on unseen vehicles, across cameras where nothing else is said.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn
from torch.nn import functional

from vreid.evaluation.baselines import colour_histogram, raw_pixels
from vreid.evaluation.evaluate import Method, evaluate_arrays, evaluate_pool
from vreid.evaluation.protocols import Protocol
from vreid.evaluation.result import Result
from vreid.params.dataset import read_dataset
from vreid.params.render import RenderSpec
from vreid.synthetic.arrays import Stream, stream
from vreid.synthetic.heading import Poses, apparent_heading
from vreid.synthetic.render import load_layout
from vreid.synthetic.studio import Studio, draw_passage
from vreid.synthetic.world import Shot, World, plan_world

Pictures = npt.NDArray[np.uint8]
Values = npt.NDArray[np.float32]
SIDE = 64
ALL_VS_ALL = Protocol("all_vs_all", "all_vs_all", "self", distance="euclidean")


@dataclass(frozen=True)
class Seen:
    """A rendered world at 64 x 64 px: `images (N, 64, 64, 3)` of one spectrum, and what is known of each."""

    world: World
    shots: tuple[Shot, ...]
    images: dict[str, Pictures]

    def labels(self, name: str) -> npt.NDArray[np.int64]:
        """Return `pid` or `camera` of every image."""
        return np.array([getattr(shot, name) for shot in self.shots])

    def test(self) -> npt.NDArray[np.bool_]:
        """Return which images show test vehicles."""
        return np.array([self.world.by_pid[shot.pid].split == "test" for shot in self.shots])


def main() -> None:
    """Measure the phenomena that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[*PHENOMENA, []], metavar="NAME")
    parser.add_argument("--out", type=Path, default=Path("docs/figures"))
    parser.add_argument("--steps", type=int, default=500, help="of 32 images, for each network")
    parser.add_argument("--seed", type=int, default=500_000, help="added to the seeds of the datasets")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or PHENOMENA:
        lines, rows = PHENOMENA[name](arguments.seed, arguments.steps)
        print(f"{name}\n  " + "\n  ".join(lines), flush=True)
        _sheet(rows, lines[0], arguments.out / f"{name}.png")


def thermal(seed: int, steps: int) -> tuple[list[str], list[Pictures]]:
    """Compare what near and thermal infrared alone say about a vehicle."""
    seen = _render(
        "rgbnt100", ("nir", "tir"), seed, train_ids=64, test_ids=60, cameras_per_id=4, images_per_camera=2,
        image_size=96, night=0.3, dusk=0.15, glare=0.15, low_resolution=0.25,
    )  # fmt: skip
    lines = []
    for band in ("tir", "nir"):
        trained = _learned(seen, band, steps)
        raw, colours = raw_pixels(seen.images[band]), colour_histogram(seen.images[band])
        lines.append(
            f"{band} alone: trained {_across(seen, trained)}, raw pixels {_across(seen, raw)}, "
            f"histogram {_across(seen, colours)}, chance {_chance(seen)}"
        )
    return lines, _rows(seen, "tir", 6)


def no_camera_rule(seed: int, steps: int) -> tuple[list[str], list[Pictures]]:
    """Measure untrained methods where images from a query's own camera count, set by set."""
    lines: list[str] = []
    rows: list[Pictures] = []
    for name in ("vehicleid", "vru", "uav_veid", "cars196", "veri776"):
        models = 102 if name == "cars196" else 40
        seen = _render(
            name, ("rgb",), seed, train_ids=2, test_ids=100, models=models, image_size=64, low_resolution=0.25
        )
        test, pids = seen.test(), seen.labels("pid")
        images = seen.images["rgb"][test]
        found = []
        for method in (colour_histogram, raw_pixels):
            result = evaluate_pool(method(images), pids[test], protocol=ALL_VS_ALL, method=_euclidean())
            found.append(_shown(result))
        lines.append(f"{name}, all vs all: histogram {found[0]}, raw pixels {found[1]}")
        rows += _rows(seen, "rgb", 1)
    return lines, rows


def darkness(seed: int, steps: int) -> tuple[list[str], list[Pictures]]:
    """Measure what darkened queries and queries by night lose, with a network that is trained on all."""
    seen, trained = _street(seed), _street_features(seed, steps, 0.0)
    dimmed = (seen.images["rgb"] * 0.3).astype(np.uint8)
    dark = _extract(_street_network(seed, steps, 0.0), dimmed)
    kind = np.array([draw_passage(seen.world.spec, shot).light.kind for shot in seen.shots])
    night = np.isin(kind, ("night", "dusk"))
    lines = [
        f"queries as taken {_across(seen, trained)}, at 0.3 of their brightness "
        f"{_across(seen, trained, query=dark)}",
        f"queries by day {_across(seen, trained, ~night)}, at dusk and by night "
        f"{_across(seen, trained, night)}",
    ]
    first = np.flatnonzero(seen.test())[:: seen.world.spec.cameras_per_id]
    return lines, [seen.images["rgb"][first[:8]], dimmed[first[:8]], seen.images["rgb"][night][:8]]


def heading(seed: int, steps: int) -> tuple[list[str], list[Pictures]]:
    """Measure what turning drone images by their vehicle's true heading gains."""
    seen = _render(
        "vru", ("rgb",), seed, train_ids=2, test_ids=100, models=40, image_size=64, low_resolution=0.25
    )
    poses = Poses(seen.world, load_layout("vru").shape)
    turn = np.array([apparent_heading(*poses.pose(shot)) for shot in seen.shots])
    images = seen.images["rgb"]
    aligned = np.stack([_turned(image, angle) for image, angle in zip(images, turn, strict=True)])
    # Corners that turn out of the square would tell the angle: both are seen through a disc.
    disc = np.hypot(*np.meshgrid(*[np.arange(SIDE) - (SIDE - 1) / 2] * 2)) < SIDE / 2 - 2
    before, after = images * disc[..., None], aligned * disc[..., None]
    spread = abs(np.exp(1j * turn).mean())
    lines = [
        f"raw pixels as taken {_across(seen, raw_pixels(before))}, aligned "
        f"{_across(seen, raw_pixels(after))}",
        f"headings: mean resultant length {spread:.2f} (0 is uniform)",
    ]
    return lines, [images[:8], aligned[:8]]


def occlusion(seed: int, steps: int) -> tuple[list[str], list[Pictures]]:
    """Measure what occluded queries lose, and what random erasing in training gives back."""
    seen, hidden = _street(seed), _occluded(_street(seed))
    lines = []
    for erase, name in ((0.0, "without"), (0.5, "with")):
        trained = _street_features(seed, steps, erase)
        lines.append(
            f"{name} random erasing: {_across(seen, trained)}; occluded queries "
            f"{_across(seen, trained, hidden)}, others {_across(seen, trained, ~hidden)}"
        )
    return lines, [seen.images["rgb"][hidden][:8], seen.images["rgb"][hidden][8:16]]


def twins(seed: int, steps: int) -> tuple[list[str], list[Pictures]]:
    """Measure what vehicles lose that have a twin: the same model and paint, other details."""
    seen, trained = _street(seed), _street_features(seed, steps, 0.0)
    paired = np.array([seen.world.by_pid[shot.pid].twin_of is not None for shot in seen.shots])
    lines = [
        f"queries of twins {_across(seen, trained, paired)}, of others {_across(seen, trained, ~paired)}"
    ]
    pids = seen.labels("pid")
    rows = []
    for pid in np.unique(pids[paired & seen.test()])[:2]:
        twin = seen.world.by_pid[int(pid)].twin_of
        rows += [seen.images["rgb"][pids == pid][:8], seen.images["rgb"][pids == twin][:8]]
    return lines, rows


PHENOMENA: dict[str, Callable[[int, int], tuple[list[str], list[Pictures]]]] = {
    "thermal": thermal,
    "no_camera_rule": no_camera_rule,
    "darkness": darkness,
    "heading": heading,
    "occlusion": occlusion,
    "twins": twins,
}


def _render(dataset: str, bands: Sequence[Any], seed: int, **changes: Any) -> Seen:
    """Return a world like a dataset's stand-in, with `changes` and a seed of its own."""
    render = read_dataset(dataset).render.model_dump()
    spec = RenderSpec(**(render | changes | {"seed": render["seed"] + seed}))
    world = plan_world(spec)
    studio = Studio(world, load_layout(dataset).shape)
    taken: dict[str, list[Pictures]] = {band: [] for band in bands}
    for shot in world.shots:
        for band, picture in zip(bands, studio.take(shot, tuple(bands)), strict=True):
            small = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
            taken[band].append(np.asarray(small))
    return Seen(world, world.shots, {band: np.stack(pictures) for band, pictures in taken.items()})


@cache
def _street(seed: int) -> Seen:
    return _render(
        "veri776", ("rgb",), seed, train_ids=64, test_ids=60, cameras_per_id=8, images_per_camera=1,
        models=24, twins=0.3, image_size=80, dusk=0.1, glare=0.05, occlusion=0.25, low_resolution=0.2,
    )  # fmt: skip


@cache
def _street_network(seed: int, steps: int, erase: float) -> "Network":
    return _train(_street(seed), "rgb", steps, erase)


def _street_features(seed: int, steps: int, erase: float) -> Values:
    return _extract(_street_network(seed, steps, erase), _street(seed).images["rgb"])


def _occluded(seen: Seen) -> npt.NDArray[np.bool_]:
    """Return which images have a pole or foliage before the vehicle, drawn again as the studio does."""
    spec, layout = seen.world.spec, load_layout("veri776")

    class Draws(Studio):
        def occluded(self, shot: Shot) -> bool:
            rng = stream(spec.seed, Stream.SHOT, shot.pid, shot.camera, shot.step)
            vehicle = self._world.vehicle(shot)
            self._pose(shot, self._setup(shot.camera), draw_passage(spec, shot), vehicle, rng)
            self._film(rng)
            return bool(rng.random() < spec.occlusion)

    studio = Draws(seen.world, layout.shape)
    return np.array([studio.occluded(shot) for shot in seen.shots])


def _turned(image: Pictures, angle: float) -> Pictures:
    return np.asarray(Image.fromarray(image).rotate(-np.degrees(angle), Image.Resampling.BILINEAR))


def _euclidean() -> Method:
    return Method(distance="euclidean", threads=1)


def _across(seen: Seen, features: Any, queries: Any = None, *, query: Values | None = None) -> str:
    """Return mAP / R1 on the test vehicles; `queries` limits them, `query` replaces their features."""
    gallery = np.flatnonzero(seen.test())
    rows = gallery if queries is None else np.flatnonzero(seen.test() & queries)
    pids, cameras = seen.labels("pid"), seen.labels("camera")
    result = evaluate_arrays(
        (features if query is None else query)[rows], features[gallery], pids[rows], pids[gallery],
        cameras[rows], cameras[gallery], protocol="custom", method=_euclidean(),
    )  # fmt: skip
    return _shown(result)


def _chance(seen: Seen) -> str:
    return _across(seen, np.random.default_rng(0).normal(size=(len(seen.shots), 8)))


def _shown(result: Result) -> str:
    return f"{100 * result['mAP']:.1f} / {100 * result.cmc[0]:.1f}"


class Block(nn.Module):
    """A bottleneck of `width` channels that leaves four times as many."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width),
        )  # fmt: skip
        self.side: nn.Module = nn.Identity()
        if stride > 1 or channels != 4 * width:
            self.side = nn.Sequential(
                nn.Conv2d(channels, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width)
            )

    def forward(self, images: Tensor) -> Tensor:
        """Return the block's maps."""
        return functional.relu(self.body(images) + self.side(images))


class Network(nn.Module):
    """The small ResNet, with a batch norm neck and a classifier of `classes` vehicles."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 16, 5, 2, 2, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            Block(16, 16, 1), Block(64, 32, 2), Block(128, 64, 2), Block(256, 64, 1), Block(256, 128, 1),
        )  # fmt: skip
        self.neck = nn.BatchNorm1d(512)
        self.classifier = nn.Linear(512, classes, bias=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return pooled features and features behind the neck."""
        pooled = self.body(images).mean((2, 3))
        return pooled, self.neck(pooled)


def _learned(seen: Seen, band: str, steps: int) -> Values:
    return _extract(_train(seen, band, steps), seen.images[band])


def _train(seen: Seen, band: str, steps: int, erase: float = 0.0) -> Network:
    """Return a network trained on the training vehicles: 8 vehicles x 4 images a step."""
    train = ~seen.test()
    images = seen.images[band][train]
    labels = np.unique(seen.labels("pid")[train], return_inverse=True)[1]
    rows_of = [np.flatnonzero(labels == label) for label in range(labels.max() + 1)]
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    network = Network(len(rows_of)).train()
    optimizer = torch.optim.Adam(network.parameters(), 3e-3, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, steps)
    for _ in range(steps):
        vehicles = rng.choice(len(rows_of), 8, replace=False)
        rows = np.concatenate([rng.choice(rows_of[vehicle], 4, replace=False) for vehicle in vehicles])
        pooled, neck = network(_augmented(_tensor(images[rows]), rng, erase))
        target = torch.as_tensor(labels[rows])
        distance, same = torch.cdist(pooled, pooled), target[:, None] == target[None]
        gap = (distance * same).max(1)[0] - (distance + 1e9 * same).min(1)[0]
        loss = functional.cross_entropy(network.classifier(neck), target, label_smoothing=0.1)
        loss = loss + functional.relu(gap + 0.3).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return network.eval()


def _augmented(images: Tensor, rng: np.random.Generator, erase: float) -> Tensor:
    """Return the images flipped, shifted by up to 4 pixels and, with the chance `erase`, partly erased."""
    flip = torch.as_tensor(rng.random(len(images)) < 0.5)
    images[flip] = images[flip].flip(3)
    top, left = rng.integers(0, 9, 2)
    images = functional.pad(images, (4, 4, 4, 4))[:, :, top : top + SIDE, left : left + SIDE].clone()
    for row in np.flatnonzero(rng.random(len(images)) < erase):
        height, width = rng.integers(10, 32, 2)
        top, left = rng.integers(0, SIDE - height), rng.integers(0, SIDE - width)
        images[row, :, top : top + height, left : left + width] = 0
    return images


def _tensor(images: Pictures) -> Tensor:
    return (torch.as_tensor(images).permute(0, 3, 1, 2).float() - 110) / 60


@torch.no_grad()
def _extract(network: Network, images: Pictures) -> Values:
    batches = np.array_split(images, max(1, len(images) // 128))
    found = [functional.normalize(network(_tensor(batch))[1]).numpy() for batch in batches]
    return np.concatenate(found)


def _rows(seen: Seen, band: str, count: int) -> list[Pictures]:
    """Return the first images of the first test vehicles, a row each."""
    pids = seen.labels("pid")
    return [seen.images[band][pids == pid][:8] for pid in np.unique(pids[seen.test()])[:count]]


def _sheet(rows: Sequence[Pictures], title: str, path: Path) -> None:
    """Write up to five rows of six images below their title, small enough for a repository."""
    lines = [np.concatenate(list(row[:6]), axis=1) for row in rows[:5]]
    sheet = Image.new("RGB", (6 * SIDE, 16 + SIDE * len(lines)), "white")
    ImageDraw.Draw(sheet).text((2, 2), title, fill="black")
    for number, line in enumerate(lines):
        sheet.paste(Image.fromarray(line), (0, 16 + number * SIDE))
    coarse = sheet.quantize(40, dither=Image.Dither.NONE)
    coarse.save(path, optimize=True)


if __name__ == "__main__":
    main()
