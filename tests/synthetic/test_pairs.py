import numpy as np
import pytest

from vreid.params.enhancement import read_enhancement
from vreid.synthetic.pairs import PairStudio

WORLD = read_enhancement().world


@pytest.fixture(scope="module")
def pairs():
    studio = PairStudio(WORLD)
    shots = studio.world.shots[::75]
    return shots, [studio.take_pair(shot) for shot in shots]


def test_pictures_are_bright_by_day_and_dark_by_night(pairs):
    for day, night in pairs[1]:
        assert day.shape == night.shape == (WORLD.image_size, WORLD.image_size, 3)
        assert day.dtype == night.dtype == np.uint8
    # Cameras open up at night: a single picture may come out brighter than by day.
    means = np.array([(day.mean(), night.mean()) for day, night in pairs[1]])
    assert means[:, 0].mean() > means[:, 1].mean() + 15


def test_both_show_the_same_scene(pairs):
    # Edges stand at the same places: the two are more alike than pictures of different scenes.
    def edges(picture):
        grey = picture.astype(float).mean(2)
        return np.hypot(np.diff(grey, axis=0)[:, 1:], np.diff(grey, axis=1)[1:]).ravel()

    found = [(edges(day), edges(night)) for day, night in pairs[1]]
    for number, (day, night) in enumerate(found):
        own = np.corrcoef(day, night)[0, 1]
        others = [np.corrcoef(day, other)[0, 1] for place, (_, other) in enumerate(found) if place != number]
        assert own > max(others)


def test_a_pair_does_not_depend_on_what_was_taken_before(pairs):
    shots, taken = pairs
    day, night = PairStudio(WORLD).take_pair(shots[-1])
    assert np.array_equal(day, taken[-1][0]) and np.array_equal(night, taken[-1][1])
