import numpy as np
import pytest
from tests.synthetic.small import assert_closed

from vreid.synthetic.geometry import CornerNormals, Mesh, box, ellipsoid, loft, merged, rounded_box, wheel

SOLIDS = {
    "box": box((1, -2, 3), (0.5, 1, 2), 4),
    "rounded box": rounded_box((0, 0, 1), (2, 1, 0.5), 0.1, 0),
    "wheel": wheel((0, 0.8, 0.3), 0.3, 0.1, 5),
    "ellipsoid": ellipsoid((0, 0, 0), (1, 2, 3), 0, points=24),
}


@pytest.mark.parametrize("name", SOLIDS)
def test_solids_are_closed_and_look_outward(name):
    assert_closed(SOLIDS[name])
    assert SOLIDS[name].volume() > 0


def test_volumes_follow_from_the_formulas():
    assert SOLIDS["box"].volume() == pytest.approx(1 * 2 * 4)
    # A prism over a regular 28-gon, its shoulders cut off by 3 cm.
    polygon = 28 / 2 * np.sin(2 * np.pi / 28)
    cut = 0.03 / 3 * (0.3**2 + 0.3 * 0.27 + 0.27**2)
    assert SOLIDS["wheel"].volume() == pytest.approx(polygon * (0.3**2 * 0.14 + 2 * cut))
    assert SOLIDS["ellipsoid"].volume() == pytest.approx(4 / 3 * np.pi * 6, rel=0.03)


def test_loft_looks_outward_whichever_way_its_rings_run():
    square = np.array([[0, -1, -1], [0, 1, -1], [0, 1, 1], [0, -1, 1]], float)
    rings = np.stack([square, square + np.array([1, 0, 0])])
    for mesh in (loft(rings, 0), loft(rings[:, ::-1], 0), loft(rings[::-1], 0)):
        assert mesh.volume() == pytest.approx(4)


def test_merged_keeps_every_solid_and_its_part():
    mesh = merged([SOLIDS["box"], SOLIDS["wheel"]])
    assert_closed(mesh)
    assert mesh.volume() == pytest.approx(SOLIDS["box"].volume() + SOLIDS["wheel"].volume())
    assert set(mesh.parts) == {4, 5}


@pytest.mark.parametrize("name", SOLIDS)
def test_corner_normals_are_unit_vectors_on_the_side_of_their_face(name):
    mesh = SOLIDS[name]
    normals = _corner_normals(mesh)
    assert np.linalg.norm(normals, axis=-1) == pytest.approx(1)
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    assert ((normals * np.cross(b - a, c - a)[:, None]).sum(-1) > 0).all()


def test_edges_of_a_box_stay_sharp_and_a_ball_is_smooth():
    flat = _corner_normals(SOLIDS["box"])
    assert np.sort(np.abs(flat), axis=-1) == pytest.approx(np.broadcast_to([0, 0, 1], flat.shape))
    ball = ellipsoid((0, 0, 0), (1, 1, 1), 0, points=24)
    normals, points = _corner_normals(ball), ball.vertices[ball.faces]
    away_from_the_caps = np.abs(points[..., 2]) < 0.9
    assert ((normals * points).sum(-1)[away_from_the_caps] > 0.99).all()


def test_corner_normals_are_the_weighted_means_over_the_faces_around():
    mesh = SOLIDS["wheel"]
    corners = mesh.vertices[mesh.faces]
    weighted = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat = weighted / np.linalg.norm(weighted, axis=1, keepdims=True)
    faces = np.array([0, 57, 130])
    for face, found in zip(faces, CornerNormals(mesh).of(faces), strict=True):
        for vertex, normal in zip(mesh.faces[face], found, strict=True):
            around = [f for f in np.flatnonzero((mesh.faces == vertex).any(1)) if flat[f] @ flat[face] > 0.72]
            mean = weighted[around].sum(0)
            assert normal == pytest.approx(mean / np.linalg.norm(mean))


def _corner_normals(mesh: Mesh) -> np.ndarray:
    return CornerNormals(mesh).of(np.arange(len(mesh.faces)))
