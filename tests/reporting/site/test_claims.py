"""The drawing of an interval: places on the scale that all comparisons of a paper share."""

from itertools import pairwise

import pytest

from vreid.reporting.records import read_record
from vreid.reporting.site.claims import MARGIN, WIDTH, shown_claims
from vreid.reporting.statements import Statements


@pytest.fixture
def said(made):
    return read_record(made.root / "reports/claims/se_densenet.json", Statements)


def test_places_are_a_linear_function_of_values(said):
    pairs = [pair for claim in said.claims for pair in claim.comparisons]
    drawn = [line.drawn for line in shown_claims(said).lines if line.drawn]
    assert len(drawn) == len(pairs) == 3
    places = {0.0: {one.zero for one in drawn}}
    for pair, one in zip(pairs, drawn, strict=True):
        for value, place in (
            (pair.low, one.low),
            (pair.high, one.high),
            (pair.difference, one.ours),
            (pair.paper, one.paper),
        ):
            assert (value is None) == (place is None)
            if value is not None:
                places.setdefault(float(value), set()).add(place)
    assert all(len(found) == 1 for found in places.values())
    points = sorted((value, *place) for value, place in places.items())
    assert (points[0][1], points[-1][1]) == (MARGIN, WIDTH - MARGIN)
    slope = (WIDTH - 2 * MARGIN) / (points[-1][0] - points[0][0])
    for (value, place), (next_value, next_place) in pairwise(points):
        assert next_place - place == pytest.approx(slope * (next_value - value), abs=0.11)


def test_a_comparison_that_was_not_run_has_no_drawing(said):
    (pair,) = said.claims[0].comparisons
    without = pair.model_copy(update={"difference": None, "low": None, "high": None})
    claim = said.claims[0].model_copy(update={"comparisons": (without,)})
    lines = shown_claims(said.model_copy(update={"claims": (claim,)})).lines
    assert [line.drawn for line in lines] == [None]
    assert lines[0].gap is None
