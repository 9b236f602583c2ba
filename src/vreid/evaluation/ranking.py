"""Ranks of the matches: the only thing that CMC, AP and INP need of a sorted gallery.

The order of a gallery is that of its distances; equal distances are ordered by the index in the
gallery (stable). A match's rank is 1 + the gallery images before it in this order, junk not
counted. Few matches are ranked by counting those images, many by searching them in the sorted
distances; no indices are ever sorted over the whole gallery.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from vreid.evaluation.arrays import Array, Float, Ints, common_codes
from vreid.evaluation.distances import Keys
from vreid.params.cores import available_cores
from vreid.params.errors import UserError

Consume = Callable[[int, Ints, Ints], None]
"""Takes the first query of a part, the ranks of the matches (ascending within a query), and how many."""

SLAB = 1 << 19
"""Keys that a thread ranks at once: few enough for its cache, many enough to amortise the calls."""

SORTED = 1 << 15
"""Keys that are sorted in one call: few enough to stay in a core's own cache until they are searched."""

FEW_TIES = 16
"""Values of a query's matches that are looked up one by one where some tie; more are cheaper together."""


@dataclass(frozen=True)
class Pairs:
    """Gallery images of the identities of consecutive queries, one line per pair, by query and position."""

    query: Ints
    position: Ints
    counts: Ints


class Groups:
    """Who matches whom: gallery images of the query's identity match, except those that are junk.

    Junk is what has the query's identity and the query's mark too. Marks are cameras under the VeRi
    rule, image numbers where only the query itself is junk, and None where nothing is.

    Args:
        query_ids: (Q,) identities, numbers or strings.
        gallery_ids: (G,) likewise.
        query_marks: (Q,) or None.
        gallery_marks: (G,) or None.

    Attributes:
        matches: how many gallery images match each query, (Q,).
        junk: how many are junk for each query, (Q,).
        ranked: how many each query ranks, that is all but its junk, (Q,).
    """

    def __init__(
        self,
        query_ids: Array,
        gallery_ids: Array,
        query_marks: Array | None = None,
        gallery_marks: Array | None = None,
    ) -> None:
        wanted, offered = common_codes(query_ids, gallery_ids)
        self._order = np.argsort(offered, kind="stable")
        self._start, self._same = _runs(wanted, offered[self._order])
        self._marks: tuple[Ints, Ints] | None = None
        self.junk = np.zeros(len(wanted), np.int64)
        if query_marks is not None and gallery_marks is not None:
            self._marks = common_codes(query_marks, gallery_marks)
            kinds = 1 + max(int(marks.max(initial=0)) for marks in self._marks)
            both = (wanted * kinds + self._marks[0], offered * kinds + self._marks[1])
            self.junk = _runs(both[0], np.sort(both[1]))[1]
        self.matches = self._same - self.junk
        self.ranked = len(offered) - self.junk

    def pairs(self, start: int, stop: int) -> tuple[Pairs, Pairs]:
        """Return the (matches, junk) of queries `start` to `stop`, which count from 0 in them."""
        counts = self._same[start:stop]
        query = np.repeat(np.arange(len(counts)), counts)
        shift = self._start[start:stop] - (np.cumsum(counts) - counts)
        position = self._order[np.arange(len(query)) + shift[query]]
        junk = np.zeros(len(query), bool)
        if self._marks is not None:
            junk = self._marks[1][position] == self._marks[0][start:stop][query]
        return (
            Pairs(query[~junk], position[~junk], self.matches[start:stop]),
            Pairs(query[junk], position[junk], self.junk[start:stop]),
        )

    @property
    def most(self) -> int:
        """The largest number of images of one query's identity."""
        return int(self._same.max())


