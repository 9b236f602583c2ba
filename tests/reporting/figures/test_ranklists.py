"""Rank lists of several methods, against a search by hand."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from tests.reporting.figures.small import (
    CAMS,
    PACK,
    PIDS,
    QUERIES,
    SPLIT,
    TRAIN,
    figure_plan,
    listed,
    method,
    write_dataset,
    write_run,
)

from vreid.datasets.packed import PackedImages
from vreid.params.errors import UserError
from vreid.params.figures import RankLists
from vreid.reporting.figures import ranklist
from vreid.reporting.figures.gallery import picture
from vreid.reporting.figures.style import ASKED, RIGHT, WRONG


def plan(methods, queries=3, depth=4, seed=0):
    spec = RankLists(
        kind="ranklist", caption="c", methods=listed(methods), queries=queries, depth=depth, seed=seed
    )
    return figure_plan(spec, methods)


def searched(world, result, query):
    features = np.load(world / result.features / "after_neck.npy").astype(np.float64)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    gallery = [
        row
        for row, split in enumerate(SPLIT)
        if split == "gallery" and (PIDS[row] != PIDS[query] or CAMS[row] != CAMS[query])
    ]
    return sorted(gallery, key=lambda row: -float(unit[query - TRAIN] @ unit[row - TRAIN]))


def frames(figure):
    found = [
        patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle) and not patch.get_fill()
    ]
    return [to_hex(patch.get_edgecolor()) for patch in found]


def test_lists_are_those_of_a_search(world, methods):
    drawing = ranklist.draw(plan(methods), world)
    for one in methods:
        numbers = drawing.numbers["methods"][one.label]
        assert numbers["run"] == one.results[0].run
        for query, found, right in zip(
            drawing.numbers["queries"], numbers["found"], numbers["right"], strict=True
        ):
            assert found == searched(world, one.results[0], query)[:4]
            assert right == [PIDS[row] == PIDS[query] for row in found]


def test_frames_say_what_is_right(world, methods):
    drawing = ranklist.draw(plan(methods), world)
    right = sum(sum(one) for m in drawing.numbers["methods"].values() for one in m["right"])
    found = frames(drawing.figure)
    assert found.count(ASKED) == 3
    assert found.count(RIGHT) == right
    assert found.count(WRONG) == 2 * 3 * 4 - right
    signs = [text.get_text() for text in drawing.figure.axes[0].texts]
    assert signs.count(ranklist.TICK) == right


def test_queries_are_drawn_from_all_by_the_seed(world, methods):
    drawn = [ranklist.draw(plan(methods, depth=1, seed=seed), world).numbers["queries"] for seed in range(6)]
    assert drawn[0] == ranklist.draw(plan(methods[::-1], depth=1), world).numbers["queries"]
    assert {row for one in drawn for row in one} == set(QUERIES)
    assert all(one == sorted(set(one)) and len(one) == 3 for one in drawn)


def test_fewer_queries_and_images_than_asked_for_are_all_shown(world, methods):
    drawing = ranklist.draw(plan(methods[:1], queries=50, depth=40), world)
    assert drawing.numbers["queries"] == QUERIES
    assert len(drawing.numbers["methods"]["Baseline"]["found"][0]) == SPLIT.count("gallery")


def test_methods_that_are_asked_different_queries_are_refused(world, methods):
    other = methods[1].results[0].model_copy(update={"protocol": "all_vs_all"})
    with pytest.raises(UserError, match=r"different queries, those of veri776 \(all_vs_all\)"):
        ranklist.draw(plan([methods[0], method("Other", other)]), world)


@pytest.mark.parametrize(("lists", "across"), [(1, 1), (6, 2)])
def test_a_figure_that_would_be_too_high_has_two_queries_side_by_side(world, methods, lists, across):
    several = [methods[0].model_copy(update={"label": f"m{n}"}) for n in range(lists)]
    figure = ranklist.draw(plan(several, queries=3, depth=4), world).figure
    width, height = figure.get_size_inches()
    assert width == pytest.approx(ranklist.WIDE)
    assert height <= ranklist.HIGHEST
    asked = [p for p in figure.axes[0].patches if not p.get_fill() and to_hex(p.get_edgecolor()) == ASKED]
    assert len({round(p.get_x(), 3) for p in asked}) == across
    assert len({(round(p.get_x(), 3), round(p.get_y(), 3)) for p in asked}) == 3
    images = [image.get_extent() for image in figure.axes[0].images]
    assert len({tuple(np.round(extent, 3)) for extent in images}) == 3 * (1 + 4 * lists)  # none hides another


@pytest.mark.parametrize(("size", "shape"), [((8, 16), (24, 16, 3)), ((8, 8), (8, 24, 3))])
def test_spectra_stand_together(tmp_path, size, shape):
    write_dataset(tmp_path, spectra=("rgb", "nir", "tir"), size=size)
    pack = PackedImages.open(tmp_path / PACK)
    joined = picture(pack, 3)
    assert joined.shape == shape
    assert np.array_equal(joined[: size[0], : size[1]], pack.images[3])
    assert np.array_equal(joined[-size[0] :, -size[1] :], pack.spectra["tir"][3])
    one = method("One", write_run(tmp_path, "one", 0, 1.0))
    drawing = ranklist.draw(plan([one]), tmp_path)
    assert drawing.notes[-1] == "Each picture shows the spectra rgb, nir, tir."
