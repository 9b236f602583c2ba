import numpy as np
import pytest
from tests.synthetic.small import small_spec

from vreid.synthetic import studio
from vreid.synthetic.bodies import Part, vehicle_mesh, vehicle_shape
from vreid.synthetic.heading import Poses, apparent_heading, headings
from vreid.synthetic.render import load_layout
from vreid.synthetic.scene import Film, Placed, Solid, View, crop_camera
from vreid.synthetic.studio import Studio
from vreid.synthetic.world import plan_world


def apart(one, other):
    return abs(np.angle(np.exp(1j * (one - other))))


def seen_heading(target, view):
    """Find the pixels whose rays pass through points before and behind the vehicle's middle."""
    camera = crop_camera(target, view, Film(400, 1, 1.0), (0.0, 0.0, 0.0, 0.0))
    ends = target.world_points(np.array([[-0.5, 0, 0.6], [0.5, 0, 0.6]], np.float32)) - camera.position
    ends /= np.linalg.norm(ends, axis=1, keepdims=True)
    rows, columns = np.divmod((camera.directions @ ends.T).argmax(0), camera.width)
    return np.arctan2(rows[0] - rows[1], columns[1] - columns[0])


@pytest.fixture
def vehicle():
    world = plan_world(small_spec(style="uav"))
    return world.vehicle(world.shots[0])


def test_heading_is_where_the_front_is_seen(vehicle):
    rng = np.random.default_rng(0)
    solid = Solid(vehicle_mesh(vehicle_shape(vehicle)))
    for _ in range(20):
        target = Placed(solid, *rng.normal(0, 3, 2), yaw=rng.uniform(-np.pi, np.pi))
        view = View(rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(40, 89)), 30.0, rng.uniform(-3, 3))
        assert apart(apparent_heading(target, view), seen_heading(target, view)) < 0.05


def test_the_front_is_the_end_with_the_mirrors(vehicle):
    mesh = vehicle_mesh(vehicle_shape(vehicle))
    mirrors = mesh.vertices[mesh.faces[mesh.parts == Part.MIRROR].ravel()]
    assert len(mirrors)
    assert (mirrors[:, 0] > 0).all()


@pytest.mark.parametrize("style", ["uav", "surveillance"])
def test_poses_are_those_of_the_pictures(monkeypatch, style):
    world = plan_world(small_spec(style=style))
    taken = []

    def recorded(target, view, *rest):
        taken.append((target, view))
        return crop_camera(target, view, *rest)

    monkeypatch.setattr(studio, "crop_camera", recorded)
    shape = load_layout("uav_veid").shape
    poses = Poses(world, shape)
    for shot in world.shots[:2]:
        Studio(world, shape).take(shot, ("rgb",))
        target, view = poses.pose(shot)
        assert (target.x, target.y, target.yaw, view) == (
            taken[-1][0].x, taken[-1][0].y, taken[-1][0].yaw, taken[-1][1]
        )  # fmt: skip


def test_every_image_of_a_dataset_has_a_heading():
    spec = small_spec(style="uav", train_ids=10, test_ids=10, models=4, images_per_camera=4, twins=0.0)
    found = headings("uav_veid", spec)
    world = plan_world(spec)
    assert list(found) == load_layout("uav_veid").paths(world)
    assert found == headings("uav_veid", spec)
    # Drones turn freely: 160 directions have a resultant of about 0.07.
    assert abs(np.exp(1j * np.array(list(found.values()))).mean()) < 0.2


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_headings_of_drone_images_are_uniform(seed):
    """Rayleigh test: n times the squared mean resultant length exceeds 6.9 once in a thousand samples."""
    spec = small_spec(
        style="uav", train_ids=4, test_ids=4, cameras=10, cameras_per_id=10, images_per_camera=4, seed=seed
    )
    found = np.array(list(headings("vru", spec).values()))
    # Seen from a slant, both ways along the road are equally likely, and so is every turn of the drone.
    for order in (1, 2):
        assert len(found) * abs(np.exp(1j * order * found).mean()) ** 2 < 6.9
