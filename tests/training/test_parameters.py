import pytest

from vreid.params.errors import UserError
from vreid.params.recipe import Freeze
from vreid.training.parameters import frozen_names, matching

NAMES = ("stem.weight", "stem.norm.bias", "stem2.weight", "head")


def test_a_prefix_ends_at_a_dot():
    assert matching(NAMES, ("stem",), "here") == {"stem.weight", "stem.norm.bias"}
    assert matching(NAMES, ("stem.norm", "head"), "here") == {"stem.norm.bias", "head"}


def test_a_prefix_that_fits_nothing_is_a_sentence():
    with pytest.raises(UserError, match=r"here names ste, .* parts are stem, stem2, head"):
        matching(NAMES, ("stem", "ste"), "here")


def test_frozen_are_those_listed_or_all_but_those_to_be_trained():
    assert frozen_names(NAMES, Freeze(epochs=1.0, frozen=("stem2", "head"))) == {"stem2.weight", "head"}
    assert frozen_names(NAMES, Freeze(epochs=1.0, trained=("stem",))) == {"stem2.weight", "head"}
    with pytest.raises(UserError, match=r"schedule\.freeze\.trained names sten"):
        frozen_names(NAMES, Freeze(epochs=1.0, trained=("sten",)))
    with pytest.raises(UserError, match="leave some to be trained"):
        frozen_names(NAMES, Freeze(epochs=1.0, frozen=("stem", "stem2", "head")))
