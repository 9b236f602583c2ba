"""Where vehicles are seen: streets with their scenery, other traffic, and what stands in the way."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vreid.synthetic.arrays import Stream, stream
from vreid.synthetic.bodies import Part
from vreid.synthetic.geometry import Mesh, box, ellipsoid, merged
from vreid.synthetic.ground import BAY, LANE, Ground
from vreid.synthetic.scene import Placed, Solid, View, vehicle_solid
from vreid.synthetic.vehicles import Vehicle

LONGEST_NEIGHBOUR = 5.6
"""Buses and trucks (metres) would hide the vehicle that is meant."""


@dataclass(frozen=True)
class Site:
    """The fixed surroundings of one camera: kind of ground, seed of its look, scenery (if any)."""

    ground: Ground
    key: int
    scenery: tuple[Placed, ...]


def build_site(seed: int, camera: int, ground: Ground, azimuth: float, *, scenery: bool) -> Site:
    """Return the site of a camera that looks from `azimuth` (radians) towards the origin.

    Scenery on the camera's side of the road is left out: it would stand in the way.
    """
    key = int(stream(seed, Stream.CAMERA, camera, 1).integers(1, 10_000))
    if not scenery:
        return Site(ground, key, ())
    rng = stream(seed, Stream.CAMERA, camera, 2)
    towards = np.array([np.cos(azimuth), np.sin(azimuth)])
    meshes = [mesh for mesh in _street(rng) if _behind(mesh, towards)]
    placed = (Placed(Solid(merged(meshes)), distant=True),) if meshes else ()
    return Site(ground, key, placed)


def place_traffic(
    pool: Sequence[Vehicle], target: Placed, ground: Ground, rng: np.random.Generator
) -> list[Placed]:
    """Return up to two vehicles of `pool` around `target`: in other lanes or ahead and behind; or in bays."""
    suited = [vehicle for vehicle in pool if vehicle.model.length < LONGEST_NEIGHBOUR]
    placed: list[Placed] = []
    for _ in range(min(2, int(rng.poisson(1.5 if ground == "parking" else 0.9)))):
        choice = suited[int(rng.integers(len(suited)))]
        item = (_in_bay if ground == "parking" else _in_lane)(choice, target, rng)
        if all(_apart(item, other) for other in [target, *placed]):
            placed.append(item)
    return placed


def build_occluder(target: Placed, view: View, rng: np.random.Generator) -> Placed:
    """Return a pole or a bush that stands between the camera and `target`, to one side of its middle."""
    towards = np.array([np.cos(view.azimuth), np.sin(view.azimuth)])
    aside = np.array([-towards[1], towards[0]]) * rng.uniform(-1.4, 1.4)
    x, y = np.array([target.x, target.y]) + towards * rng.uniform(3.2, 4.2) + aside
    if rng.random() < 0.5:
        return Placed(Solid(box((x, y, 2.5), (0.09, 0.09, 2.5), Part.POLE)))
    # From above, the bush must be as high as the line of sight over the spot where it stands.
    line_of_sight = 3.5 * np.tan(min(view.elevation, 1.2))
    leaves = []
    for _ in range(6):
        dx, dy = rng.normal(0, 0.25, 2)
        radius = rng.uniform(0.2, 0.5)
        centre = (x + dx, y + dy, 0.2 + line_of_sight * rng.uniform(0.5, 1.3))
        leaves.append(ellipsoid(centre, (radius, radius, radius), Part.FOLIAGE))
    return Placed(Solid(merged(leaves)))


def _street(rng: np.random.Generator) -> list[Mesh]:
    """Return houses, trees and kerbs on both sides of a road along x."""
    meshes = []
    for side in (-1, 1):
        for step in range(7):
            x = -42 + 14 * step + rng.uniform(-3, 3)
            if rng.random() < 0.55:
                half = (rng.uniform(3, 6), rng.uniform(2, 5), rng.uniform(2, 7))
                centre = (x, side * rng.uniform(13, 22), half[2])
                meshes.append(box(centre, half, Part.BUILDING))
            else:
                meshes.append(_tree(x, side * rng.uniform(9, 12), rng))
        meshes.append(box((0, side * 7.3, 0.07), (60, 0.12, 0.07), Part.POLE))
    return meshes


def _tree(x: float, y: float, rng: np.random.Generator) -> Mesh:
    parts = [box((x, y, 1.2), (0.14, 0.14, 1.2), Part.POLE)]
    for _ in range(5):
        dx, dy = rng.uniform(-1, 1, 2)
        radius = rng.uniform(0.8, 1.5)
        centre = (x + dx, y + dy, rng.uniform(2.6, 4.4))
        parts.append(ellipsoid(centre, (radius, radius, radius), Part.FOLIAGE))
    return merged(parts)


def _behind(mesh: Mesh, towards: np.ndarray) -> bool:
    """Return whether a mesh stands beyond the middle of the road, seen from the camera, or is a mere kerb."""
    low, high = mesh.vertices.min(0), mesh.vertices.max(0)
    if high[2] < 0.3:
        return True
    nearest = np.maximum(low[:2] * towards, high[:2] * towards).sum()
    return bool(nearest < 0)


def _in_lane(choice: Vehicle, target: Placed, rng: np.random.Generator) -> Placed:
    lane = float(rng.choice([-1.5, -0.5, 0.5, 1.5])) * LANE
    ahead = float(rng.choice([-1, 1])) * rng.uniform(6, 13)
    same = abs(lane - target.y) < LANE / 2
    x = target.x + (ahead if same else rng.uniform(-8, 8))
    yaw = (0.0 if lane < 0 else np.pi) + rng.normal(0, 0.02)
    return Placed(vehicle_solid(choice), x, lane + rng.normal(0, 0.15), yaw, choice)


def _in_bay(choice: Vehicle, target: Placed, rng: np.random.Generator) -> Placed:
    bay = float(rng.choice([-2, -1, 1, 2]))
    yaw = np.pi * int(rng.integers(2)) + rng.normal(0, 0.02)
    x, y = target.x + rng.uniform(-0.4, 0.4), target.y + bay * BAY
    return Placed(vehicle_solid(choice), x, y, yaw, choice)


def _apart(a: Placed, b: Placed) -> bool:
    """Return whether two vehicles along x keep clear of each other."""
    if a.vehicle is None or b.vehicle is None:
        return True
    along = (a.vehicle.model.length + b.vehicle.model.length) / 2 + 0.8
    across = (a.vehicle.model.width + b.vehicle.model.width) / 2 + 0.4
    return abs(a.x - b.x) > along or abs(a.y - b.y) > across
