"""What the drawing of a figure returns."""

from dataclasses import dataclass, field
from typing import Any

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawing:
    """A drawn figure, the numbers in it (ready for JSON), and sentences that belong below it."""

    figure: Figure
    numbers: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
