from collections import Counter

import pytest

from vreid.params.render import PAINT_COUNT
from vreid.synthetic.vehicles import BODY_TYPES, PAINTS, draw_details, draw_finish, draw_model


def test_the_number_of_paints_is_the_one_that_params_checks_against():
    assert len(PAINTS) == PAINT_COUNT


def test_frequencies_sum_to_one():
    assert sum(body.frequency for body in BODY_TYPES.values()) == pytest.approx(1)
    assert sum(paint.frequency for paint in PAINTS.values()) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(5))
def test_types_follow_their_frequencies_already_among_few_models(seed):
    count = Counter(draw_model(seed, index).type for index in range(20))
    for kind, body in BODY_TYPES.items():
        assert abs(count[kind] - 20 * body.frequency) < 2


def test_draws_depend_on_their_keys_alone():
    assert draw_model(3, 5) == draw_model(3, 5)
    assert draw_model(3, 5) != draw_model(4, 5)
    assert draw_details(3, "suv", 8) == draw_details(3, "suv", 8)
    assert draw_details(3, "suv", 8) != draw_details(3, "suv", 9)


@pytest.mark.parametrize("paint", PAINTS)
def test_a_finish_is_its_paint_with_a_tint_of_at_most_five_percent(paint):
    finish = draw_finish(0, paint, 1)
    assert finish.rgb == pytest.approx(PAINTS[paint].rgb, rel=0.0501)
    assert finish.nir == pytest.approx(PAINTS[paint].nir, rel=0.1001)


def test_windows_lie_in_order_along_every_model():
    for index in range(60):
        model = draw_model(1, index)
        ends = (-model.length / 2, model.length / 2)
        stations = (ends[0], model.rear_base, model.rear_top, model.screen_top, model.screen_base, ends[1])
        assert list(stations) == sorted(stations), model.type