def rank_matches(keys: Keys, groups: Groups, consume: Consume, threads: int | None = None) -> None:
    """Rank every query's matches and hand the ranks to `consume`, part by part, in no fixed order.

    Ranks count from 1. `consume` is called from several threads, never twice for the same query.
    Memory beside the features stays within the budget of `keys`.

    Args:
        keys: distances, block by block.
        groups: matches and junk of each query.
        consume: receives (first query, ranks, matches per query).
        threads: also limits the threads of the matrix product; all available cores if None.
    """
    queries, gallery = keys.shape
    workers = threads or default_threads()
    row = 2 * gallery * keys.dtype.itemsize + 128 * groups.most
    slab = max(1, min(SLAB // gallery, keys.budget // (4 * workers * row)))
    spare = workers * (slab * row + 40 * gallery)
    step = keys.block_rows(spare)
    with limited_threads(threads), ThreadPoolExecutor(workers) as pool:
        for start in range(0, queries, step):
            products = keys.products(start, min(start + step, queries))
            edges = np.linspace(0, len(products), workers + 1).astype(int)
            parts = [
                pool.submit(_rank, keys, products[low:high], start + low, groups, consume, slab)
                for low, high in pairwise(edges)
            ]
            for part in parts:
                part.result()


def nearest(keys: Keys, count: int, groups: Groups | None = None) -> Ints:
    """Return each query's `count` nearest gallery positions, nearest first, (Q, count).

    With `groups` junk is left out; where fewer images remain the row ends with -1.
    """
    queries, gallery = keys.shape
    count = min(count, gallery)
    found = np.full((queries, count), -1, np.int64)
    row = np.empty(gallery, keys.dtype)
    step = keys.block_rows(gallery * (2 * keys.dtype.itemsize + 9))
    for start in range(0, queries, step):
        products = keys.products(start, min(start + step, queries))
        for query, product in enumerate(products, start):
            keys.order(product, row)
            if groups is not None:
                row[groups.pairs(query, query + 1)[1].position] = np.inf
            near = smallest(row, count)
            near = near[row[near] < np.inf]
            found[query, : len(near)] = near
    return found


def smallest(row: Float, count: int) -> Ints:
    """Return the positions of the `count` smallest values of a vector, smallest first, (count,)."""
    limit = np.partition(row, count - 1)[count - 1]
    near = np.flatnonzero(row <= limit)
    return near[np.argsort(row[near], kind="stable")[:count]]


def default_threads() -> int:
    """Return how many cores this process may use: no more than OMP_NUM_THREADS, which schedulers set."""
    cores, wanted = available_cores(), os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(wanted)) if wanted.isdecimal() and int(wanted) > 0 else cores


@contextmanager
def limited_threads(threads: int | None) -> Iterator[None]:
    """Run the block with at most `threads` threads in the linear algebra; no change if None."""
    if threads is None:
        yield
        return
    if threads < 1:
        raise UserError(f"threads is {threads}; it must be at least 1")
    with threadpool_limits(threads):
        yield


def _runs(wanted: Ints, ascending: Ints) -> tuple[Ints, Ints]:
    """Return where each wanted value begins in an ascending vector, and how often it stands there."""
    first = np.searchsorted(ascending, wanted, "left")
    return first, np.searchsorted(ascending, wanted, "right") - first


def _rank(keys: Keys, products: Float, first: int, groups: Groups, consume: Consume, slab: int) -> None:
    """Rank the queries of one thread, `slab` of them at a time."""
    rows = np.empty((slab, keys.shape[1]), keys.dtype)
    for low in range(0, len(products), slab):
        part = products[low : low + slab]
        ordered = rows[: len(part)]
        keys.order(part, ordered)
        start = first + low
        matches, junk = groups.pairs(start, start + len(part))
        ordered[junk.query, junk.position] = np.inf
        consume(start, _ranks(ordered, matches), matches.counts)


def _ranks(rows: Float, matches: Pairs) -> Ints:
    """Rank the matches in the keys (R, G) of some queries; (M,), ascending within a query."""
    values = rows[matches.query, matches.position]
    order = np.lexsort((values, matches.query))
    values, positions = values[order], matches.position[order]
    ranks = np.empty(len(values), np.int64)
    stops = np.cumsum(matches.counts)
    own = [slice(*ends) for ends in zip((stops - matches.counts).tolist(), stops.tolist(), strict=True)]
    gallery = rows.shape[1]
    together = gallery <= SORTED // 2
    effort = (1.6 if together else 2.6) * gallery * np.log2(gallery + 1)
    many = matches.counts * (12_000 + gallery) > effort
    flags, scratch = np.empty(gallery, bool), np.empty_like(rows[0])
    for i in np.flatnonzero(matches.counts).tolist():
        if not many[i]:
            ranks[own[i]] = _counted(rows[i], values[own[i]], positions[own[i]], flags)
        elif not together:
            ranks[own[i]] = _searched(rows[i], values[own[i]], positions[own[i]], scratch, flags)
    if together and many.any():
        _search_together(rows, many, own, values, positions, ranks)
    return ranks


def _search_together(
    rows: Float, many: npt.NDArray[np.bool_], own: list[slice], values: Float, positions: Ints, ranks: Ints
) -> None:
    """Enter the ranks of the matches, where `many`, of queries whose keys are sorted several rows a call."""
    queries, step = np.flatnonzero(many), SORTED // rows.shape[1]
    for start in range(0, len(queries), step):
        some = queries[start : start + step].tolist()
        ascending = rows[some]
        ascending.sort(axis=1)
        for i, row in zip(some, ascending, strict=True):
            ranks[own[i]] = row.searchsorted(values[own[i]])
        part = np.concatenate([np.arange(own[i].start, own[i].stop) for i in some])
        line = np.repeat(np.arange(len(some)), [own[i].stop - own[i].start for i in some])
        following = np.minimum(ranks[part] + 1, rows.shape[1] - 1)
        tied = (ascending[line, following] == values[part]) & (following > ranks[part])
        ranks[part] += 1
        for i in {some[place] for place in line[tied].tolist()}:
            ranks[own[i]] = _ranks_among_ties(rows[i], values[own[i]], positions[own[i]], ranks[own[i]])


def _counted(row: Float, values: Float, positions: Ints, flags: npt.NDArray[np.bool_]) -> Ints:
    """Rank few matches: count what is before each of them, one pass over the row per match."""
    ranks = np.empty(len(values), np.int64)
    for i, (value, position) in enumerate(zip(values, positions.tolist(), strict=True)):
        np.less_equal(row[:position], value, out=flags[:position])
        np.less(row[position:], value, out=flags[position:])
        ranks[i] = 1 + np.count_nonzero(flags)
    return ranks


def _searched(
    row: Float, values: Float, positions: Ints, scratch: Float, flags: npt.NDArray[np.bool_]
) -> Ints:
    """Rank many matches: sort the keys up to the last match once and search the matches in them."""
    nearer = scratch
    nearer[:] = row
    reached = np.count_nonzero(np.less_equal(row, values[-1], out=flags))
    if 2 * reached < row.size:
        nearer.partition(reached)
        nearer = nearer[:reached]
    nearer.sort()
    before = nearer.searchsorted(values)
    tied = nearer[np.minimum(before + 1, nearer.size - 1)] == values
    tied &= before + 1 < nearer.size
    ranks: Ints = before + 1
    return _ranks_among_ties(row, values, positions, ranks) if tied.any() else ranks


def _ranks_among_ties(row: Float, values: Float, positions: Ints, first: Ints) -> Ints:
    """Rank matches of which some tie with other images; `first` are the ranks of the first of equal keys."""
    several, counts = np.unique(values, return_counts=True)
    if len(several) > FEW_TIES:
        return _stable_ranks(row, positions)
    ranks, stop = first.copy(), 0
    for value, count in zip(several, counts.tolist(), strict=True):
        own = slice(stop, stop := stop + count)
        ranks[own] += np.flatnonzero(row == value).searchsorted(positions[own])
    return ranks


def _stable_ranks(row: Float, positions: Ints) -> Ints:
    """Rank by sorting (key, position) pairs: the way for quantised features, where most keys tie.

    A float32 and its position are sorted as one 64-bit integer, several times as fast as a stable
    argsort. The bits of a float order like a signed integer once those of negative numbers are
    turned.
    """
    if row.dtype == np.float64:
        order = np.empty(row.size, np.int64)
        order[np.argsort(row, kind="stable")] = np.arange(row.size)
        return order[positions] + 1
    bits = (row + np.float32(0)).view(np.int32)
    pairs = (bits ^ (bits >> 31 & 0x7FFFFFFF)).astype(np.int64) << 32 | np.arange(row.size)
    wanted = pairs[positions]
    pairs.sort()
    ranks: Ints = pairs.searchsorted(wanted) + 1
    return ranks
