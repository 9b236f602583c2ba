"""Decodes and resizes every image of an index once, into a memory map; continues where it was interrupted."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from vreid.datasets.darken import darkened_rows
from vreid.datasets.index import read_index
from vreid.datasets.packed import MANIFEST, SPLIT_CODES, images_file
from vreid.datasets.parallel import Progress, map_blocks, useful_workers
from vreid.datasets.resize import Fit, Item, Target, pack_block
from vreid.params.atomic import write_json
from vreid.params.errors import UserError

BLOCK = 64  # images between two marks of progress
DONE = "done.txt"
SPARE = 64 * 2**20  # bytes of disk that stay free


def pack_dataset(
    index: Path,
    root: Path,
    out: Path,
    *,
    height: int,
    width: int,
    fit: Fit = "stretch",
    darkened: Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> None:
    """Write the pack of all rows of `index` to the folder `out`; see `vreid.datasets.packed`.

    `stretch` resizes to height x width whatever the aspect; `pad` keeps the aspect and centres the image on
    black. `darkened` is a list written by `vreid.datasets.darken`; its rows are darkened before they are
    resized. Work goes on in `.<out>.partial` beside it and is marked block by block: called again after an
    interruption it continues, and the result has the same bytes. The folder appears at `out` when it is
    whole. A pack of the same content that stands there already is kept, another one is replaced.

    Raises:
        UserError: the disk cannot hold it (says how much is needed), or an image cannot be decoded any more.
    """
    table = read_index(index)
    manifest = _manifest(table, height, width, fit, darkened)
    if _read_manifest(out) == manifest:
        return
    work = out.with_name(f".{out.name}.partial")
    names = tuple(manifest["spectra"])
    files = tuple(work / images_file(name, names) for name in names)
    done, offset = _resume(work, manifest, files)
    target = Target(root, files, offset, height, width, fit)
    blocks = [start for start in range(0, table.num_rows, BLOCK) if start not in done]
    dark = darkened_rows(darkened) if darkened else {}
    with (work / DONE).open("a", encoding="ascii") as marks:
        for number, start in enumerate(_packed(target, table, blocks, dark, workers), start=1):
            marks.write(f"{start}\n")
            marks.flush()
            if progress is not None:
                progress(min((len(done) + number) * BLOCK, table.num_rows), table.num_rows)
    _write_labels(work, table)
    (work / DONE).unlink()
    _put_in_place(work, out)


def needed_bytes(rows: int, height: int, width: int, spectra: int) -> int:
    """Return the size of a pack's images in bytes."""
    return rows * height * width * 3 * spectra


def _packed(
    target: Target, table: pa.Table, starts: list[int], dark: dict[int, float], workers: int
) -> Iterator[int]:
    """Pack the blocks that begin at the rows `starts`; yield each start once its block is written."""
    blocks = (_items(table, start, dark) for start in starts)
    workers = useful_workers(workers, len(starts) * BLOCK)
    for start, _ in zip(starts, map_blocks(partial(pack_block, target), blocks, workers), strict=True):
        yield start


def _items(table: pa.Table, start: int, dark: dict[int, float]) -> list[Item]:
    rows = table.slice(start, BLOCK).select(["path", "spectra"]).to_pylist()
    return [
        Item(
            row=row,
            path=entry["path"],
            boxes=tuple((b["left"], b["top"], b["right"], b["bottom"]) for b in entry["spectra"]),
            factor=dark.get(row, 1.0),
        )
        for row, entry in enumerate(rows, start=start)
    ]


def _manifest(table: pa.Table, height: int, width: int, fit: Fit, darkened: Path | None) -> dict[str, Any]:
    """Return what the pack is made of; packs with equal manifests have equal bytes."""
    return {
        "images": table.num_rows,
        "height": height,
        "width": width,
        "fit": fit,
        "spectra": [box["name"] for box in table["spectra"][0].as_py()],
        "content": _content_digest(table, darkened_rows(darkened) if darkened else {}),
    }


def _content_digest(table: pa.Table, dark: dict[int, float]) -> str:
    digest = hashlib.sha256()
    for column in ("digest", "split"):
        for value in table[column].to_pylist():
            digest.update(f"{value}\n".encode())
    for column in ("pid", "camid"):
        digest.update(table[column].to_numpy().astype("<i8").tobytes())
    digest.update(repr(sorted(dark.items())).encode())
    return digest.hexdigest()


def _read_manifest(folder: Path) -> Any:
    try:
        return json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _resume(work: Path, manifest: dict[str, Any], files: tuple[Path, ...]) -> tuple[set[int], int]:
    """Prepare the folder `work`; return the starts of the blocks it holds already, and where rows begin."""
    rows, height, width = manifest["images"], manifest["height"], manifest["width"]
    if _read_manifest(work) != manifest:
        shutil.rmtree(work, ignore_errors=True)
        _check_space(work.parent, needed_bytes(rows, height, width, len(files)))
        work.mkdir(parents=True)
        for path in files:
            np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(rows, height, width, 3))
        write_json(work / MANIFEST, manifest)
    else:
        held = sum(path.stat().st_blocks * 512 for path in files)
        _check_space(work.parent, needed_bytes(rows, height, width, len(files)) - held)
    with files[0].open("rb") as file:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        offset = file.tell()
    marks = work / DONE
    text = marks.read_text(encoding="ascii") if marks.exists() else ""
    return {int(line) for line in text.split("\n")[:-1] if line.isdigit()}, offset


def _check_space(folder: Path, needed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if needed + SPARE > free:
        raise UserError(
            f"Packing needs {_gigabytes(needed)} of disk in {folder}, but only {_gigabytes(free)} are "
            "free there. Free some, choose a smaller input size, or make data/packed a link to a "
            "larger disk."
        )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"


def _write_labels(work: Path, table: pa.Table) -> None:
    splits = table["split"].to_pylist()
    np.save(work / "pids.npy", table["pid"].to_numpy().astype(np.int64))
    np.save(work / "camids.npy", table["camid"].to_numpy().astype(np.int64))
    np.save(work / "splits.npy", np.array([SPLIT_CODES[split] for split in splits], dtype=np.uint8))


def _put_in_place(work: Path, out: Path) -> None:
    """Rename `work` to `out`; what stood there (of other content, or an empty folder) makes way."""
    if out.exists():
        old = out.with_name(f".{out.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        out.rename(old)
        work.rename(out)
        shutil.rmtree(old, ignore_errors=True)
    else:
        work.rename(out)
