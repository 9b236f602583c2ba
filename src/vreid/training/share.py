"""Which part of every batch a process computes."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Item = TypeVar("Item", bound=np.generic)


@dataclass(frozen=True)
class Share:
    """Part `number` (from 0) of `count` equal parts of each batch.

    What is random is drawn for the whole batch by every process, which then takes its own part: so an image
    is augmented in the same way however many processes there are.
    """

    number: int = 0
    count: int = 1

    def whole(self, own: int) -> int:
        """Return the size of the batch of which `own` images are this part."""
        return own * self.count

    def first(self, own: int) -> int:
        """Return the place in the whole batch of the first of this part's `own` images."""
        return own * self.number

    def of(self, drawn: NDArray[Item]) -> NDArray[Item]:
        """Return this part of what was `drawn`, (B, ...), for each image of the whole batch."""
        own = len(drawn) // self.count
        return drawn[own * self.number : own * (self.number + 1)]


WHOLE = Share()
