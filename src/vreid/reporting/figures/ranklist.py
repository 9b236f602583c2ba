"""Figure: what several methods find for the same queries, right images framed green, wrong ones red."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vreid.datasets.packed import PackedImages
from vreid.evaluation.comparison import Scores, read_scores
from vreid.params.dataset import Protocol
from vreid.params.errors import UserError
from vreid.params.figures import RankLists
from vreid.params.plan import DatasetPlan, FigurePlan, MethodPlan, ResultPlan
from vreid.reporting.figures.drawing import Drawing
from vreid.reporting.figures.gallery import Canvas, aspect, picture
from vreid.reporting.figures.results import test_of
from vreid.reporting.figures.style import ASKED, RIGHT, WRONG
from vreid.reporting.ranklist import Ranker, RankList

WIDE, HEAD, LABEL = 7.5, 0.22, 0.8
"""Inches: between the figure's sides, above the first list for the ranks, left of a list for its method."""
HIGHEST = 9.0
"""Inches: of a figure, beyond which two queries stand side by side."""
ASIDE = 0.25
"""Inches: between two queries side by side."""
LETTERS = 14
"""Of a method's label in one line."""
GAP, BETWEEN = 0.08, 0.25
"""Heights of a picture: between pictures, and between the lists of two queries."""

TICK, CROSS = "\u2713", "\u2717"


@dataclass(frozen=True)
class Found:
    """The lists of one method: those of its queries in order, and the average precision of each."""

    label: str
    run: str
    lists: tuple[RankList, ...]
    precisions: tuple[float, ...]

    def numbers(self) -> dict[str, Any]:
        """Return, for each query, what was found: rows of the index, and which of them are right."""
        return {
            "run": self.run,
            "found": [[image.row for image in one.found] for one in self.lists],
            "right": [list(one.matches) for one in self.lists],
            "AP": [round(100 * precision, 4) for precision in self.precisions],
        }


def draw(plan: FigurePlan, root: Path) -> Drawing:
    """Return the figure: for each query, which is framed dark, a list for each method (its first seed).

    Queries are drawn at random from those of the first trial that have a match, each of another vehicle while
    there are enough; all methods are asked the same. Junk is left out of the lists. A sign says the
    same as the colour of a frame. `root` is where the plan's paths start.

    Raises:
        UserError: the methods were not tested on the same dataset under the same protocol, or the files of a
            run do not fit together.
    """
    spec = plan.spec
    if not isinstance(spec, RankLists):
        raise TypeError(f"a figure of the kind {spec.kind} is not drawn here")
    methods = [method for method in plan.methods if method.results]
    first = methods[0].results[0]
    _check_same(plan, methods)
    dataset = plan.datasets[first.dataset]
    rows = _queries(_precisions(first, root), spec.queries, spec.seed)
    found = [_find(method, dataset, rows, spec.depth, root) for method in methods]
    pack = PackedImages.open(root / first.pack)
    numbers = {"queries": rows, "methods": {one.label: one.numbers() for one in found}}
    return Drawing(_figure(found, pack, spec.depth), numbers, _notes(found, pack, spec.depth))


def _check_same(plan: FigurePlan, methods: Sequence[MethodPlan]) -> None:
    places = {(m.results[0].dataset, m.results[0].protocol) for m in methods}
    if len(places) > 1:
        said = ", ".join(sorted(f"{dataset} ({protocol})" for dataset, protocol in places))
        raise UserError(
            f"{plan.paper}, {plan.figure}: its methods are asked different queries, those of {said}: "
            "give all of them the same `dataset` and `protocol`."
        )


def _precisions(result: ResultPlan, root: Path) -> Scores:
    return read_scores([root / result.per_query], result.protocol, "mAP")


def _queries(scores: Scores, count: int, seed: int) -> list[int]:
    """Return the rows of `count` queries of the first trial, drawn at random and then in order."""
    asked = np.flatnonzero((scores.queries[:, 0] == 0) & ~np.isnan(scores.values[0]))
    drawn = np.random.default_rng(seed).permutation(asked)
    _, first = np.unique(scores.ids[drawn], return_index=True)
    others = np.setdiff1d(np.arange(len(drawn)), first)
    chosen = drawn[np.concatenate([np.sort(first), others])[:count]]
    return sorted(scores.queries[chosen, 1].tolist())


