"""Draws query and gallery from one set of images, for the pipeline's splits and for `vreid evaluate`."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from vreid.params.dataset import Form

Rows = npt.NDArray[np.int64]


def draw_trials(
    form: Form, ids: npt.NDArray[Any], trials: int = 1, seed: int = 0
) -> Iterator[tuple[Rows, Rows]]:
    """Yield (query rows, gallery rows) of each trial; rows count from 0 in `ids` and ascend.

    Trial t draws from `np.random.default_rng((seed, t))`, so that it does not depend on the other trials:
    the identities, in ascending order, draw one of their rows each, uniformly. `all_vs_all` draws nothing
    and is a single trial. An identity with a single image stands in the gallery (`gallery_one`) or asks
    without a match (`query_one`).

    Args:
        form: `gallery_one`, `query_one` or `all_vs_all`.
        ids: (N,) identities: numbers are ordered by value, text by its characters.
        trials: how many.
        seed: of the draws.
    """
    rows = np.arange(len(ids))
    if form == "all_vs_all":
        yield rows, rows
        return
    order = np.argsort(ids, kind="stable")
    _, starts, counts = np.unique(ids[order], return_index=True, return_counts=True)
    for trial in range(trials):
        rng = np.random.default_rng((seed, trial))
        drawn = np.zeros(len(ids), dtype=bool)
        drawn[order[starts + rng.integers(0, counts)]] = True
        one, rest = rows[drawn], rows[~drawn]
        yield (rest, one) if form == "gallery_one" else (one, rest)
