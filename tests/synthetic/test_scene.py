import numpy as np
import pytest

from vreid.synthetic.bodies import Part
from vreid.synthetic.geometry import box
from vreid.synthetic.scene import (
    GROUND,
    Film,
    Placed,
    Scene,
    Solid,
    View,
    cast,
    crop_camera,
)

VIEW = View(azimuth=0.7, elevation=0.4, distance=15.0, roll=0.1)
HALF = (2.0, 0.9, 0.7)


@pytest.fixture(scope="module")
def solid():
    return Solid(box((0, 0, 0.7), HALF, Part.LOWER))


def box_distance(origin, direction, placed):
    """Slab test in the box's frame: the distance to its surface, infinite if missed."""
    c, s = np.cos(-placed.yaw), np.sin(-placed.yaw)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    o = turn @ (origin - [placed.x, placed.y, 0]) - [0, 0, 0.7]
    d = turn @ direction
    one, two = (-np.array(HALF) - o) / d, (np.array(HALF) - o) / d
    near, far = np.minimum(one, two).max(), np.maximum(one, two).min()
    return near if 0 < near < far else np.inf


def test_cast_finds_what_a_slab_test_finds(solid):
    placed = [Placed(solid, 1.0, -2.0, 0.5), Placed(solid, 2.0, 1.5, 2.8)]
    camera = crop_camera(placed[0], VIEW, Film(24, 1), (0.3, 0.3, 0.3, 0.3))
    surfaces = cast(Scene(placed), camera)
    origin = camera.position.astype(float)
    seen = dict(zip(surfaces.sample, zip(surfaces.owner, surfaces.distance, strict=True), strict=True))
    for sample, direction in enumerate(camera.directions.astype(float)):
        distances = [box_distance(origin, direction, item) for item in placed]
        distances.append(-origin[2] / direction[2] if direction[2] < 0 else np.inf)
        owner = int(np.argmin(distances))
        found_owner, found_distance = seen[sample]
        if np.diff(np.sort(distances)[:2])[0] > 0.01:
            assert found_owner == (GROUND if owner == 2 else owner)
            assert found_distance == pytest.approx(min(distances), rel=1e-4)


def test_surfaces_know_their_frame_and_face_the_camera(solid):
    placed = Placed(solid, 1.0, -2.0, 0.5)
    camera = crop_camera(placed, VIEW, Film(24, 1), (0.0, 0.0, 0.0, 0.0))
    surfaces = cast(Scene([placed]), camera)
    body = surfaces.owner == 0
    local = surfaces.local_point[body] - [0, 0, 0.7]
    assert (np.abs(local) / HALF).max(1) == pytest.approx(1, abs=1e-3)
    assert placed.world_points(surfaces.local_point[body]) == pytest.approx(surfaces.point[body], abs=1e-4)
    assert ((surfaces.normal * surfaces.direction).sum(1) < 0).all()
    assert np.linalg.norm(surfaces.normal, axis=1) == pytest.approx(1, abs=1e-5)
    assert (surfaces.part[~body] == Part.GROUND).all()
    assert surfaces.point[~body, 2] == pytest.approx(0, abs=1e-4)


def test_blocked_rays_meet_a_solid_within_reach(solid):
    scene = Scene([Placed(solid, 5.0, 0.0, 0.0)])
    origins = np.array([[0, 0, 0.7], [0, 0, 0.7], [0, 0, 2.0]], np.float32)
    ahead = np.array([[1, 0, 0], [-1, 0, 0], [1, 0, 0]], np.float32)
    assert scene.blocked(origins, ahead).tolist() == [True, False, False]
    assert not scene.blocked(origins, ahead, reach=2.9).any()
    assert scene.blocked(origins, ahead, reach=3.1).tolist() == [True, False, False]


def test_scenery_does_not_count_where_reach_is_limited(solid):
    scene = Scene([Placed(solid, 5.0, distant=True)])
    origin, ahead = np.array([[0, 0, 0.7]], np.float32), np.array([[1, 0, 0]], np.float32)
    assert scene.blocked(origin, ahead).all()
    assert not scene.blocked(origin, ahead, reach=10).any()


@pytest.mark.parametrize(
    ("film", "size"),
    [
        (Film(40, 2, aspect=2.0, padded=False), (40, 80)),
        (Film(40, 1, aspect=1.0), (40, 40)),
        (Film(40, 1, aspect=0.5), (40, 20)),
    ],
)
def test_films_have_the_size_and_aspect_asked_for(solid, film, size):
    camera = crop_camera(Placed(solid), VIEW, film, (0.0, 0.0, 0.0, 0.0))
    assert (camera.height, camera.width) == size
    assert camera.directions.shape == (size[0] * size[1], 3)


def test_a_crop_without_margins_touches_the_vehicle_on_all_sides(solid):
    target = Placed(solid, 3.0, 1.0, 0.3)
    camera = crop_camera(target, VIEW, Film(64, 1), (0.0, 0.0, 0.0, 0.0))
    hit = np.zeros(camera.height * camera.width, bool)
    surfaces = cast(Scene([target]), camera)
    hit[surfaces.sample[surfaces.owner == 0]] = True
    hit = hit.reshape(camera.height, camera.width)
    assert hit[:2].any() and hit[-2:].any() and hit[:, :2].any() and hit[:, -2:].any()
    assert surfaces.alone == hit.sum()


def test_margins_widen_their_own_side(solid):
    target = Placed(solid)
    camera = crop_camera(target, VIEW, Film(60, 1, 1.0, padded=False), (1.0, 0.0, 0.0, 0.0))
    surfaces = cast(Scene([target]), camera)
    columns = surfaces.sample[surfaces.owner == 0] % camera.width
    assert columns.min() >= 29
    assert columns.max() >= 58
