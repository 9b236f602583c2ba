"""Rank lists: what a run finds for some queries, as data and as one picture with green and red frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from PIL import Image, ImageDraw, ImageFont, ImageOps

from vreid.datasets.decode import decode_rgb
from vreid.datasets.index import read_index
from vreid.evaluation.distances import FeatureKeys
from vreid.evaluation.evaluate import Problem, problems
from vreid.evaluation.protocols import protocol_of
from vreid.evaluation.ranking import nearest
from vreid.params.atomic import atomic_path
from vreid.params.dataset import Protocol
from vreid.params.errors import UserError
from vreid.params.run import Test

Rows = npt.NDArray[np.int64]

TILE = 96
FRAME = 4
GAP = 8
TEXT = 12
LINES = 2

GREEN = (0, 135, 62)
RED = (204, 51, 17)
INK = (34, 34, 34)
PAPER = (255, 255, 255)


@dataclass(frozen=True)
class Picture:
    """One image of the index: its row, its path below the dataset's folder, who is on it, who took it."""

    row: int
    path: str
    pid: int
    camid: int


@dataclass(frozen=True)
class RankList:
    """A query and the first images that a run finds for it, junk left out; `matches` says which are right."""

    query: Picture
    found: tuple[Picture, ...]
    matches: tuple[bool, ...]


@dataclass(frozen=True)
class Ranker:
    """A run's features beside the index and the splits of the dataset that they belong to.

    `features` is the folder that they were extracted to, `index` and `splits` are the dataset's Parquet
    files.
    """

    features: Path
    index: Path
    splits: Path
    test: Test

    def rank(self, spec: Protocol, queries: Sequence[int], depth: int = 10) -> list[RankList]:
        """Return the first `depth` images for each of `queries`, rows of the index, in the first trial.

        Equal distances are ordered by the row of the index, as in the evaluation.

        Raises:
            UserError: If one of `queries` does not ask in the protocol, or an image has no features.
        """
        table = read_index(self.index, ["path", "pid", "camid"])
        asked = np.asarray(queries, np.int64)
        possible, gallery = first_trial(self.splits, spec.name)
        if not np.isin(asked, possible).all():
            raise UserError(f"{self.splits}: not all of the rows {list(queries)} ask in {spec.name}")
        problem = self._problem(spec, asked, gallery, table["pid"].to_numpy(), table["camid"].to_numpy())
        pictures = [
            Picture(row, *(table[name][row].as_py() for name in ("path", "pid", "camid")))
            for row in asked.tolist()
        ]
        keys = FeatureKeys(problem.query, problem.gallery, self.test.distance)
        found = nearest(keys, depth, problem.groups)
        return [
            _rank_list(picture, gallery[positions[positions >= 0]], table)
            for picture, positions in zip(pictures, found, strict=True)
        ]

    def _problem(self, spec: Protocol, query: Rows, gallery: Rows, pids: Rows, cams: Rows) -> Problem:
        folder = self.features
        rows = np.load(folder / "rows.npy", allow_pickle=False)
        features = np.load(folder / f"{self.test.feature}.npy", mmap_mode="r", allow_pickle=False)
        place = np.full(len(pids), -1, np.int64)
        place[rows] = np.arange(len(rows))
        trial = (place[query], place[gallery])
        if min(part.min() for part in trial) < 0:
            raise UserError(f"{folder} lacks images of {spec.name}: delete the folder and extract again")
        [problem] = problems(features, pids[rows], cams[rows], protocol_of(spec), [trial])
        return problem


def first_trial(splits: Path, protocol: str) -> tuple[Rows, Rows]:
    """Return (query rows, gallery rows) of the index in a protocol's first trial, both ascending."""
    table = pq.read_table(splits, filters=(pc.field("protocol") == protocol) & (pc.field("trial") == 0))
    roles = table["role"].to_numpy(zero_copy_only=False)
    rows = table["row"].to_numpy()
    return np.sort(rows[roles == "query"]), np.sort(rows[roles == "gallery"])


