import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.datasets import trees

from vreid.datasets.index import SCHEMA, index_writer
from vreid.datasets.split import Labels, check_matches, count_matches, trials, write_splits
from vreid.params.dataset import Protocol
from vreid.params.errors import UserError


def protocol(form, junk="none", **changes):
    drawn = {"trials": 10, "seed": 7} if form in ("gallery_one", "query_one") else {}
    return Protocol(name="p", form=form, junk=junk, **(drawn | changes))


def labels(pids, camids=None, splits=None, lists=None):
    size = len(pids)
    return Labels(
        pids=np.array(pids),
        camids=np.array(camids if camids is not None else [-1] * size),
        splits=np.array(splits if splits is not None else ["gallery"] * size, dtype=np.str_),
        lists=lists or {},
    )


def test_given_takes_query_and_gallery_as_they_are():
    found = list(
        trials(
            protocol("given"),
            labels([1, 2, 2, 3, 3], splits=["train", "query", "gallery", "query", "gallery"]),
        )
    )
    assert [(t.number, t.query.tolist(), t.gallery.tolist()) for t in found] == [(0, [1, 3], [2, 4])]


def test_a_test_list_restricts_and_training_images_never_take_part():
    table = labels(
        [1, 1, 2, 2, 3, 3],
        splits=["train", "train", *["gallery"] * 4],
        lists={"small": np.array([True, True, True, True, False, False])},
    )
    for trial in trials(protocol("gallery_one", list="small"), table):
        assert sorted([*trial.query, *trial.gallery]) == [2, 3]
    with pytest.raises(UserError, match="needs the test list 'large'"):
        next(trials(protocol("gallery_one", list="large"), table))


@given(st.lists(st.integers(0, 5), min_size=2, max_size=40), st.sampled_from(["gallery_one", "query_one"]))
def test_draws_take_one_row_of_every_identity(pids, form):
    table = labels(pids)
    if len(set(pids)) == len(pids):
        with pytest.raises(UserError, match=r"has no (query|gallery) image"):
            list(trials(protocol(form), table))
        return
    found = list(trials(protocol(form), table))
    assert [t.number for t in found] == list(range(10))
    for trial in found:
        one, rest = (trial.gallery, trial.query) if form == "gallery_one" else (trial.query, trial.gallery)
        assert sorted(pids[row] for row in one) == sorted(set(pids))
        assert sorted([*one, *rest]) == list(range(len(pids)))
        assert list(one) == sorted(one) and list(rest) == sorted(rest)


def test_draws_repeat_with_the_seed_and_differ_between_trials_and_seeds():
    table = labels(np.repeat(np.arange(50), 8))
    first = [t.gallery.tolist() for t in trials(protocol("gallery_one"), table)]
    assert first == [t.gallery.tolist() for t in trials(protocol("gallery_one"), table)]
    assert len({tuple(gallery) for gallery in first}) == 10
    assert first[0] != next(trials(protocol("gallery_one", seed=8), table)).gallery.tolist()
    longer = list(trials(protocol("gallery_one", trials=12), table))
    assert [t.gallery.tolist() for t in longer[:10]] == first


def test_draws_are_uniform_over_an_identity_s_images():
    table = labels([1] * 4 + [2] * 4)
    drawn = np.concatenate([t.gallery for t in trials(protocol("gallery_one", trials=4000), table)])
    share = np.bincount(drawn, minlength=8) / 4000
    assert np.abs(share - 0.25).max() < 0.03  # 4 standard deviations


