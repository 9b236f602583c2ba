import numpy as np
import pytest
import torch
from scipy import stats
from scipy.linalg import polar

from vreid.models.layers.alignment import transformed
from vreid.reporting.figures.directions import carried, gain, mirrors, rotations, spread


def turning(angle):
    """The transform that turns what an image shows counter-clockwise by `angle`, y downwards."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0]])


def apart(one, other):
    return np.abs(np.angle(np.exp(1j * (np.asarray(one) - np.asarray(other)))))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_spread_is_that_of_scipy(rng):
    angles = rng.vonmises(0.7, 2.0, 200)
    found = spread(angles)
    assert found.resultant == pytest.approx(1 - stats.circvar(angles))
    assert found.deviation == pytest.approx(np.degrees(stats.circstd(angles)))
    assert found.direction == pytest.approx(np.degrees(stats.circmean(angles, np.pi, -np.pi)))
    assert found.error == pytest.approx(np.degrees(apart(angles, stats.circmean(angles)).mean()))


def test_equal_directions_do_not_scatter():
    found = spread(np.full(9, 3.0))
    assert found.resultant == pytest.approx(1)
    assert found.deviation == pytest.approx(0, abs=1e-5)
    assert found.error == pytest.approx(0, abs=1e-5)


def test_opposite_directions_are_one_axis():
    angles = np.array([0.4, 0.4 + np.pi] * 5)
    assert spread(angles).resultant == pytest.approx(0, abs=1e-12)
    axial = spread(angles, axial=True)
    assert axial.resultant == pytest.approx(1)
    assert axial.direction == pytest.approx(np.degrees(0.4))
    assert axial.error == pytest.approx(0, abs=1e-5)


def test_chance_is_what_uniform_directions_have(rng):
    lengths = [spread(rng.uniform(-np.pi, np.pi, 50)).resultant for _ in range(400)]
    found = spread(np.zeros(50))
    assert found.by_chance == pytest.approx(np.mean(lengths), rel=0.05)
    errors = [spread(rng.uniform(-np.pi, np.pi, 5000)).error for _ in range(5)]
    assert np.mean(errors) == pytest.approx(90, abs=2)


def test_uniform_headings_that_are_perfectly_turned_back_are_one_direction(rng):
    headings = rng.uniform(-np.pi, np.pi, 300)
    theta = np.stack([turning(np.pi / 4 - heading) for heading in headings])
    assert spread(headings).resultant < 0.15
    for after in (carried(headings, theta), headings + rotations(theta)):
        found = spread(after)
        assert found.resultant == pytest.approx(1)
        assert found.direction == pytest.approx(45)
        assert found.error == pytest.approx(0, abs=1e-4)
    low, high = gain(headings, carried(headings, theta))
    assert 0.8 < low <= high <= 1


def test_no_gain_where_nothing_is_turned(rng):
    headings = rng.uniform(-np.pi, np.pi, 100)
    still = np.stack([turning(0.0)] * 100)
    assert gain(headings, carried(headings, still)) == pytest.approx((0, 0), abs=1e-12)
    assert (rotations(still) == 0).all()


def test_the_rotation_is_that_of_the_polar_decomposition(rng):
    theta = rng.normal(size=(50, 2, 3))
    theta = theta[~mirrors(theta)]
    for one, found in zip(theta, rotations(theta), strict=True):
        of_content, _ = polar(np.linalg.inv(one[:, :2]))
        # y points down: a positive angle of the matrix is a clockwise turn.
        assert apart(found, -np.arctan2(of_content[1, 0], of_content[0, 0])) < 1e-6


def test_directions_are_carried_by_the_inverse(rng):
    theta, angles = rng.normal(size=(50, 2, 3)), rng.uniform(-np.pi, np.pi, 50)
    expected = []
    for one, angle in zip(theta, angles, strict=True):
        right, down = np.linalg.inv(one[:, :2]) @ [np.cos(angle), -np.sin(angle)]
        expected.append(np.arctan2(-down, right))
    assert apart(carried(angles, theta), expected).max() < 1e-6


def test_mirroring_is_noticed():
    theta = np.stack([turning(1.0), turning(1.0) @ np.diag([-1.0, 1.0, 1.0])])
    assert mirrors(theta).tolist() == [False, True]


@pytest.mark.parametrize("degrees", [40, -110, 160])
def test_images_are_turned_as_the_angles_say(degrees):
    # An arm of bright pixels from the middle: its direction is that of its centre of mass.
    side, heading = 101, 0.5
    line = np.arange(side) - side // 2
    x, y = np.meshgrid(line, -line)
    along, across = x * np.cos(heading) + y * np.sin(heading), y * np.cos(heading) - x * np.sin(heading)
    image = ((along > 5) & (along < 35) & (np.abs(across) < 4)).astype(np.float32)
    theta = turning(np.radians(degrees))[None]
    moved = transformed(torch.from_numpy(image)[None, None], torch.from_numpy(theta).float())[0, 0].numpy()
    seen = np.arctan2((moved * y).sum(), (moved * x).sum())
    assert apart(seen, heading + np.radians(degrees)) < 0.02
    assert apart(carried(np.array([heading]), theta), seen) < 0.02
    assert rotations(theta)[0] == pytest.approx(np.radians(degrees))
