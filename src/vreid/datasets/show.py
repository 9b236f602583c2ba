"""What a dataset looks like: a contact sheet with identities in rows, and its statistics."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from PIL import Image, ImageDraw, ImageOps

from vreid.datasets.decode import UnreadableError, read_rgb
from vreid.datasets.index import read_index
from vreid.datasets.scan import NO_CAMERA, SPLITS
from vreid.params.atomic import atomic_path, write_text

TILE = 96  # height of a picture on the sheet in pixels
GAP = 4
CAPTION = 14
MARGIN = 110


def show_dataset(
    title: str,
    index: Path,
    root: Path,
    sheet: Path,
    statistics: Path,
    *,
    rows: int = 10,
    columns: int = 10,
    seed: int = 0,
) -> None:
    """Write a contact sheet (PNG) of `rows` identities, up to `columns` images each, and statistics.

    Both say the `title`, which tells what kind of data it is.
    Half of the identities are drawn from the training split, half from the test images; images of an identity
    are spread evenly over its images in index order. The statistics are Markdown.

    Raises:
        UserError: there is no index.
    """
    table = read_index(index)
    with atomic_path(sheet) as temporary:
        titled(contact_sheet(table, root, rows, columns, seed), title).save(temporary, "PNG")
    write_text(statistics, statistics_of(title, table))


def contact_sheet(table: pa.Table, root: Path, rows: int, columns: int, seed: int) -> Image.Image:
    """Return the sheet; spectra stand one below the other, and below them camera and split."""
    boxes = table["spectra"].slice(0, 1).to_pylist()[0]
    aspect = float(np.median(table["width"].to_numpy() / table["height"].to_numpy())) / len(boxes)
    tile = (round(TILE * min(max(aspect, 1.0), 3.0)), TILE)
    width, height = tile[0] + GAP, TILE * len(boxes) + CAPTION + GAP
    chosen = _choose(table, rows, columns, np.random.default_rng(seed))
    columns = max(len(numbers) for _, numbers in chosen)
    sheet = Image.new("RGB", (MARGIN + columns * width, GAP + len(chosen) * height), "white")
    draw = ImageDraw.Draw(sheet)
    for line, (pid, numbers) in enumerate(chosen):
        top = GAP + line * height
        entries = table.take(pa.array(numbers)).to_pylist()
        part = "train" if entries[0]["split"] == "train" else "test"
        draw.text((GAP, top + height // 2), f"{part} {pid}", fill="black")
        for column, entry in enumerate(entries):
            left = MARGIN + column * width
            sheet.paste(_tile(root / entry["path"], entry["spectra"], tile), (left, top))
            camera = "" if entry["camid"] == NO_CAMERA else f"c{entry['camid']} "
            draw.text((left, top + height - CAPTION - GAP), f"{camera}{entry['split']}", fill="black")
    return sheet


def titled(sheet: Image.Image, title: str) -> Image.Image:
    """Return a picture with a line below it that says what it is, wherever the file goes."""
    result = ImageOps.expand(sheet, (0, 0, 0, CAPTION + GAP), "white")
    ImageDraw.Draw(result).text((GAP, sheet.height), title, fill="black")
    return result


def statistics_of(title: str, table: pa.Table) -> str:
    """Return sizes of the parts, images per identity and camera, and sizes of the files, as Markdown."""
    return "\n".join(_statistics(title, table)) + "\n"


def _choose(
    table: pa.Table, rows: int, columns: int, rng: np.random.Generator
) -> list[tuple[int, npt.NDArray[np.int64]]]:
    pids = table["pid"].to_numpy()
    train = np.asarray(table["split"].to_numpy(zero_copy_only=False) == "train")
    chosen = []
    for part, number in ((train, rows - rows // 2), (~train, rows // 2)):
        known = np.unique(pids[part])
        for pid in np.sort(rng.choice(known, size=min(number, len(known)), replace=False)):
            mine = np.flatnonzero(part & (pids == pid))
            spread = np.linspace(0, len(mine) - 1, num=min(columns, len(mine))).round().astype(np.int64)
            chosen.append((int(pid), mine[spread]))
    return chosen


def _tile(path: Path, boxes: list[dict[str, int]], size: tuple[int, int]) -> Image.Image:
    """Return the picture, its spectra one below the other; red if it cannot be read any more."""
    tile = Image.new("RGB", (size[0], size[1] * len(boxes)), "red")
    try:
        image = read_rgb(path)
    except UnreadableError:
        return tile
    for number, box in enumerate(boxes):
        part = image.crop((box["left"], box["top"], box["right"], box["bottom"]))
        tile.paste(ImageOps.pad(part, size, color="white"), (0, number * size[1]))
    return tile


def _statistics(title: str, table: pa.Table) -> Iterator[str]:
    pids, camids = table["pid"].to_numpy(), table["camid"].to_numpy()
    splits = table["split"].to_numpy(zero_copy_only=False)
    yield f"# {title}"
    yield ""
    yield "Images per identity and cameras per identity: fewest, median, most."
    yield ""
    yield "| part | images | identities | cameras | images per identity | cameras per identity |"
    yield "| --- | ---: | ---: | ---: | --- | --- |"
    for part in (*SPLITS, "all"):
        mine = splits == part if part != "all" else np.ones(len(pids), dtype=bool)
        if mine.any():
            yield _part_line(part, pids[mine], camids[mine])
    yield ""
    if (camids != NO_CAMERA).any():
        yield "| camera | images | identities |"
        yield "| ---: | ---: | ---: |"
        for camera in np.unique(camids):
            mine = camids == camera
            yield f"| {camera} | {int(mine.sum()):,} | {len(np.unique(pids[mine])):,} |"
        yield ""
    yield "| pixels | smallest | median | largest |"
    yield "| --- | ---: | ---: | ---: |"
    for name in ("width", "height"):
        values = table[name].to_numpy()
        yield f"| {name} | {values.min()} | {int(np.median(values))} | {values.max()} |"


def _part_line(part: str, pids: npt.NDArray[np.int64], camids: npt.NDArray[np.int64]) -> str:
    known, counts = np.unique(pids, return_counts=True)
    cameras = np.unique(camids[camids != NO_CAMERA])
    pairs = np.unique(np.stack([pids, camids], axis=1), axis=0)
    seen = np.unique(pairs[:, 0], return_counts=True)[1]
    return (
        f"| {part} | {len(pids):,} | {len(known):,} | {len(cameras) or '–'} | {_spread(counts)} | "
        f"{_spread(seen) if len(cameras) else '–'} |"
    )


def _spread(values: npt.NDArray[np.int64]) -> str:
    return f"{values.min()}, {np.median(values):g}, {values.max()}"