def draw(lists: Sequence[RankList], captions: Sequence[str], folder: Path, out: Path) -> None:
    """Draw one line per list: query, then what was found, right ones framed green, wrong ones red.

    Under each image stands its identity, under the query also its caption. A sign in the corner says the same
    as the colour. The same input gives the same bytes.

    Args:
        lists: At least one.
        captions: One per list, short.
        folder: Where the pictures' paths start.
        out: The PNG file to write.
    """
    depth = max(len(one.found) for one in lists)
    width = GAP + (TILE + GAP) * (depth + 1) + GAP
    line = TILE + LINES * (TEXT + 4) + GAP
    canvas = Image.new("RGB", (width, TEXT + 2 * GAP + line * len(lists)), PAPER)
    pen = ImageDraw.Draw(canvas)
    for place, head in enumerate(["query", *(str(rank + 1) for rank in range(depth))]):
        _write(pen, place, GAP // 2, head)
    for number, (one, caption) in enumerate(zip(lists, captions, strict=True)):
        _draw_list(canvas, one, caption, folder, TEXT + 2 * GAP + number * line)
    with atomic_path(out) as temporary:
        canvas.save(temporary, format="PNG")


def _rank_list(query: Picture, rows: Rows, table: pa.Table) -> RankList:
    some = table.take(rows)
    columns = (some[name].to_pylist() for name in ("path", "pid", "camid"))
    found = tuple(Picture(*fields) for fields in zip(rows.tolist(), *columns, strict=True))
    return RankList(query, found, tuple(picture.pid == query.pid for picture in found))


def _draw_list(canvas: Image.Image, one: RankList, caption: str, folder: Path, top: int) -> None:
    pen = ImageDraw.Draw(canvas)
    _draw_tile(canvas, folder / one.query.path, 0, top, INK)
    _write(pen, 0, top + TILE + 2, f"id {one.query.pid}")
    _write(pen, 0, top + TILE + TEXT + 6, caption)
    for place, (picture, match) in enumerate(zip(one.found, one.matches, strict=True), start=1):
        _draw_tile(canvas, folder / picture.path, place, top, GREEN if match else RED)
        _draw_sign(pen, place, top, match=match)
        _write(pen, place, top + TILE + 2, f"id {picture.pid}")


def _draw_tile(canvas: Image.Image, file: Path, place: int, top: int, colour: tuple[int, int, int]) -> None:
    inside = TILE - 2 * FRAME
    picture = ImageOps.pad(decode_rgb(file.read_bytes()), (inside, inside), color=(230, 230, 230))
    canvas.paste(ImageOps.expand(picture, FRAME, colour), (_left(place), top))


def _draw_sign(pen: ImageDraw.ImageDraw, place: int, top: int, *, match: bool) -> None:
    """Draw a tick or a cross into the upper right corner: not everybody tells green from red."""
    size = 16
    left = _left(place) + TILE - size
    pen.rectangle((left, top, left + size - 1, top + size - 1), fill=GREEN if match else RED)
    strokes = [[(4, 8), (7, 11), (12, 4)]] if match else [[(4, 4), (11, 11)], [(11, 4), (4, 11)]]
    for stroke in strokes:
        pen.line([(left + x, top + y) for x, y in stroke], fill=PAPER, width=2)


def _write(pen: ImageDraw.ImageDraw, place: int, top: int, text: str) -> None:
    """Write a line centred under or over the tile at `place`."""
    font = ImageFont.load_default(TEXT)
    left = _left(place) + (TILE - pen.textlength(text, font=font)) / 2
    pen.text((round(left), top), text, fill=INK, font=font)


def _left(place: int) -> int:
    """Return where the tile at `place` starts; the query, at 0, stands a little apart."""
    return GAP + place * (TILE + GAP) + (GAP if place else 0)
