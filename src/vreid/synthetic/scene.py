"""Ray casting: solids placed in a world, cameras, and the geometry buffer that shading reads.

Every solid keeps its own Embree scene in its own frame, built once; a placed solid turns rays into that
frame. So a vehicle or a street is built once however often it is seen. The ground is the plane z = 0.
World: x along the road, y left, z up, metres.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from vreid.synthetic.arrays import Array, Index, Mask, dot, turned, unit
from vreid.synthetic.bodies import Part, Shape, vehicle_mesh, vehicle_shape
from vreid.synthetic.geometry import CornerNormals, Mesh
from vreid.synthetic.vehicles import Vehicle

GROUND_REACH = 300.0
"""Horizontal distance in metres beyond which the ground is not drawn."""
SURFACE_OFFSET = np.float32(0.004)
"""Secondary rays start this far above the surface, so that they do not hit it again."""
GROUND = -1
"""The owner of a ground point; other owners are positions in `Scene.placed`."""
KEPT_SHAPES = 48
"""Shapes of vehicles that a process keeps ready for ray casting, at about 2 MB each."""


class Solid:
    """A mesh ready for ray casting, in its own frame."""

    def __init__(self, mesh: Mesh) -> None:
        self._corners = CornerNormals(mesh)
        self._normals: Array = np.empty((len(mesh.faces), 3, 3), np.float32)
        self._known: Mask = np.zeros(len(mesh.faces), bool)
        self.parts = mesh.parts.astype(np.int8)
        self.vertices: Array = mesh.vertices.astype(np.float32)
        low, high = self.vertices.min(0), self.vertices.max(0)
        self.centre: Array = (low + high) / 2
        self.radius = float(np.sqrt(((high - low) ** 2).sum())) / 2
        self._scene = EmbreeScene()
        # Embree keeps no reference of its own.
        self._triangles = TriangleMesh(self._scene, self.vertices, mesh.faces.astype(np.int32))

    def normals(self, faces: npt.NDArray[np.integer[Any]]) -> Array:
        """Return the normals `(N, 3, 3)` of the corners of `faces (N,)`."""
        # A picture sees some of the faces, and the next one of the same vehicle mostly the same ones.
        wanted = np.zeros(len(self._known), bool)
        wanted[faces] = True
        new = np.flatnonzero(wanted & ~self._known)
        if len(new):
            self._normals[new] = self._corners.of(new)
            self._known[new] = True
        found: Array = self._normals[faces]
        return found

    def nearest(self, origins: Array, directions: Array) -> dict[str, Any]:
        """Return the first hit of each ray: `tfar`, `primID` (-1: none), `u`, `v`, `Ng`."""
        hits: dict[str, Any] = self._scene.run(origins, directions, output=1)
        return hits

    def blocked(self, origins: Array, directions: Array, reach: float | None) -> Mask:
        """Return which rays hit anything within `reach` metres."""
        distances = None if reach is None else np.full(len(origins), reach, np.float32)
        hit: Mask = self._scene.run(origins, directions, distances, query="OCCLUDED") >= 0
        return hit


def vehicle_solid(vehicle: Vehicle) -> Solid:
    """Return the solid of a vehicle, which it shares with those of the same shape."""
    return _solid_of(vehicle_shape(vehicle))


@lru_cache(maxsize=KEPT_SHAPES)
def _solid_of(shape: Shape) -> Solid:
    return Solid(vehicle_mesh(shape))


@dataclass(frozen=True)
class Placed:
    """A solid turned by `yaw` radians and moved to `(x, y)`; `vehicle` is what it shows, if it is one."""

    solid: Solid
    x: float = 0.0
    y: float = 0.0
    yaw: float = 0.0
    vehicle: Vehicle | None = None
    distant: bool = False
    """Whether it is scenery: too far from vehicles to darken them by closeness, and never left out."""

    def local_points(self, points: Array) -> Array:
        """Return world points `(N, 3)` in the solid's frame."""
        shift = np.array([self.x, self.y, 0], np.float32)
        return self.local_vectors(points - shift)

    def local_vectors(self, vectors: Array) -> Array:
        """Return world directions `(N, 3)` in the solid's frame."""
        return vectors if self.yaw == 0 else turned(vectors, -self.yaw)

    def world_vectors(self, vectors: Array) -> Array:
        """Return the solid's directions `(N, 3)` in the world."""
        return vectors if self.yaw == 0 else turned(vectors, self.yaw)

    def world_points(self, points: Array) -> Array:
        """Return the solid's points `(N, 3)` in the world."""
        return self.world_vectors(points) + np.array([self.x, self.y, 0], np.float32)

    def reachable(self, origins: Array, directions: Array, reach: float | None) -> Index:
        """Return the rays from `origins`, `(N, 3)` or one, that pass the bounding sphere within `reach`."""
        if self.distant:
            return np.arange(len(directions))
        to_centre = self.world_points(self.solid.centre[None])[0] - origins
        along = dot(to_centre, directions)
        aside = dot(to_centre, to_centre) - along * along
        radius = np.float32(self.solid.radius)
        passing = (aside < radius * radius) & (along > -radius)
        if reach is not None:
            passing &= along < reach + radius
        return np.flatnonzero(passing)


