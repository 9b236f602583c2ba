"""The pipeline and `vreid evaluate` are one referee: the same draws, matches and numbers."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer import Typer
from typer.testing import CliRunner

from vreid.cli.evaluate import evaluate
from vreid.datasets.draws import draw_trials
from vreid.datasets.index import SCHEMA, index_writer
from vreid.datasets.split import Labels, count_matches, trials, write_splits
from vreid.evaluation.evaluate import marks_of
from vreid.evaluation.protocols import protocol_of
from vreid.evaluation.ranking import Groups
from vreid.evaluation.run import evaluate_run
from vreid.params import run as params
from vreid.params.dataset import Protocol, dataset_names, read_dataset

PARAMS = Path(__file__).parents[2] / "params"
PUBLISHED = [
    (name, protocol.name)
    for name in dataset_names(PARAMS)
    for protocol in read_dataset(name, PARAMS).protocols
]
IMAGES = 240


def write_index(path, lists):
    """An index of 20 vehicles and 5 cameras; every second test vehicle is on the first list."""
    rng = np.random.default_rng(5)
    pids, camids = rng.integers(0, 20, IMAGES), rng.integers(1, 6, IMAGES)
    splits = np.where(pids < 5, "train", np.where(rng.random(IMAGES) < 0.3, "query", "gallery"))
    order = np.argsort(
        np.array([["train", "query", "gallery"].index(split) for split in splits]), kind="stable"
    )
    rows = []
    for row in order:
        on = [name for name in lists if pids[row] % 2 == 0 or name != lists[0]]
        split = str(splits[row])
        known = {"pid": int(pids[row]), "camid": int(camids[row]), "split": split}
        blank = {"path": "x.jpg", "spectra": [], "width": 1, "height": 1, "digest": ""}
        rows.append(blank | known | {"lists": on if split != "train" else []})
    with index_writer(path) as writer:
        writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))
    return rows


@pytest.mark.parametrize(("dataset", "name"), PUBLISHED)
def test_pipeline_and_command_agree_to_the_bit(tmp_path, dataset, name):
    spec = read_dataset(dataset, PARAMS)
    protocol = spec.protocol(name)
    rows = write_index(tmp_path / "index.parquet", spec.lists)
    write_splits(spec, tmp_path / "index.parquet", tmp_path / "splits.parquet")
    tested = np.array([number for number, row in enumerate(rows) if row["split"] != "train"])
    pids, camids = (np.array([row[key] for row in rows]) for key in ("pid", "camid"))
    rng = np.random.default_rng(6)
    features = rng.standard_normal((20, 6))[pids] + rng.standard_normal((IMAGES, 6))
    features = features.astype(np.float32)
    folder = tmp_path / "run" / "features"
    folder.mkdir(parents=True)
    np.save(folder / "after_neck.npy", features[tested])
    np.save(folder / "rows.npy", tested)
    test = params.Test(feature="after_neck", distance="cosine")
    evaluate_run(folder, tmp_path / "index.parquet", tmp_path / "splits.parquet", tmp_path, test, [protocol])
    ours = json.loads((tmp_path / "evaluation.json").read_text())["protocols"][name]

    on_list = np.array([protocol.list is None or protocol.list in row["lists"] for row in rows])
    if protocol.form == "given":
        roles = {role: [n for n in tested if rows[n]["split"] == role] for role in ("query", "gallery")}
        arrays = {}
        for role, chosen in roles.items():
            arrays[f"{role}_features"], arrays[f"{role}_ids"] = features[chosen], pids[chosen]
            arrays[f"{role}_cams"] = camids[chosen]
    else:
        chosen = [n for n in tested if on_list[n]]
        arrays = {"features": features[chosen], "ids": pids[chosen], "cams": camids[chosen]}
    np.savez(tmp_path / "f.npz", **arrays)
    app = Typer()
    app.command()(evaluate)
    out, seed = tmp_path / "metrics.json", [] if protocol.seed is None else ["--seed", str(protocol.seed)]
    options = ["--protocol", name, *seed, "--json", str(out), "--per-query", str(tmp_path / "q.parquet")]
    done = CliRunner().invoke(app, [str(tmp_path / "f.npz"), *options])
    assert done.exit_code == 0, done.output
    assert json.loads(out.read_text()) == ours
    both = [pq.read_table(tmp_path / file) for file in ("per_query.parquet", "q.parquet")]
    assert both[0].drop(["query_row"]).equals(both[1].drop(["query_row"]))
    assert ours["trials"] == protocol.trials and 0 < ours["mAP"] < 1


labels = st.lists(st.integers(0, 5), min_size=2, max_size=40)


@given(labels, st.sampled_from(["gallery_one", "query_one"]), st.integers(0, 9))
def test_each_identity_in_ascending_order_draws_one_of_its_images(ids, form, seed):
    found = list(draw_trials(form, np.array(ids), 3, seed))
    for trial, (query, gallery) in enumerate(found):
        places = {value: [row for row, one in enumerate(ids) if one == value] for value in sorted(set(ids))}
        numbers = np.random.default_rng((seed, trial)).integers(0, [len(rows) for rows in places.values()])
        drawn = sorted(rows[number] for rows, number in zip(places.values(), numbers, strict=True))
        rest = [row for row in range(len(ids)) if row not in drawn]
        expected = (rest, drawn) if form == "gallery_one" else (drawn, rest)
        assert (query.tolist(), gallery.tolist()) == expected


@given(labels)
def test_text_is_drawn_like_the_numbers_that_it_names(ids):
    one, other = (
        [(q.tolist(), g.tolist()) for q, g in draw_trials("gallery_one", values, 4, 1)]
        for values in (np.array(ids), np.array([f"vehicle {value}" for value in ids]))
    )
    assert one == other


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2), st.sampled_from(["train", "query", "gallery"])),
        max_size=30,
    ),
    st.sampled_from([("given", "same_camera"), ("given", "none"), ("all_vs_all", "self")]),
)
def test_splits_and_ranking_count_the_same_matches(rows, rule):
    rows = [*rows, (0, 0, "query"), (0, 1, "gallery")]
    pids, cams, splits = (np.array(values) for values in zip(*rows, strict=True))
    declared = Protocol(name="p", form=rule[0], junk=rule[1])
    table = Labels(pids, cams, splits, {})
    trial = next(trials(declared, table))
    marks = marks_of(protocol_of(declared), cams, trial.query, trial.gallery)
    groups = Groups(pids[trial.query], pids[trial.gallery], *marks)
    found = count_matches(declared, table, trial)
    assert found.after.tolist() == groups.matches.tolist()
    assert (found.before - found.after).tolist() == groups.junk.tolist()
