import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vreid.evaluation.metrics import MEANS
from vreid.evaluation.protocols import FORMS, JUNK_RULES, find_protocol, form, protocol_names
from vreid.params.errors import UserError

NAMED = (
    "veri776",
    "vehicleid_official_800",
    "vehicleid_official_1600",
    "vehicleid_official_2400",
    "vehicleid_swapped_800",
    "all_vs_all",
    "vru_1200",
    "vru_2400",
    "vru_8000",
    "uav_veid",
    "rgbn",
    "cars196",
    "veri_uav",
    "custom",
)


def test_every_protocol_of_the_papers_is_known():
    assert set(NAMED) <= set(protocol_names())
    for name in protocol_names():
        protocol = find_protocol(name)
        assert protocol.name == name
        assert (protocol.form in FORMS, protocol.junk in JUNK_RULES) == (True, True)
        assert (protocol.trials > 1) == (protocol.form in ("gallery_one", "query_one"))
        assert (protocol.form == "all_vs_all") == (protocol.junk == "self")
        assert all(metric in MEANS or metric.startswith("R") for metric in protocol.shown)


def test_the_number_of_identities_is_free():
    assert find_protocol("vehicleid_official_20").form == "gallery_one"
    assert find_protocol("vru_24").trials == 10


@pytest.mark.parametrize("name", ["vehicleid", "veri776_dark", "vru_x", "", "_", "800"])
def test_unknown_names_are_refused(name):
    with pytest.raises(UserError, match="There is no protocol"):
        find_protocol(name)


ids = st.lists(st.integers(0, 5), min_size=2, max_size=40).map(np.array)


@given(
    ids, st.sampled_from(["vehicleid_official_800", "vehicleid_swapped_800", "cars196"]), st.integers(0, 9)
)
def test_forms_hold_what_they_say(labels, name, seed):
    assume(len(set(labels.tolist())) < len(labels))
    protocol = find_protocol(name)
    trials = list(form(protocol, labels, seed))
    assert len(trials) == protocol.trials
    for query, gallery in trials:
        assert (np.diff(query) > 0).all()
        assert (np.diff(gallery) > 0).all()
        if protocol.form == "all_vs_all":
            assert query.tolist() == gallery.tolist() == list(range(len(labels)))
            continue
        assert sorted([*query, *gallery]) == list(range(len(labels)))
        one = gallery if protocol.form == "gallery_one" else query
        assert sorted(labels[one]) == sorted(set(labels.tolist()))


def test_draws_are_uniform_and_independent_of_the_number_of_trials():
    labels = np.array([0] * 4 + [1] * 2)
    drawn = np.zeros(6)
    for seed in range(300):
        for _, gallery in form(find_protocol("vru_1200"), labels, seed):
            drawn[gallery] += 1
    np.testing.assert_allclose(drawn / 3000, [0.25] * 4 + [0.5] * 2, atol=0.04)
