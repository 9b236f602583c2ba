"""Rank lists on a handful of pictures with features written by hand."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from vreid.datasets.index import SCHEMA, index_writer
from vreid.datasets.split import SCHEMA as SPLITS
from vreid.params import run as run_config
from vreid.params.dataset import Protocol
from vreid.params.errors import UserError
from vreid.reporting.ranklist import GAP, GREEN, RED, TILE, Picture, Ranker, RankList, draw, first_trial

# Rows of the index: two training images, queries 2 and 3, gallery 4 to 8.
PIDS = [1, 2, 10, 20, 10, 10, 20, 30, 10]
CAMS = [1, 1, 1, 1, 1, 2, 2, 2, 3]
SPLIT = ["train"] * 2 + ["query"] * 2 + ["gallery"] * 5
# Angles in degrees: the cosine distance grows with the difference. Rows 5 and 7 are as far from query 2.
ANGLES = {2: 0, 3: 90, 4: 1, 5: 20, 6: 80, 7: -20, 8: 40}

PROTOCOL = Protocol(name="veri776", form="given", junk="same_camera")


@pytest.fixture
def ranker(tmp_path):
    names = [f"{row}.png" for row in range(len(PIDS))]
    for row, name in enumerate(names):
        Image.new("RGB", (40, 20 + row), (20 * row, 100, 50)).save(tmp_path / name)
    columns = {
        "path": names,
        "pid": PIDS,
        "camid": CAMS,
        "split": SPLIT,
        "lists": [[]] * 9,
        "spectra": [[]] * 9,
        "width": [40] * 9,
        "height": [20] * 9,
        "digest": [""] * 9,
    }
    with index_writer(tmp_path / "index.parquet") as writer:
        writer.write_table(pa.table(columns, schema=SCHEMA))
    splits = [
        {"protocol": name, "trial": trial, "role": SPLIT[row], "row": row}
        for name, trials in (("veri776", 1), ("drawn", 2))
        for trial in range(trials)
        for row in range(2, 9 - trial)
    ]
    pq.write_table(pa.Table.from_pylist(splits, schema=SPLITS), tmp_path / "splits.parquet")
    features = tmp_path / "run" / "features"
    features.mkdir(parents=True)
    angles = np.deg2rad(list(ANGLES.values()))
    np.save(features / "after_neck.npy", np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32))
    np.save(features / "rows.npy", np.array(list(ANGLES), np.int64))
    test = run_config.Test(feature="after_neck", distance="cosine")
    return Ranker(features, tmp_path / "index.parquet", tmp_path / "splits.parquet", test)


def test_junk_is_left_out_and_ties_go_by_row(ranker):
    [first, second] = ranker.rank(PROTOCOL, [2, 3])
    assert first.query == Picture(2, "2.png", 10, 1)
    # Row 4 is nearest to query 2, but of its camera; rows 5 and 7 tie at 20 degrees.
    assert [picture.row for picture in first.found] == [5, 7, 8, 6]
    assert first.matches == (True, False, True, False)
    assert [picture.row for picture in second.found] == [6, 8, 5, 4, 7]
    assert second.matches == (True, False, False, False, False)


def test_without_a_junk_rule_everything_is_found(ranker):
    rule = Protocol(name="drawn", form="given", junk="none")
    [one] = ranker.rank(rule, [2], depth=2)
    assert [picture.row for picture in one.found] == [4, 5]
    assert one.matches == (True, True)


def test_the_first_trial_is_taken(ranker):
    query, gallery = first_trial(ranker.splits, "drawn")
    assert (query.tolist(), gallery.tolist()) == ([2, 3], [4, 5, 6, 7, 8])


def test_a_row_that_does_not_ask_is_an_error(ranker):
    with pytest.raises(UserError, match="not all of the rows"):
        ranker.rank(PROTOCOL, [4])


def test_missing_features_are_an_error(ranker):
    np.save(ranker.features / "rows.npy", np.arange(7))
    with pytest.raises(UserError, match="extract again"):
        ranker.rank(PROTOCOL, [2])


def test_the_figure_frames_matches_green_and_others_red(ranker, tmp_path):
    lists = ranker.rank(PROTOCOL, [2, 3])
    draw(lists, ["AP 58.3 %", "AP 100.0 %"], tmp_path, tmp_path / "ranks.png")
    figure = Image.open(tmp_path / "ranks.png")
    lefts = [2 * GAP + place * (TILE + GAP) for place in range(1, 5)]
    tops = {top for top in range(figure.height) if figure.getpixel((lefts[0], top)) == GREEN}
    first = min(tops)
    assert [figure.getpixel((left, first)) for left in lefts] == [GREEN, RED, GREEN, RED]
    assert figure.info == {}


def test_the_figure_has_the_same_bytes_every_time(ranker, tmp_path):
    lists = ranker.rank(PROTOCOL, [3])
    for name in ("a.png", "b.png"):
        draw(lists, ["AP"], tmp_path, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_lists_of_different_length_fit_one_figure(ranker, tmp_path):
    long, short = ranker.rank(PROTOCOL, [3, 2])
    short = RankList(short.query, short.found[:1], short.matches[:1])
    draw([long, short], ["", ""], tmp_path, tmp_path / "ranks.png")
    assert Image.open(tmp_path / "ranks.png").width == 2 * GAP + (TILE + GAP) * 6
