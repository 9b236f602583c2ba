"""Batches straight from the packed memory map to the device."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vreid.datasets.packed import PackedImages
from vreid.params.errors import UserError
from vreid.params.run import Input
from vreid.training.device import sent
from vreid.training.share import WHOLE, Share

Rows = NDArray[np.int64]

_RESIDENT_SHARE = 0.5  # of the device's free memory that the training images may take
_AHEAD = 3  # batches that are read before they are asked for


class PackView:
    """What the network sees of a pack: each image in its first spectrum, or in several side by side.

    Attributes:
        shape: that of one image, (H, W, 3), or (S, H, W, 3) for several spectra.
    """

    def __init__(self, pack: PackedImages, size: Input) -> None:
        """Look up the spectra of `size` in `pack`.

        Raises:
            UserError: the images have another size than the run stores or takes, or a spectrum is missing.
        """
        check_size(pack, size)
        if missing := [name for name in size.spectra if name not in pack.spectra]:
            raise UserError(
                f"the run's input has the spectrum {missing[0]}, but the packed images have only "
                f"{', '.join(pack.spectra)}: correct input.spectra, or take a dataset that has it"
            )
        images = [pack.spectra[name] for name in size.spectra] if size.spectra else [pack.images]
        self._images = [np.asarray(spectrum) for spectrum in images]
        one = self._images[0].shape[1:]
        self.shape = (len(images), *one) if size.spectra else one

    def read(self, rows: Rows, out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """Return the images `rows` (B,), (B, *shape), uint8; written into `out` if it is given."""
        if out is None:
            out = np.empty((len(rows), *self.shape), np.uint8)
        if len(self.shape) == 3:
            np.take(self._images[0], rows, axis=0, out=out, mode="clip")  # other modes copy twice
        else:
            for number, spectrum in enumerate(self._images):
                out[:, number] = spectrum[rows]
        return out


class TrainingImages:
    """The training images of a pack, on the device if they fit, and their identities.

    Attributes:
        labels: (N,) int64, identities in ascending order of pid, numbered from 0.
        classes: how many identities there are.
    """

    def __init__(self, pack: PackedImages, size: Input, device: torch.device) -> None:
        """Look up the training rows of `pack`; on CUDA copy them over if they fit.

        Raises:
            UserError: the pack holds no training image, or none as `size` wants it (`PackView`).
        """
        self._rows = pack.rows("train")
        if not len(self._rows):
            raise UserError("the packed dataset has no training images: check its index and pack it anew")
        self._images = PackView(pack, size)
        pids, labels = np.unique(pack.pids[self._rows], return_inverse=True)
        self.labels: Rows = labels.astype(np.int64)
        self.classes = len(pids)
        self._device = device
        self._labels = torch.from_numpy(self.labels).to(device)
        self._resident = self._copy_over() if self._fits() else None

    def batches(self, plan: Rows, share: Share = WHOLE) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield images (B, *shape), uint8, and labels (B,), int64, for each row of `plan`.

        `plan` (S, B) holds positions in `labels`. Of the images only the `share` of this process is yielded,
        of the labels all.
        """
        lines = (share.of(line) for line in plan)
        if self._resident is None:
            images = read_batches(self._images, (self._rows[line] for line in lines), self._device)
        else:
            resident = self._resident
            images = (resident.index_select(0, sent(line, self._device)) for line in lines)
        for line, batch in zip(plan, images, strict=True):
            yield batch, self._labels[sent(line, self._device)]

    def _fits(self) -> bool:
        if self._device.type != "cuda":
            return False
        free, _ = torch.cuda.mem_get_info(self._device)
        return bool(len(self._rows) * np.prod(self._images.shape) <= _RESIDENT_SHARE * free)

    def _copy_over(self) -> Tensor:
        shape = (len(self._rows), *self._images.shape)
        resident = torch.empty(shape, dtype=torch.uint8, device=self._device)
        pieces = np.array_split(self._rows, max(1, len(self._rows) // 1024))
        start = 0
        for piece in read_batches(self._images, pieces, self._device):
            resident[start : start + len(piece)] = piece
            start += len(piece)
        return resident


def read_batches(images: PackView, batches: Iterable[Rows], device: torch.device) -> Iterator[Tensor]:
    """Yield the images of each `rows` of `batches`, (B, *images.shape), uint8, on `device`.

    For CUDA a thread reads ahead into pinned memory while the device computes. On the CPU nothing
    is read ahead: the job's threads are busy with the training step.
    """
    if device.type == "cpu":
        yield from (torch.from_numpy(images.read(rows)) for rows in batches)
        return
    with ThreadPoolExecutor(max_workers=1) as reader:
        futures: deque[Future[Tensor]] = deque()
        for rows in batches:
            futures.append(reader.submit(_read_pinned, images, rows))
            if len(futures) > _AHEAD:
                yield futures.popleft().result().to(device, non_blocking=True)
        while futures:
            yield futures.popleft().result().to(device, non_blocking=True)


def check_size(pack: PackedImages, size: Input) -> None:
    """Raise a UserError unless the images of `pack` have the size at which `size` has them stored.

    That is the network's input, or `stored` if it is given, which must not be smaller.
    """
    wanted, what = (size, "input") if size.stored is None else (size.stored, "input.stored")
    height, width = pack.images.shape[1:3]
    if (height, width) != (wanted.height, wanted.width):
        raise UserError(
            f"the packed images are {height} x {width} pixels (height x width) but the run's {what} "
            f"is {wanted.height} x {wanted.width}: give the pack of that size"
        )
    if height < size.height or width < size.width:
        raise UserError(
            f"input.stored is {height} x {width} pixels (height x width), from which no {size.height} x "
            f"{size.width} of input can be cut: store larger images"
        )


def _read_pinned(images: PackView, rows: Rows) -> Tensor:
    batch = torch.empty((len(rows), *images.shape), dtype=torch.uint8, pin_memory=True)
    images.read(rows, batch.numpy())
    return batch
