from pathlib import Path

import pytest

from vreid.evaluation.protocols import find_protocol
from vreid.params.dataset import DatasetSpec, dataset_names, read_dataset
from vreid.params.errors import UserError
from vreid.params.read import validate

PARAMS = Path(__file__).parents[2] / "params"
EIGHT = [
    *("cars196", "rgbn300", "rgbnt100", "uav_veid", "vehicleid", "veri776", "veri_uav", "vru"),
]
MINIMAL = {
    "title": "t",
    "citation": "c",
    "terms": "t",
    "acquire": {"kind": "by_hand"},
    "adapter": "veri_uav",
    "protocols": [{"name": "p", "form": "given", "junk": "same_camera"}],
}


def spec(**changes):
    return validate(DatasetSpec, MINIMAL | changes, "d.yaml")


def test_all_eight_datasets_are_described():
    assert set(EIGHT) <= set(dataset_names(PARAMS))


@pytest.mark.parametrize("name", EIGHT)
def test_each_says_where_it_comes_from_and_has_a_stand_in(name):
    found = read_dataset(name, PARAMS)
    assert found.citation and found.terms and found.steps and found.render is not None
    assert all(counts.source for counts in found.counts)


@pytest.mark.parametrize("name", EIGHT)
def test_protocols_are_those_that_evaluation_knows_by_these_names(name):
    for protocol in read_dataset(name, PARAMS).protocols:
        known = find_protocol(protocol.name)
        assert (known.form, known.junk, known.trials) == (protocol.form, protocol.junk, protocol.trials)


@pytest.mark.parametrize(
    ("name", "parts"),
    [("veri776", ["train", "gallery"]), ("rgbn300", ["train", "gallery"]), ("rgbnt100", ["train", "gallery"]),
     ("cars196", ["train", "gallery"]), ("veri_uav", ["train", "query", "gallery"])],
)  # fmt: skip
def test_published_parts_add_up_to_a_published_whole(name, parts):
    # Query images are copies of gallery images in VeRi-776 and RGBN*, so they do not count there.
    counts = read_dataset(name, PARAMS).counts
    full = next(c for c in counts if all(getattr(c, part) is not None for part in parts))
    assert sum(getattr(full, part).images for part in parts) in {c.images for c in counts}


def test_vru_is_known_not_to_add_up():
    paper, parts = read_dataset("vru", PARAMS).counts
    assert paper.train.images + paper.lists["8000"].images == parts.images == paper.images - 10
    assert paper.train.identities + paper.lists["8000"].identities == paper.identities


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"adapters": "veri"}, "did you mean `adapter`"),
        ({"adapter": "veri77"}, "did you mean `veri776`"),
        ({"lists": ["800"]}, "`lists` says nothing to the adapter `veri_uav`"),
        ({"adapter": "image_lists"}, "the adapter `image_lists` needs `lists`"),
        ({"adapter": "own_table"}, "the adapter `own_table` needs `table`"),
        ({"protocols": []}, "`protocols`"),
        ({"protocols": MINIMAL["protocols"] * 2}, "two protocols are called 'p'"),
        (
            {"acquire": {"kind": "download", "archives": [{"name": "a.zip"}]}},
            "'a.zip' is to be downloaded and needs",
        ),
        ({"acquire": {"kind": "by_hand", "archives": [{"name": "../a.zip"}]}}, "acquire"),
        ({"acquire": {"kind": "download", "archives": [{"name": "a", "url": "file:///etc"}]}}, "acquire"),
    ],
)
def test_what_is_wrong_is_said(changes, sentence):
    with pytest.raises(UserError, match=sentence):
        spec(**changes)


@pytest.mark.parametrize(
    ("protocol", "sentence"),
    [
        ({"form": "gallery_one"}, "'p' draws at random and needs a `seed`"),
        ({"seed": 1}, "'p' draws nothing: leave `trials` and `seed` out"),
        ({"form": "all_vs_all"}, "the form `all_vs_all` and the junk rule `self` belong together"),
        ({"list": "800"}, "uses the test list '800', which `lists` does not name"),
        ({"junk": "same_cam"}, "did you mean `same_camera`"),
    ],
)
def test_a_protocol_that_contradicts_itself_is_refused(protocol, sentence):
    with pytest.raises(UserError, match=sentence):
        spec(protocols=[MINIMAL["protocols"][0] | protocol])


def test_the_content_key_changes_with_what_decides_the_index_and_with_nothing_else():
    key = spec().content_key()
    assert spec(title="other", complete_from=0.5, counts=[{"source": "s", "images": 1}]).content_key() == key
    for change in ({"allow": ["x.jpg"]}, {"fit": "pad"}, {"spectra": ["rgb", "nir"]}, {"adapter": "rgbir"}):
        assert spec(**change).content_key() != key


def test_a_protocol_is_found_by_name():
    assert spec().protocol("p").junk == "same_camera"
    with pytest.raises(UserError, match="t has no protocol 'q'; it has p"):
        spec().protocol("q")


def test_an_unknown_dataset_is_answered_with_the_nearest():
    with pytest.raises(UserError, match=r"No dataset is called `veri_uva` \(did you mean `veri_uav`\?\)"):
        read_dataset("veri_uva", PARAMS)