class Scene:
    """Placed solids on a ground plane."""

    def __init__(self, placed: Sequence[Placed]) -> None:
        self.placed = tuple(placed)

    def blocked(self, points: Array, directions: Array, reach: float | None = None) -> Mask:
        """Return which rays `(N, 3)` from surface points meet a solid.

        With a `reach` in metres only vehicles and what stands among them count: scenery keeps farther away.
        """
        hit = np.zeros(len(points), bool)
        for item in self.placed:
            if reach is not None and item.distant:
                continue
            rays = item.reachable(points, directions, reach)
            rays = rays[~hit[rays]]
            if len(rays):
                origins, local = item.local_points(points[rays]), item.local_vectors(directions[rays])
                hit[rays] = item.solid.blocked(origins, local, reach)
        return hit


@dataclass(frozen=True)
class Camera:
    """A pinhole at `position (3,)` with one ray per sample.

    `directions (H*W, 3)` unit vectors in row order of the supersampled image of `height` x `width`
    samples; a pixel of the finished image is `supersampling` samples wide and high.
    """

    position: Array
    directions: Array
    height: int
    width: int
    supersampling: int


@dataclass(frozen=True)
class View:
    """Where a camera stands relative to what it looks at.

    Azimuth and elevation in radians seen from the target, distance in metres, roll of the image.
    """

    azimuth: float
    elevation: float
    distance: float
    roll: float


@dataclass(frozen=True)
class Film:
    """Size and shape of a crop: longer side in pixels, samples per pixel side, and the aspect rule.

    `aspect` is width / height of the finished image; None keeps that of the vehicle's box (0.55 to 2.2).
    `padded` widens the box to that aspect, so that nothing is stretched; else the crop is stretched.
    """

    longer_side: int
    supersampling: int
    aspect: float | None = None
    padded: bool = True


def crop_camera(target: Placed, view: View, film: Film, margins: tuple[float, float, float, float]) -> Camera:
    """Return the off-axis camera whose image is the detector box of `target`.

    `margins` widen the box on its left, bottom, right and top, as shares of its size; they may be negative.
    """
    look = target.world_points(np.array([[0, 0, 0.6]], np.float32))[0].astype(np.float64)
    flat = np.cos(view.elevation)
    towards = np.array([flat * np.cos(view.azimuth), flat * np.sin(view.azimuth), np.sin(view.elevation)])
    position = look + view.distance * towards
    forward = -towards
    right = np.array([forward[1], -forward[0], 0.0]) / max(np.hypot(forward[0], forward[1]), 1e-9)
    up = np.cross(right, forward)
    c, s = np.cos(view.roll), np.sin(view.roll)
    right, up = c * right + s * up, c * up - s * right
    body = target.world_points(target.solid.vertices).astype(np.float64) - position
    depth = dot(body, forward)
    seen = np.stack([dot(body, right) / depth, dot(body, up) / depth], axis=1)
    low, high = _box(seen, margins, film)
    height, width = _image_size(high - low, film)
    x = low[0] + (np.arange(width) + 0.5) / width * (high[0] - low[0])
    y = high[1] - (np.arange(height) + 0.5) / height * (high[1] - low[1])
    rays = forward + x[None, :, None] * right + y[:, None, None] * up
    directions = unit(rays.astype(np.float32)).reshape(-1, 3)
    return Camera(position.astype(np.float32), directions, height, width, film.supersampling)