def test_all_vs_all_takes_every_test_image_twice():
    trial = next(
        trials(protocol("all_vs_all", "self"), labels([1, 1, 2], splits=["train", "gallery", "query"]))
    )
    assert trial.query.tolist() == trial.gallery.tolist() == [1, 2]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2), st.sampled_from(["train", "query", "gallery"])),
        max_size=30,
    ),
    st.sampled_from([("given", "same_camera"), ("given", "none"), ("all_vs_all", "self")]),
)
def test_matches_are_counted_as_a_slow_search_counts_them(rows, rule):
    rows = [*rows, (0, 0, "query"), (0, 1, "gallery")]
    pids, cams, splits = map(list, zip(*rows, strict=True))
    form, junk = rule
    trial = next(trials(protocol(form, junk), labels(pids, cams, splits)))
    found = count_matches(protocol(form, junk), labels(pids, cams, splits), trial)

    def is_junk(q, g):
        return {"same_camera": cams[q] == cams[g], "self": q == g, "none": False}[junk]

    before = [[g for g in trial.gallery if pids[g] == pids[q]] for q in trial.query]
    assert found.before.tolist() == [len(matches) for matches in before]
    after = [sum(not is_junk(q, g) for g in matches) for q, matches in zip(trial.query, before, strict=True)]
    assert found.after.tolist() == after


def test_a_constant_camera_under_the_camera_rule_is_explained():
    table = labels([1, 1, 2, 2, 2], [0] * 5, ["query", "gallery", "query", "gallery", "gallery"])
    rule = protocol("given", "same_camera")
    with pytest.raises(UserError) as caught:
        check_matches(rule, table, next(trials(rule, table)))
    assert "none of the 2 queries has a match" in str(caught.value)
    assert "2 lost all their 3 matches to the junk rule `same_camera`" in str(caught.value)
    assert "All images are of one camera (0)" in str(caught.value) and "`junk: none`" in str(caught.value)


def test_identities_that_the_gallery_lacks_are_explained():
    table = labels([1, 2], [0, 1], ["query", "gallery"])
    rule = protocol("given", "same_camera")
    with pytest.raises(UserError, match="1 of them ask for an identity that the gallery does not have"):
        check_matches(rule, table, next(trials(rule, table)))


def write_index(path, rows):
    with index_writer(path) as writer:
        import pyarrow as pa

        blank = {"path": "x.jpg", "spectra": [], "width": 1, "height": 1, "digest": ""}
        writer.write_table(pa.Table.from_pylist([blank | row for row in rows], schema=SCHEMA))
    return path


def test_the_table_holds_every_protocol_trial_and_role(tmp_path):
    rows = [
        {"pid": 1, "camid": 1, "split": "train", "lists": []},
        {"pid": 5, "camid": 1, "split": "query", "lists": ["a"]},
        {"pid": 5, "camid": 2, "split": "gallery", "lists": ["a", "b"]},
        {"pid": 6, "camid": 2, "split": "gallery", "lists": ["b"]},
        {"pid": 6, "camid": 2, "split": "gallery", "lists": ["b"]},
    ]
    spec = trees.spec(
        "image_lists",
        lists=["a", "b"],
        protocols=[
            {"name": "first", "form": "given", "junk": "same_camera"},
            {"name": "second", "form": "gallery_one", "junk": "none", "list": "b", "trials": 3, "seed": 1},
        ],
    )
    write_splits(spec, write_index(tmp_path / "i.parquet", rows), tmp_path / "s.parquet")
    table = pq.read_table(tmp_path / "s.parquet")
    assert [(f.name, str(f.type)) for f in table.schema] == [
        ("protocol", "string"),
        ("trial", "int32"),
        ("role", "string"),
        ("row", "int64"),
    ]
    lines = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
    assert lines[:4] == [
        ("first", 0, "query", 1),
        ("first", 0, "gallery", 2),
        ("first", 0, "gallery", 3),
        ("first", 0, "gallery", 4),
    ]
    for trial in range(3):
        query = [
            row for name, number, role, row in lines if (name, number, role) == ("second", trial, "query")
        ]
        gallery = [
            row for name, number, role, row in lines if (name, number, role) == ("second", trial, "gallery")
        ]
        assert sorted(query + gallery) == [2, 3, 4] and 2 in gallery and len(gallery) == 2
    again = tmp_path / "again.parquet"
    write_splits(spec, tmp_path / "i.parquet", again)
    assert again.read_bytes() == (tmp_path / "s.parquet").read_bytes()
