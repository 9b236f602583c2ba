"""Versions of a list are paired once each."""

from hypothesis import given
from hypothesis import strategies as st

from vreid.reporting.comparing.pairing import pairs

ENTRIES = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y", None])), max_size=6)


@given(ENTRIES, ENTRIES)
def test_every_entry_is_in_one_place(first, second):
    found = pairs(first, second, lambda one: one[0], lambda one: one[1])
    assert sorted([a for a, _ in found.both] + found.first, key=repr) == sorted(first, key=repr)
    assert sorted([b for _, b in found.both] + found.second, key=repr) == sorted(second, key=repr)
    names = [{one[0] for one in side} for side in (found.first, found.second)]
    contents = [{one[1] for one in side} - {None} for side in (found.first, found.second)]
    assert names[0].isdisjoint(names[1])
    assert contents[0].isdisjoint(contents[1])
    assert all(a[0] == b[0] or a[1] == b[1] is not None for a, b in found.both)