def _box(
    seen: np.ndarray, margins: tuple[float, float, float, float], film: Film
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower left and upper right corner of the crop on the plane at depth 1."""
    low, high = seen.min(0), seen.max(0)
    extent = high - low
    low, high = low - extent * np.array(margins[:2]), high + extent * np.array(margins[2:])
    if film.aspect is not None and film.padded:
        extent, middle = high - low, (low + high) / 2
        width = max(extent[0], extent[1] * film.aspect)
        half = np.array([width, width / film.aspect]) / 2
        low, high = middle - half, middle + half
    return low, high


def _image_size(extent: np.ndarray, film: Film) -> tuple[int, int]:
    """Return height and width in samples."""
    aspect = film.aspect or float(np.clip(extent[0] / extent[1], 0.55, 2.2))
    longer = film.longer_side
    width, height = (longer, longer / aspect) if aspect >= 1 else (longer * aspect, longer)
    return max(8, round(height)) * film.supersampling, max(8, round(width)) * film.supersampling


@dataclass(frozen=True)
class Surfaces:
    """What each sample that hit something sees; N samples.

    `sample (N,)` position in the image, `distance (N,)` metres, `direction`, `point`, `normal` (shading),
    `face_normal` `(N, 3)` in the world, `local_point`, `local_normal` in the frame of what was hit,
    `part (N,)`, `owner (N,)` position in `Scene.placed` (or GROUND), `ahead (N,)` cosine between the x axis
    of what was hit and the way to the camera.
    `alone` is how many samples would see the first solid of the scene if nothing else were there.
    """

    sample: Index
    distance: Array
    direction: Array
    point: Array
    normal: Array
    face_normal: Array
    local_point: Array
    local_normal: Array
    part: np.ndarray
    owner: np.ndarray
    ahead: Array
    alone: int

    def lifted(self) -> Array:
        """Return the points moved off their surface, as origins of secondary rays."""
        return self.point + self.face_normal * SURFACE_OFFSET


def cast(scene: Scene, camera: Camera) -> Surfaces:
    """Return what the camera's rays hit first; samples that see only sky are left out."""
    directions = camera.directions
    count = len(directions)
    nearest = _ground_distance(camera)
    owner = np.where(np.isfinite(nearest), GROUND, GROUND - 1).astype(np.int16)
    part = np.full(count, int(Part.GROUND), np.int8)
    local_normal = np.zeros((count, 3), np.float32)
    local_normal[:, 2] = 1
    normal, face_normal = local_normal.copy(), local_normal.copy()
    origin, alone = camera.position[None], 0
    for number, item in enumerate(scene.placed):
        rays = item.reachable(origin, directions, None)
        local = item.local_vectors(directions[rays])
        hits = item.solid.nearest(np.broadcast_to(item.local_points(origin), local.shape), local)
        met = hits["primID"] >= 0
        alone = int(met.sum()) if number == 0 else alone
        closer = met & (hits["tfar"] < nearest[rays])
        rays, hits = rays[closer], {name: value[closer] for name, value in hits.items()}
        nearest[rays], owner[rays] = hits["tfar"], number
        part[rays] = item.solid.parts[hits["primID"]]
        local_normal[rays] = _interpolated(item.solid.normals(hits["primID"]), hits)
        normal[rays] = item.world_vectors(local_normal[rays])
        face_normal[rays] = item.world_vectors(unit(hits["Ng"]))
    sample = np.flatnonzero(owner >= GROUND)
    return _surfaces(
        scene, camera, sample, nearest[sample], owner[sample], part[sample],
        normal[sample], face_normal[sample], local_normal[sample], alone,
    )  # fmt: skip


def _surfaces(
    scene: Scene, camera: Camera, sample: Index, distance: Array, owner: np.ndarray, part: np.ndarray,
    normal: Array, face_normal: Array, local_normal: Array, alone: int,
) -> Surfaces:  # fmt: skip
    direction = camera.directions[sample]
    point = camera.position + direction * distance[:, None]
    local_point, ahead = point.copy(), -direction[:, 0]
    for number, item in enumerate(scene.placed):
        rows = np.flatnonzero(owner == number)
        local_point[rows] = item.local_points(point[rows])
        ahead[rows] = -item.local_vectors(direction[rows])[:, 0]
    facing = np.where(dot(face_normal, direction) > 0, np.float32(-1), np.float32(1))[:, None]
    face_normal = face_normal * facing
    # A smoothed normal may look away from the camera at a silhouette; the face does not.
    normal = np.where((dot(normal, direction) > 0)[:, None], face_normal, normal)
    return Surfaces(
        sample,
        distance,
        direction,
        point,
        normal,
        face_normal,
        local_point,
        local_normal,
        part,
        owner,
        ahead,
        alone,
    )


def _ground_distance(camera: Camera) -> Array:
    """Return the distance to the ground along each ray, infinite where it is not met within its reach."""
    down = camera.directions[:, 2]
    with np.errstate(divide="ignore"):
        distance = np.where(down < 0, -camera.position[2] / down, np.float32(np.inf))
    return np.where(distance < GROUND_REACH, distance, np.float32(np.inf)).astype(np.float32)


def _interpolated(corner: Array, hits: dict[str, Any]) -> Array:
    u, v = hits["u"][:, None], hits["v"][:, None]
    return unit(corner[:, 0] * (1 - u - v) + corner[:, 1] * u + corner[:, 2] * v)
