"""The same ranking on a GPU: blocks of distances are made, sorted and searched there by torch."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from vreid.evaluation.arrays import Ints, rows_of
from vreid.evaluation.distances import FeatureKeys
from vreid.evaluation.ranking import Consume, Groups, Pairs
from vreid.params.errors import UserError

if TYPE_CHECKING:
    import torch

Device = Literal["cpu", "cuda", "auto"]

COPIES = 8
"""Arrays of the size of a block's keys that the work on a block takes at most."""


def device_of(name: str) -> Literal["cpu", "cuda"]:
    """Return where to compute: for `auto` on a GPU if there is one that torch can use.

    Raises:
        UserError: the name is not one of `Device`, or there is no GPU for `cuda`.
    """
    if name not in get_args(Device):
        raise UserError(f"There is no device {name!r}; there are {', '.join(get_args(Device))}")
    if name == "cpu" or (name == "auto" and not any(Path("/dev").glob("nvidia[0-9]*"))):
        return "cpu"
    import torch  # noqa: PLC0415 -- takes seconds, and the CPU needs it not

    if torch.cuda.is_available():
        return "cuda"
    if name == "cuda":
        raise UserError("torch finds no GPU here: choose the device cpu")
    return "cpu"


def rank_on_device(keys: FeatureKeys, groups: Groups, consume: Consume, device: str) -> None:
    """Rank every query's matches as `vreid.evaluation.ranking.rank_matches` does, on a torch device.

    The gallery is copied to the device; the blocks beside it stay within the budget of `keys` there.

    Args:
        keys: distances of the features.
        groups: matches and junk of each query.
        consume: receives (first query, ranks, matches per query), block by block.
        device: as torch names it.
    """
    import torch  # noqa: PLC0415 -- see device_of

    queries, size = keys.shape
    gallery = torch.from_numpy(rows_of(keys.gallery.features, 0, size, keys.dtype)).to(device)
    scale = torch.from_numpy(keys.gallery.scale).to(device)
    shift = None if keys.gallery.shift is None else torch.from_numpy(keys.gallery.shift).to(device)
    again, originals = (
        torch.from_numpy(part).to(device) for part in (keys.gallery.copies, keys.gallery.originals)
    )
    step = max(1, keys.budget // (COPIES * size * keys.dtype.itemsize))
    with _full_precision():
        for start in range(0, queries, step):
            stop = min(start + step, queries)
            block = torch.from_numpy(rows_of(keys.query, start, stop, keys.dtype)).to(device)
            ordered = (block @ gallery.T).mul_(scale)
            if shift is not None:
                ordered += shift
            if len(again):
                ordered[:, again] = ordered[:, originals]
            matches, junk = groups.pairs(start, stop)
            _set(ordered, junk)
            consume(start, _ranks(ordered, matches), matches.counts)


def _set(ordered: "torch.Tensor", junk: Pairs) -> None:
    """Put junk behind everything."""
    import torch  # noqa: PLC0415 -- see device_of

    where = (torch.from_numpy(part).to(ordered.device) for part in (junk.query, junk.position))
    ordered[tuple(where)] = torch.inf


def _ranks(ordered: "torch.Tensor", matches: Pairs) -> Ints:
    """Rank the matches in keys (B, G), ascending within a query; only tied queries are argsorted."""
    import torch  # noqa: PLC0415 -- see device_of

    device = ordered.device
    query, position = (torch.from_numpy(part).to(device) for part in (matches.query, matches.position))
    counts = torch.from_numpy(np.ascontiguousarray(matches.counts)).to(device)
    column = torch.arange(len(query), device=device) - (torch.cumsum(counts, 0) - counts)[query]
    wanted = torch.full((len(ordered), int(counts.max())), torch.inf, dtype=ordered.dtype, device=device)
    wanted[query, column] = ordered[query, position]
    ascending = ordered.sort(dim=1).values
    before = torch.searchsorted(ascending, wanted)
    equal = torch.searchsorted(ascending, wanted, right=True) - before
    ranks = before[query, column] + 1
    tied = torch.unique(query[equal[query, column] > 1])
    if len(tied):
        order = ordered[tied].argsort(dim=1, stable=True)
        places = torch.empty_like(order).scatter_(
            1, order, torch.arange(1, order.shape[1] + 1, device=device).expand_as(order)
        )
        line = torch.full((len(ordered),), -1, dtype=torch.int64, device=device)
        line[tied] = torch.arange(len(tied), device=device)
        among = line[query] >= 0
        ranks[among] = places[line[query[among]], position[among]]
    by_query = query * (ordered.shape[1] + 1) + ranks
    ascending_ranks = by_query.sort().values - query * (ordered.shape[1] + 1)
    found: Ints = ascending_ranks.cpu().numpy()
    return found


@contextmanager
def _full_precision() -> Iterator[None]:
    """Multiply float32 in float32, not in TensorFloat-32, whatever the program chose elsewhere."""
    import torch  # noqa: PLC0415 -- see device_of

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
