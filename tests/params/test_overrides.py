"""Dotted keys set what they name and nothing else."""

import copy

import pytest

from vreid.params.errors import UserError
from vreid.params.overrides import apply, differences

BASE = {
    "model": {"name": "x", "se": True},
    "losses": [{"name": "triplet", "margin": 0.3}, {"name": "focal", "gamma": 2.0}],
    "lr": 1.0,
}


def test_a_key_of_a_mapping_and_a_named_entry_of_a_list_are_set_and_the_base_is_kept():
    before = copy.deepcopy(BASE)
    result = apply(BASE, {"model.se": False, "losses.focal.gamma": 3.0, "lr": 0.5}, "w")
    assert result == {
        "model": {"name": "x", "se": False},
        "losses": [{"name": "triplet", "margin": 0.3}, {"name": "focal", "gamma": 3.0}],
        "lr": 0.5,
    }
    assert before == BASE


def test_a_value_replaces_whole_mappings_and_lists():
    assert apply(BASE, {"losses": []}, "w")["losses"] == []
    assert apply(BASE, {"model": {}}, "w")["model"] == {}


def test_a_whole_named_entry_is_replaced():
    entry = {"name": "cross_entropy"}
    assert apply(BASE, {"losses.focal": entry}, "w")["losses"][1] == entry


@pytest.mark.parametrize(
    ("key", "near"),
    [("modell.se", "`model`"), ("losses.foccal.gamma", "`focal`"), ("losses.foccal", "`focal`")],
)
def test_a_misspelt_step_names_the_nearest(key: str, near: str):
    with pytest.raises(UserError) as error:
        apply(BASE, {key: 1}, "file: experiments.x")
    assert near in str(error.value)
    assert key in str(error.value)


def test_a_number_has_no_keys():
    with pytest.raises(UserError, match="no mapping"):
        apply(BASE, {"lr.x": 1}, "w")


def test_differences_are_leaves_with_both_sides():
    ours = apply(BASE, {"model.se": False, "new": 1}, "w")
    assert list(differences(ours, BASE)) == [("model.se", False, True), ("new", 1, None)]
