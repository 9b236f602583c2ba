"""The similarities of pairs as a figure: what is drawn, and what is said of it."""

import numpy as np
import pytest

from vreid.evaluation.separation import BINS, Overlap, Separation
from vreid.reporting.figures.files import house_style
from vreid.reporting.figures.similarities import draw
from vreid.reporting.figures.style import PALETTE

OVERLAP = Overlap(median=0.75, above_median=0.0625, threshold=0.5, accepted=0.125, refused=0.0625)


def separation(same, different, overlap=OVERLAP):
    """Counts of the bins of [-1, 1] by number."""
    edges, counts = np.linspace(-1, 1, BINS + 1), np.zeros((2, BINS), np.int64)
    for row, filled in zip(counts, (same, different), strict=True):
        for place, number in filled.items():
            row[place] = number
    return Separation(edges, *counts, overlap)


def drawn(found, distance="cosine"):
    with house_style():
        drawing = draw(found, distance, "one")
        [axes] = drawing.figure.axes
    return drawing, axes


def outlines(axes):
    """Return the height of each kind's outline over some similarities, by colour."""
    found = {}
    for patch in axes.collections:
        colour = tuple(patch.get_edgecolor()[0][:3])
        [path] = patch.get_paths()
        found[colour] = path
    return found


def rgb(colour):
    return tuple(int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))


def test_each_kind_has_the_area_one():
    # Half of the same-vehicle pairs in the last bin: 1/2 over its width of 2/64 is a density of 16.
    _, axes = drawn(separation({63: 3000, 60: 3000}, {0: 6000, 63: 2000}))
    paths = outlines(axes)
    heights = {colour: path.vertices[:, 1].max() for colour, path in paths.items()}
    assert heights[rgb(PALETTE[0])] == pytest.approx(16)
    assert heights[rgb(PALETTE[1])] == pytest.approx(24)
    assert {path.vertices[:, 0].max() for path in paths.values()} == {1.0}


def test_few_pairs_are_drawn_in_fewer_bins():
    # Four pairs: 16 bins, each 1/8 wide, so all of them in one make a density of 8.
    _, axes = drawn(separation({60: 1, 61: 1, 62: 1, 63: 1}, {0: 4000}))
    assert outlines(axes)[rgb(PALETTE[0])].vertices[:, 1].max() == pytest.approx(8)


@pytest.mark.parametrize(
    ("distance", "metric"),
    [("cosine", "cosine similarity"), ("euclidean", "negative Euclidean distance")],
)
def test_legend_and_axes_say_what_is_shown(distance, metric):
    drawing, axes = drawn(separation({63: 1200}, {0: 3000}), distance)
    assert axes.get_xlabel() == metric == drawing.numbers["similarity"]
    assert axes.get_title() == "one"
    assert [text.get_text() for text in drawing.figure.legends[0].get_texts()] == [
        "same vehicle: 1,200 pairs",
        "different vehicles: 3,000 pairs",
        "equal error rate 9.4 %",
        "median of the same vehicle",
    ]
    assert [line.get_xdata()[0] for line in axes.lines] == [OVERLAP.threshold, OVERLAP.median]


def test_notes_and_numbers_say_the_overlap():
    drawing, _ = drawn(separation({63: 1200}, {0: 3000}))
    [note] = drawing.notes
    assert note.startswith(
        "6.3 % of the 3,000 pairs of different vehicles are more similar than the median of the 1,200 pairs "
        "of the same vehicle (cosine similarity 0.75). With 0.5 as the one threshold"
    )
    assert "12.5 % of the pairs of different vehicles are taken for the same" in note
    assert "6.3 % of the pairs of the same vehicle are missed: an equal error rate of 9.4 %." in note
    assert drawing.numbers["overlap"] == {
        "median": 0.75,
        "above_median": 0.0625,
        "threshold": 0.5,
        "accepted": 0.125,
        "refused": 0.0625,
        "equal_error_rate": 0.09375,
    }
    assert sum(drawing.numbers["different"]) == 3000


@pytest.mark.parametrize(
    ("same", "words"), [({}, "no pair to measure"), ({5: 3}, "All pairs are of one vehicle")]
)
def test_without_pairs_of_both_kinds_the_figure_says_so(same, words):
    drawing, axes = drawn(separation(same, {}, None))
    assert words in drawing.notes[0]
    assert words in " ".join(axes.texts[0].get_text().split())
    assert drawing.numbers["overlap"] is None
