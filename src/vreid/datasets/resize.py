"""Brings images to the size of a network and writes them. Light to import: worker processes do."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps

from vreid.datasets.decode import UnreadableError, read_rgb
from vreid.params.errors import UserError

Fit = Literal["stretch", "pad"]

RESAMPLING = Image.Resampling.BILINEAR
"""Pillow's bilinear widens its support when it shrinks, so it does not alias; it is what torchvision's
`Resize` does to Pillow images, hence what the papers' code bases trained on."""


@dataclass(frozen=True, slots=True)
class Item:
    """One image to pack: file, boxes (left, top, right, bottom) of its spectra, factor on its brightness."""

    row: int
    path: str
    boxes: tuple[tuple[int, int, int, int], ...]
    factor: float


@dataclass(frozen=True, slots=True)
class Target:
    """What a worker reads and writes: one images file per spectrum, whose rows begin at byte `offset`."""

    root: Path
    files: tuple[Path, ...]
    offset: int
    height: int
    width: int
    fit: Fit


def pack_block(target: Target, items: Sequence[Item]) -> None:
    """Decode, resize and write `items`, whose rows follow each other.

    Written with plain writes: a full disk is then an error, where a memory map would end the process.

    Raises:
        UserError: an image cannot be decoded, or the disk is full.
    """
    shape = (len(items), target.height, target.width, 3)
    blocks = [np.empty(shape, dtype=np.uint8) for _ in target.files]
    for number, item in enumerate(items):
        try:
            image = darken(read_rgb(target.root / item.path), item.factor)
        except UnreadableError as problem:
            raise UserError(
                f"{target.root / item.path}: {problem}; it was readable when the dataset was verified."
            ) from None
        for block, box in zip(blocks, item.boxes, strict=True):
            part = image if box == (0, 0, *image.size) else image.crop(box)
            block[number] = np.asarray(fitted(part, target.height, target.width, target.fit))
    row_size = blocks[0][0].nbytes
    for path, block in zip(target.files, blocks, strict=True):
        try:
            with path.open("r+b") as file:
                file.seek(target.offset + items[0].row * row_size)
                file.write(block.data)
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}.") from None


def fitted(image: Image.Image, height: int, width: int, fit: Fit) -> Image.Image:
    """Return `image` at width x height pixels, stretched, or centred on black with its aspect kept."""
    if fit == "pad":
        return ImageOps.pad(image, (width, height), method=RESAMPLING)
    return image.resize((width, height), RESAMPLING)


def darken(image: Image.Image, factor: float) -> Image.Image:
    """Return the 8-bit `image` with each value times `factor` (0 to 1), rounded half to even."""
    if factor == 1:
        return image
    return image.point([round(value * factor) for value in range(256)] * len(image.getbands()))
