"""The pictures that backbones are pretrained on: rendered, stored as a dataset stores them, and packed."""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from vreid.datasets.parallel import Progress, map_blocks
from vreid.datasets.resize import fitted
from vreid.params.atomic import atomic_path
from vreid.params.fingerprint import code_digest, digest_of
from vreid.params.pretrain import PretrainWorld
from vreid.synthetic.layout import Layout
from vreid.synthetic.render import load_layout
from vreid.synthetic.studio import Studio, jpeg_quality
from vreid.synthetic.world import World, plan_world

IDS_AT_ONCE = 32
UNSEEN = -1
"""The label of what a picture cannot show: a paint, in a spectrum without colours."""

_Block = tuple[str, PretrainWorld, int]
_COLUMNS = ("file", "identity", "model", "paint")


@dataclass(frozen=True)
class Pictures:
    """Rendered pictures and what is seen on them.

    Attributes:
        files: each picture as JPEG, a spectrum a picture, in a fixed order.
        labels: (N, 3) int64, each picture's identity, vehicle model and paint, numbered from 0 over all
            worlds. A vehicle is another identity in each spectrum; near and thermal infrared show no paint
            (`UNSEEN`).
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
    worlds: Mapping[str, PretrainWorld],
    workers: int,
    progress: Progress | None = None,
    store: Path | None = None,
) -> Pictures:
    """Render all identities of all `worlds`, in `workers` processes; the same pictures for any number.

    With a folder `store`, what was rendered is kept there in files of a few identities each, and what is
    there of the same worlds and code is not rendered again. `progress` is called with the identities done and
    in all.

    Raises:
        UserError: a world is like no dataset that can be rendered, or a worker process was killed.
    """
    blocks = list(_blocks(worlds))
    identities = sum(world.identities for world in worlds.values())
    taken, done = [], 0
    for (_, world, first), table in zip(
        blocks, map_blocks(partial(_block, store), blocks, workers), strict=True
    ):
        taken.append(table)
        done += min(IDS_AT_ONCE, world.identities - first)
        if progress is not None:
            progress(done, identities)
    whole = pa.concat_tables(taken)
    numbered = [_numbered(whole.column(name)) for name in _COLUMNS[1:]]
    one, two, three = (int(numbers.max()) + 1 for numbers in numbered)
    files = tuple(whole.column("file").to_pylist())
    return Pictures(files, np.stack(numbered, axis=1), (one, two, three))


def _blocks(worlds: Mapping[str, PretrainWorld]) -> Iterator[_Block]:
    """Yield worlds with the place of the first of a few identities."""
    for name, world in worlds.items():
        for first in range(0, world.identities, IDS_AT_ONCE):
            yield name, world, first


def _block(store: Path | None, block: _Block) -> pa.Table:
    """Return the pictures of a block: those in the store, or rendered now and kept there."""
    if store is None:
        return _rendered(block)
    name, world, first = block
    path = store / f"{name}-{_digest(world)}" / f"{first:06d}.parquet"
    if path.is_file():
        return pq.read_table(path, columns=list(_COLUMNS))
    table = _rendered(block)
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="none")
    return table


def _rendered(block: _Block) -> pa.Table:
    """Return one row a picture: its JPEG and the names of its identity, vehicle model and paint (or null)."""
    name, world, first = block
    planned, layout, studio = _studio(world)
    pids = {identity.pid for identity in planned.identities[first : first + IDS_AT_ONCE]}
    rows = []
    for shot in planned.shots:
        if shot.pid in pids:
            vehicle = planned.vehicle(shot)
            model = f"{name} {vehicle.model.index:06d}"
            pictures = studio.take(shot, layout.bands)
            stored = _stored(pictures, jpeg_quality(world.render, shot))
            for band, file in zip(layout.bands, stored, strict=True):
                paint = vehicle.finish.paint if band == "rgb" else None
                rows.append((file, f"{name} {shot.pid:06d} {band}", model, paint))
    types = (pa.binary(), pa.string(), pa.string(), pa.string())
    columns = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), types, strict=True)]
    return pa.table(columns, names=list(_COLUMNS))


@lru_cache(maxsize=1)
def _studio(world: PretrainWorld) -> tuple[World, Layout, Studio]:
    planned, layout = plan_world(world.render), load_layout(world.like)
    return planned, layout, Studio(planned, layout.shape)


@lru_cache
def _digest(world: PretrainWorld) -> str:
    return digest_of([world.model_dump(mode="json"), code_digest([f"vreid.synthetic.writers.{world.like}"])])


def _numbered(names: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return the place of each name among all in order, and `UNSEEN` for null."""
    known = sorted(set(names.drop_null().to_pylist()))
    places = {name: place for place, name in enumerate(known)}
    return np.array([UNSEEN if name is None else places[name] for name in names.to_pylist()], np.int64)


def _stored(pictures: Iterable[NDArray[np.uint8]], quality: int) -> Iterator[bytes]:
    for picture in pictures:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=quality)
        yield file.getvalue()
