"""Closed triangle meshes: lofts, boxes, cylinders, ellipsoids, and their shading normals. Metres."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vreid.synthetic.arrays import Double, Index


@dataclass(frozen=True)
class Mesh:
    """Triangles with a part code each.

    `vertices (V, 3)`, `faces (F, 3)` rows of `vertices`, counter-clockwise from outside,
    `parts (F,)` codes that materials look at.
    """

    vertices: Double
    faces: Index
    parts: Index

    def volume(self) -> float:
        """Return the enclosed volume; positive when the faces look outward (divergence theorem)."""
        a, b, c = (self.vertices[self.faces[:, k]] for k in range(3))
        return float((a * np.cross(b, c)).sum() / 6)


def merged(meshes: Sequence[Mesh]) -> Mesh:
    """Return one mesh that holds all `meshes`, which stay unconnected."""
    offsets = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes[:-1]])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.faces + start for mesh, start in zip(meshes, offsets, strict=True)]),
        np.concatenate([mesh.parts for mesh in meshes]),
    )


def loft(rings: Double, part: int) -> Mesh:
    """Return the closed skin over `rings (n, k, 3)`: n closed rings of k points, both ends capped."""
    n, k, _ = rings.shape
    i, j = np.meshgrid(np.arange(n - 1), np.arange(k), indexing="ij")
    after = (j + 1) % k
    a, b = (i * k + j).ravel(), (i * k + after).ravel()
    c, d = ((i + 1) * k + after).ravel(), ((i + 1) * k + j).ravel()
    ring, first, last = np.arange(k), n * k, n * k + 1
    follow = (ring + 1) % k
    end = (n - 1) * k
    faces = np.concatenate(
        [
            np.stack([a, b, c], axis=1),
            np.stack([a, c, d], axis=1),
            np.stack([np.full(k, first), follow, ring], axis=1),
            np.stack([np.full(k, last), end + ring, end + follow], axis=1),
        ]
    )
    vertices = np.concatenate([rings.reshape(-1, 3), rings[:1].mean(1), rings[-1:].mean(1)])
    mesh = Mesh(vertices, faces, np.full(len(faces), part))
    return mesh if mesh.volume() > 0 else Mesh(vertices, faces[:, ::-1].copy(), mesh.parts)


def box(centre: Sequence[float], half: Sequence[float], part: int) -> Mesh:
    """Return an axis-parallel box with the given half sizes."""
    y, z = np.array([-1.0, 1, 1, -1]) * half[1], np.array([-1.0, -1, 1, 1]) * half[2]
    ring = np.stack([np.zeros(4), y, z], axis=1)
    ends = np.array([[-half[0], 0, 0], [half[0], 0, 0]])
    return loft(ring[None] + ends[:, None] + np.asarray(centre), part)


def rounded_box(centre: Sequence[float], half: Sequence[float], bevel: float, part: int) -> Mesh:
    """Return a box whose edges are cut by `bevel` metres."""
    hx, hy, hz = half
    y = np.array([-hy, -hy + bevel, hy - bevel, hy, hy, hy - bevel, -hy + bevel, -hy])
    z = np.array([-hz + bevel, -hz, -hz, -hz + bevel, hz - bevel, hz, hz, hz - bevel])
    x = np.array([-hx, -hx + bevel, hx - bevel, hx])
    scale = np.array([1 - bevel / min(hy, hz), 1, 1, 1 - bevel / min(hy, hz)])
    rings = np.empty((4, 8, 3))
    rings[..., 0] = x[:, None]
    rings[..., 1] = scale[:, None] * y
    rings[..., 2] = scale[:, None] * z
    return loft(rings + np.asarray(centre), part)


def wheel(centre: Sequence[float], radius: float, half_width: float, part: int) -> Mesh:
    """Return a cylinder about the y axis with bevelled shoulders."""
    bevel, points = 0.03, 28
    angle = np.arange(points) * (2 * np.pi / points)
    offset = np.array([-half_width, -half_width + bevel, half_width - bevel, half_width])
    radii = np.array([radius - bevel, radius, radius, radius - bevel])
    rings = np.empty((4, points, 3))
    rings[..., 0] = radii[:, None] * np.cos(angle)
    rings[..., 1] = offset[:, None]
    rings[..., 2] = radii[:, None] * np.sin(angle)
    return loft(rings + np.asarray(centre), part)


def ellipsoid(centre: Sequence[float], radii: Sequence[float], part: int, points: int = 10) -> Mesh:
    """Return an ellipsoid of `points` rings with as many points each."""
    latitude = np.linspace(-0.97, 0.97, points) * (np.pi / 2)
    longitude = np.arange(points) * (2 * np.pi / points)
    rings = np.empty((points, points, 3))
    rings[..., 0] = np.cos(latitude)[:, None] * np.cos(longitude)
    rings[..., 1] = np.cos(latitude)[:, None] * np.sin(longitude)
    rings[..., 2] = np.sin(latitude)[:, None]
    return loft(rings * np.asarray(radii) + np.asarray(centre), part)


class CornerNormals:
    """The unit normals of the corners of a mesh's faces, computed for the faces that are asked for.

    A corner takes the area-weighted mean over those faces at its vertex whose normals have a cosine
    above `crease` with its own face, so that sheet metal is smooth and edges stay sharp.
    """

    def __init__(self, mesh: Mesh, crease: float = 0.72) -> None:
        a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
        self._faces, self._crease = mesh.faces, crease
        # A face's normal, as long as twice its area.
        self._weighted = np.cross(b - a, c - a).T.copy()
        length = np.sqrt(_sum_of_products(self._weighted, self._weighted))
        self._flat = self._weighted / np.maximum(length, 1e-12)
        vertex = mesh.faces.ravel()
        # Small integers are sorted by counting.
        small = np.uint16 if len(mesh.vertices) <= np.iinfo(np.uint16).max else np.int64
        self._faces_by_vertex = np.argsort(vertex.astype(small), kind="stable") // 3
        self._count = np.bincount(vertex, minlength=len(mesh.vertices))
        self._start = np.cumsum(self._count) - self._count

    def of(self, faces: Index) -> Double:
        """Return the normals `(N, 3, 3)` of the corners of `faces (N,)`."""
        corner, own, neighbour = self._faces_around_corners(faces)
        near = _sum_of_products(self._flat[:, own], self._flat[:, neighbour]) > self._crease
        corner, neighbour = corner[near], neighbour[near]
        count = 3 * len(faces)
        summed: Double = np.stack(
            [np.bincount(corner, weight[neighbour], minlength=count) for weight in self._weighted]
        )
        norm = np.sqrt(_sum_of_products(summed, summed))
        # A face without area has no neighbour within the crease, itself included: any unit vector will do.
        smooth = np.where(norm > 1e-12, summed / np.maximum(norm, 1e-12), [[0.0], [0.0], [1.0]])
        return np.asarray(smooth.T.reshape(-1, 3, 3))

    def _faces_around_corners(self, faces: Index) -> tuple[Index, Index, Index]:
        """Return all triples of a corner of `faces`, its own face, and a face at the corner's vertex."""
        vertex = self._faces[faces].ravel()
        repeats = self._count[vertex]
        corner = np.repeat(np.arange(len(vertex)), repeats)
        first = np.cumsum(repeats) - repeats
        entry = np.arange(len(corner)) + np.repeat(self._start[vertex] - first, repeats)
        return corner, faces[corner // 3], self._faces_by_vertex[entry]


def _sum_of_products(a: Double, b: Double) -> Double:
    """Return the dot products `(N,)` of vectors `(3, N)`."""
    return np.asarray(a[0] * b[0] + a[1] * b[1] + a[2] * b[2])
