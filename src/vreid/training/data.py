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

Rows = NDArray[np.int64]

_RESIDENT_SHARE = 0.5  # of the device's free memory that the training images may take
_AHEAD = 3  # batches that are read before they are asked for


class TrainingImages:
    """The training images of a pack, on the device if they fit, and their identities.

    Attributes:
        labels: (N,) int64, identities in ascending order of pid, numbered from 0.
        classes: how many identities there are.
    """

    def __init__(self, pack: PackedImages, device: torch.device) -> None:
        """Look up the training rows of `pack`; on CUDA copy them over if they fit.

        Raises:
            UserError: the pack holds no training image.
        """
        self._rows = pack.rows("train")
        if not len(self._rows):
            raise UserError("the packed dataset has no training images: check its index and pack it anew")
        self._images = np.asarray(pack.images)
        pids, labels = np.unique(pack.pids[self._rows], return_inverse=True)
        self.labels: Rows = labels.astype(np.int64)
        self.classes = len(pids)
        self._device = device
        self._labels = torch.from_numpy(self.labels).to(device)
        self._resident = self._copy_over() if self._fits() else None

    def batches(self, plan: Rows) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield images (B, H, W, 3), uint8, and labels (B,), int64, for each row of `plan`.

        `plan` (S, B) holds positions in `labels`.
        """
        if self._resident is None:
            images = read_batches(self._images, (self._rows[line] for line in plan), self._device)
        else:
            lines = torch.from_numpy(plan).to(self._device)
            images = (self._resident.index_select(0, line) for line in lines)
        for line, batch in zip(plan, images, strict=True):
            yield batch, self._labels[torch.from_numpy(line).to(self._device)]

    def _fits(self) -> bool:
        if self._device.type != "cuda":
            return False
        free, _ = torch.cuda.mem_get_info(self._device)
        return bool(len(self._rows) * self._images[0].nbytes <= _RESIDENT_SHARE * free)

    def _copy_over(self) -> Tensor:
        resident = torch.empty(
            (len(self._rows), *self._images.shape[1:]), dtype=torch.uint8, device=self._device
        )
        pieces = np.array_split(self._rows, max(1, len(self._rows) // 1024))
        start = 0
        for piece in read_batches(self._images, pieces, self._device):
            resident[start : start + len(piece)] = piece
            start += len(piece)
        return resident


def read_batches(
    images: NDArray[np.uint8], batches: Iterable[Rows], device: torch.device
) -> Iterator[Tensor]:
    """Yield images[rows] for each `rows` of `batches`, (B, H, W, 3), uint8, on `device`.

    For CUDA a thread reads ahead into pinned memory while the device computes. On the CPU nothing
    is read ahead: the job's threads are busy with the training step.
    """
    if device.type == "cpu":
        yield from (torch.from_numpy(images[rows]) for rows in batches)
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
    """Raise a UserError unless the images of `pack` have the network's input `size`."""
    height, width = pack.images.shape[1:3]
    if (height, width) != (size.height, size.width):
        raise UserError(
            f"the packed images are {height} x {width} pixels (height x width) but the run's input "
            f"is {size.height} x {size.width}: give the pack of that size"
        )


def _read_pinned(images: NDArray[np.uint8], rows: Rows) -> Tensor:
    batch = torch.empty((len(rows), *images.shape[1:]), dtype=torch.uint8, pin_memory=True)
    np.take(images, rows, axis=0, out=batch.numpy())
    return batch