def _find(method: MethodPlan, dataset: DatasetPlan, rows: Sequence[int], depth: int, root: Path) -> Found:
    result = method.results[0]
    ranker = Ranker(
        root / result.features, root / dataset.index, root / dataset.splits, test_of(result, root)
    )
    scores = _precisions(result, root)
    first = scores.queries[:, 0] == 0
    by_row = dict(zip(scores.queries[first, 1].tolist(), scores.values[0, first].tolist(), strict=True))
    lists = ranker.rank(_protocol(dataset, result.protocol), rows, depth)
    return Found(method.label, result.run, tuple(lists), tuple(by_row[row] for row in rows))


def _protocol(dataset: DatasetPlan, name: str) -> Protocol:
    return next(protocol for protocol in dataset.spec.protocols if protocol.name == name)


def _notes(found: Sequence[Found], pack: PackedImages, depth: int) -> tuple[str, ...]:
    shares = [np.mean([match for one in method.lists for match in one.matches]) for method in found]
    said = ", ".join(f"{m.label} {100 * share:.0f} %" for m, share in zip(found, shares, strict=True))
    notes = [
        f"Queries have a dark frame; of what was found, green ({TICK}) is the query's vehicle and red "
        f"({CROSS}) another one. Right among the first {depth}: {said}. AP: the query's average precision."
    ]
    if len(pack.spectra) > 1:
        notes.append(f"Each picture shows the spectra {', '.join(pack.spectra)}.")
    return tuple(notes)


@dataclass(frozen=True)
class _Layout:
    """Where things stand, in heights of a picture, of which one is `inches` high.

    `across` queries stand side by side; `start` is where the lists begin, right of the query's picture.
    """

    queries: int
    lists: int
    depth: int
    tile: float
    across: int

    @property
    def inches(self) -> float:
        used = self.across * LABEL + (self.across - 1) * ASIDE
        return (WIDE - used) / (self.across * (1 + self.depth) * self.tile)

    @property
    def start(self) -> float:
        return self.tile + LABEL / self.inches

    @property
    def panel(self) -> float:
        return self.start + self.depth * self.tile

    @property
    def width(self) -> float:
        return self.across * self.panel + (self.across - 1) * ASIDE / self.inches

    @property
    def head(self) -> float:
        return HEAD / self.inches

    @property
    def height(self) -> float:
        return self.head + -(-self.queries // self.across) * (self.lists * (1 + GAP) + BETWEEN)

    def place(self, query: int) -> tuple[float, float]:
        """Return the left upper corner of what belongs to a query."""
        down, right = divmod(query, self.across)
        left = right * (self.panel + ASIDE / self.inches)
        return left, self.head + down * (self.lists * (1 + GAP) + BETWEEN)


def _layout(queries: int, lists: int, depth: int, tile: float) -> _Layout:
    alone = _Layout(queries, lists, depth, tile, across=1)
    if alone.height * alone.inches <= HIGHEST or queries == 1:
        return alone
    return _Layout(queries, lists, depth, tile, across=2)


def _figure(found: Sequence[Found], pack: PackedImages, depth: int) -> Figure:
    queries, lists = len(found[0].lists), len(found)
    layout = _layout(queries, lists, depth, aspect(picture(pack, found[0].lists[0].query.row)) + GAP)
    canvas = Canvas.of(layout.width, layout.height, layout.inches)
    for number in range(layout.across):
        left, _ = layout.place(number)
        ranks = [(left + layout.start + r * layout.tile, str(r + 1)) for r in range(depth)]
        for x, text in [(left, "query"), *ranks]:
            canvas.write(x + (layout.tile - GAP) / 2, layout.head / 2, text)
    for number in range(queries):
        left, top = layout.place(number)
        query = picture(pack, found[0].lists[number].query.row)
        canvas.show(query, left, top + (lists - 1) * (1 + GAP) / 2, ASKED)
        for line, method in enumerate(found):
            place = (left + layout.start, top + line * (1 + GAP))
            _draw_list(canvas, method, number, pack, place)
    return canvas.figure


def _draw_list(
    canvas: Canvas, method: Found, number: int, pack: PackedImages, place: tuple[float, float]
) -> None:
    """Draw what a method found for query `number`; its first picture has the left upper corner `place`."""
    left, top = place
    label = textwrap.fill(method.label, LETTERS)
    said = f"{label}\nAP {100 * method.precisions[number]:.0f} %"
    canvas.write(left - GAP, top + 0.5, said, align="right")
    one = method.lists[number]
    for image, match in zip(one.found, one.matches, strict=True):
        pixels, colour = picture(pack, image.row), RIGHT if match else WRONG
        canvas.show(pixels, left, top, colour)
        canvas.mark(left + aspect(pixels), top, TICK if match else CROSS, colour)
        left += aspect(pixels) + GAP
