"""The pictures that backbones are pretrained on: rendered, stored as a dataset stores them, and packed."""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vreid.datasets.parallel import Progress, map_blocks
from vreid.datasets.resize import fitted
from vreid.params.pretrain import PretrainWorld
from vreid.synthetic.render import load_layout
from vreid.synthetic.studio import Studio, jpeg_quality
from vreid.synthetic.world import plan_world

IDS_AT_ONCE = 8

_Block = tuple[str, PretrainWorld, tuple[int, ...]]
_Seen = tuple[str, str, str]


@dataclass(frozen=True)
class Pictures:
    """Rendered pictures and what is seen on them.

    Attributes:
        files: each picture as JPEG, a spectrum a picture, in a fixed order.
        labels: (N, 3) int64, each picture's identity, vehicle model and paint, numbered from 0 over all
            worlds.
        classes: how many identities, models and paints there are.
    """

    files: tuple[bytes, ...]
    labels: NDArray[np.int64]
    classes: tuple[int, int, int]

    def packed(self, size: int) -> NDArray[np.uint8]:
        """Return (N, size, size, 3), every picture stretched to a square as datasets are packed."""
        pixels = np.empty((len(self.files), size, size, 3), np.uint8)
        for row, file in enumerate(self.files):
            with Image.open(io.BytesIO(file)) as image:
                pixels[row] = np.asarray(fitted(image, size, size, "stretch"))
        return pixels


def render_pictures(
    worlds: Mapping[str, PretrainWorld], workers: int, progress: Progress | None = None
) -> Pictures:
    """Render all identities of all `worlds`, in `workers` processes; the same pictures for any number.

    What is seen in several spectra has one label in all of them. `progress` is called with the identities
    done and in all.

    Raises:
        UserError: a world is like no dataset that can be rendered, or a worker process was killed.
    """
    blocks = list(_blocks(worlds))
    identities = sum(len(pids) for _, _, pids in blocks)
    files: list[bytes] = []
    seen: list[_Seen] = []
    for done, taken in enumerate(map_blocks(_take, blocks, workers), start=1):
        files += [file for file, _ in taken]
        seen += [what for _, what in taken]
        if progress is not None:
            progress(sum(len(pids) for _, _, pids in blocks[:done]), identities)
    columns = [np.unique(column, return_inverse=True) for column in zip(*seen, strict=True)]
    one, two, three = (len(names) for names, _ in columns)
    return Pictures(tuple(files), np.stack([numbers for _, numbers in columns], axis=1), (one, two, three))


def _blocks(worlds: Mapping[str, PretrainWorld]) -> Iterator[_Block]:
    """Yield worlds with a few pids each."""
    for name, world in worlds.items():
        pids = [identity.pid for identity in plan_world(world.render).identities]
        for start in range(0, len(pids), IDS_AT_ONCE):
            yield name, world, tuple(pids[start : start + IDS_AT_ONCE])


def _take(block: _Block) -> list[tuple[bytes, _Seen]]:
    """Return the pictures of a world's `pids`, and what is seen on each."""
    name, world, pids = block
    planned, layout = plan_world(world.render), load_layout(world.like)
    studio = Studio(planned, layout.shape)
    taken = []
    for shot in planned.shots:
        if shot.pid in pids:
            vehicle = planned.vehicle(shot)
            seen = (f"{name} {shot.pid:06d}", f"{name} {vehicle.model.index:06d}", vehicle.finish.paint)
            pictures = studio.take(shot, layout.bands)
            taken += [(file, seen) for file in _stored(pictures, jpeg_quality(world.render, shot))]
    return taken


def _stored(pictures: Iterable[NDArray[np.uint8]], quality: int) -> Iterator[bytes]:
    for picture in pictures:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=quality)
        yield file.getvalue()
