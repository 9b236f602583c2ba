"""What the kinds of figures show: datasets, images, one training of each method, or all of them."""

from collections.abc import Sequence

OF_DATASETS = ("darkened", "attributes")
"""Kinds that show a dataset, not runs."""

OF_IMAGES = (*OF_DATASETS, "erased")
"""Kinds that show what no network has learnt."""

OVER_SEEDS = ("cmc", "sweep")
"""Kinds that show all seeds; the others show the first of each method."""


def shown_seeds(kind: str, seeds: Sequence[int]) -> tuple[int, ...]:
    """Return which seeds of a method a figure shows, none where no network is behind it."""
    if kind in OF_IMAGES:
        return ()
    return tuple(seeds if kind in OVER_SEEDS else seeds[:1])
