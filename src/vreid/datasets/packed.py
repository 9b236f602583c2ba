"""Packed images: decoded and resized once, memory-mapped. Imports numpy alone: training opens it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vreid.params.errors import UserError

SPLIT_CODES = {"train": 0, "query": 1, "gallery": 2}
MANIFEST = "pack.json"


def images_file(spectrum: str, spectra: tuple[str, ...]) -> str:
    """Return the file name of a spectrum's images: images.npy for the first, else images-<name>.npy."""
    return "images.npy" if spectrum == spectra[0] else f"images-{spectrum}.npy"


@dataclass(frozen=True)
class PackedImages:
    """A pack folder, opened.

    `images`: (N, H, W, 3) uint8 RGB of the first (or only) spectrum, a read-only memory map; `pids`,
    `camids`: (N,) int64; `splits`: (N,) uint8 with 0 train, 1 query, 2 gallery. Row n is row n of the index.
    `spectra` maps every spectrum, from left to right in the file, to its images.
    """

    images: npt.NDArray[np.uint8]
    pids: npt.NDArray[np.int64]
    camids: npt.NDArray[np.int64]
    splits: npt.NDArray[np.uint8]
    spectra: dict[str, npt.NDArray[np.uint8]]
    manifest: dict[str, Any]

    @classmethod
    def open(cls, folder: Path) -> "PackedImages":
        """Open the pack in `folder`.

        Raises:
            UserError: there is no complete pack, or its files do not fit together.
        """
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            names = tuple(manifest["spectra"])
            arrays = [_load(folder / f"{name}.npy") for name in ("pids", "camids", "splits")]
            spectra = {name: _load(folder / images_file(name, names), mapped=True) for name in names}
        except FileNotFoundError as error:
            raise UserError(f"{error.filename} is missing; `vreid data pack` writes it.") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{folder} is no pack of images: {error}. Delete the folder and run the pipeline again."
            ) from None
        shape = (len(arrays[0]), manifest["height"], manifest["width"], 3)
        if any(len(array) != shape[0] for array in arrays) or any(
            images.shape != shape or images.dtype != np.uint8 for images in spectra.values()
        ):
            raise UserError(f"The files in {folder} do not fit together; delete the folder and pack again.")
        pids, camids, splits = arrays
        return cls(spectra[names[0]], pids, camids, splits, spectra, manifest)

    def rows(self, split: str) -> npt.NDArray[np.int64]:
        """Return the rows (ascending) of `split`: train, query or gallery."""
        return np.flatnonzero(self.splits == SPLIT_CODES[split]).astype(np.int64)


def _load(path: Path, *, mapped: bool = False) -> Any:
    return np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
