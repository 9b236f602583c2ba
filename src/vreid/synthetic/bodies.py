"""The shape of a vehicle as a mesh: body and cabin lofted along x, wheels, mirrors and add-ons."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from vreid.synthetic.arrays import Double
from vreid.synthetic.geometry import Mesh, box, ellipsoid, loft, merged, rounded_box, wheel
from vreid.synthetic.vehicles import Model, Vehicle

# Heights of the points of a body section between its lower and its upper edge.
SECTION_HEIGHTS = np.array([0.0, 0.06, 0.16, 0.3, 0.5, 0.68, 0.82, 0.92, 1.0])
# Points of the upper side between its edge (1) and the middle (0); dense near the edge, where light breaks.
SECTION_TOP = np.array([0.97, 0.92, 0.82, 0.65, 0.4, 0.2, 0.0])
ROOF_TOP = np.array([0.93, 0.7, 0.35, 0.0])
ROOF_CROWN = 0.042


class Part(IntEnum):
    """What a triangle belongs to; materials look at it."""

    LOWER = 0
    CABIN = 1
    CARGO = 2
    SPOILER = 3
    MIRROR = 4
    WHEEL = 5
    DARK = 6
    RAIL = 7
    ROOF_BOX = 8
    SIGN = 9
    GROUND = 10
    BUILDING = 11
    FOLIAGE = 12
    POLE = 13


class Shape(NamedTuple):
    """All that decides a vehicle's mesh: its model, and what is mounted on it."""

    model: Model
    rack: bool
    roof_box: bool
    spoiler: bool
    taxi: bool


def vehicle_shape(vehicle: Vehicle) -> Shape:
    """Return the shape of a vehicle; vehicles that differ in paint, rims or decals share it."""
    details = vehicle.details
    return Shape(vehicle.model, details.rack, details.roof_box, details.spoiler, details.taxi)


def vehicle_mesh(shape: Shape) -> Mesh:
    """Return the closed mesh of a vehicle in its own frame."""
    model = shape.model
    parts = [_lower_body(model), _cabin(model), *_wheels(model), *_mirrors(model)]
    if model.type == "truck":
        parts.append(_cargo_box(model))
    if model.type == "bus":
        parts.append(
            rounded_box((-0.12 * model.length, 0, model.height + 0.10), (1.1, 0.7, 0.12), 0.05, Part.RAIL)
        )
    parts += _roof_rack(shape)
    parts += _spoiler(shape)
    if shape.taxi:
        middle = (model.rear_top + model.screen_top) / 2 + 0.2
        parts.append(rounded_box((middle, 0, model.height + 0.08), (0.10, 0.33, 0.09), 0.03, Part.SIGN))
    return merged(parts)


def cargo_height(model: Model) -> float:
    """Return the height of a truck's cargo box above the ground."""
    return model.height + 0.35


def roof_height(model: Model, x: Double) -> Double:
    """Return the height of the cabin's upper edge at `x`, without the crown of the roof."""
    edge = 0.012 * model.length
    roof = model.height - ROOF_CROWN
    stations = [
        model.rear_base,
        model.rear_top - edge,
        model.rear_top + 2 * edge,
        (model.rear_top + model.screen_top) / 2,
        model.screen_top - 3 * edge,
        model.screen_top + edge,
        model.screen_base,
    ]
    heights = [model.belt, roof - 0.055, roof - 0.015, roof, roof - 0.015, roof - 0.05, model.belt - 0.01]
    # The roof of a bus is so short of a slope that its stations may change order.
    order = np.argsort(stations, kind="stable")
    return np.asarray(np.interp(x, np.array(stations)[order], np.array(heights)[order]))


def _profile(model: Model) -> Double:
    """Return the side view of the body's upper edge as `(n, 2)` points x, z from rear to front."""
    half, deck, nose, belt = model.length / 2, model.deck, model.hood_front, model.belt
    screen, rear = model.screen_base, model.rear_base
    if model.type == "pickup":
        points = [
            *[(-half, 0.60), (-half + 0.03, deck - 0.02), (-half + 0.06, deck), (rear, deck)],
            *[(screen, belt), (half - 0.35, nose + 0.06), (half - 0.06, nose - 0.05), (half, 0.62)],
        ]
    elif model.type == "truck":
        step = 0.22 * model.length
        points = [
            *[(-half, 0.62), (-half + 0.05, 0.82), (step, 0.85), (step + 0.09, belt)],
            *[(screen, belt), (half - 0.05, nose + 0.1), (half, 0.6)],
        ]
    elif model.type == "bus":
        points = [
            *[(-half, 0.5), (-half + 0.03, belt), (screen, belt)],
            *[(half - 0.03, belt - 0.03), (half, 0.55)],
        ]
    else:
        points = [
            *[(-half, 0.48), (-half + 0.025, 0.62), (-half + 0.06, deck - 0.10)],
            *[(-half + 0.13, deck - 0.015), (max(rear, -half + 0.16), deck), (screen, belt)],
            *[((screen + half) / 2, (belt + nose) / 2 + 0.035), (half - 0.30, nose + 0.03)],
            *[(half - 0.10, nose - 0.05), (half - 0.02, nose - 0.16), (half, 0.42)],
        ]
    return np.array(points)


def _lower_body(model: Model) -> Mesh:
    """Return the body below the belt line, with tunnels over the wheels."""
    half = model.length / 2
    profile = _profile(model)
    arch = np.cos(np.linspace(0, np.pi, 15)) * 1.0001 * model.arch_radius
    x = np.concatenate(
        [
            np.linspace(-half, half, 44),
            profile[:, 0],
            *(axle + arch for axle in model.axles),
            [-half + 0.01, half - 0.01],
        ]
    )
    x = np.unique(x[(x >= -half) & (x <= half)])
    top = np.interp(x, profile[:, 0], profile[:, 1])
    rounded = np.convolve(np.pad(top, 1, mode="edge"), [0.2, 0.6, 0.2], "valid")
    top = np.where(np.abs(x) < half - 0.2, rounded, top)
    bottom = np.minimum(_lower_edge(model, x), top - 0.06)
    z = bottom[:, None] + SECTION_HEIGHTS * (top - bottom)[:, None]
    y = _section_half_widths(model, x, z)
    upper_y, upper_z = _upper_side(model, x, y[:, -1], top)
    return _mirrored_loft(
        x,
        np.concatenate([np.zeros((len(x), 1)), y, upper_y], axis=1),
        np.concatenate([bottom[:, None], z, upper_z], axis=1),
        Part.LOWER,
    )


def _lower_edge(model: Model, x: Double) -> Double:
    """Return the height of the lower edge of the body: clearance, raised over the wheels and at the ends."""
    near_end = _towards_ends(model, x) > 0.9
    edge = model.clearance + 0.05 * near_end
    for axle in model.axles:
        rise = np.sqrt(np.maximum(model.arch_radius**2 - (x - axle) ** 2, 0))
        inside = np.abs(x - axle) < model.arch_radius
        edge = np.where(inside, np.maximum(edge, model.wheel_radius + rise), edge)
    return np.asarray(edge)


def _towards_ends(model: Model, x: Double) -> Double:
    """Return 0 in the middle of the vehicle, rising to 1 over the last 0.55 m at both ends."""
    return np.clip((np.abs(x) - (model.length / 2 - 0.55)) / 0.55, 0, 1)


def _section_half_widths(model: Model, x: Double, z: Double) -> Double:
    """Return half widths `(n, k)` of the sections at heights `z (n, k)`: sills and shoulders drawn in."""
    end = _towards_ends(model, x)
    taper, corner = (0.03, 0.02) if model.large else (0.13, 0.04)
    plan = model.half_width * (1 - taper * end**2.6 - corner * (end > 0.985))
    level = (z - model.clearance) / max(model.belt - model.clearance, 0.1)
    sill = 0.035 * (np.clip(0.45 - level, 0, 1) / 0.45) ** 2
    over = np.clip(level - 0.55, 0, 1) / 0.45
    shoulder = 0.055 * np.minimum(over, 0.6 / 0.45) * over
    width = plan[:, None] * (1 - sill - shoulder)
    for axle in model.axles:
        # A flare of 12 mm around each wheel arch.
        width = width + 0.012 * (np.abs(x - axle) < model.arch_radius * 1.18)[:, None]
    return np.asarray(width)


def _upper_side(model: Model, x: Double, edge: Double, top: Double) -> tuple[Double, Double]:
    """Return y and z `(n, k)` of bonnet and boot lid, or of the load bed of a pick-up."""
    crown = 0.01 if model.large else 0.045
    y = edge[:, None] * SECTION_TOP
    z = top[:, None] + crown * (1 - SECTION_TOP**2) * (np.abs(x) < model.length / 2 - 0.03)[:, None]
    if model.type == "pickup":
        bed = (x > -model.length / 2 + 0.10) & (x < model.rear_base - 0.06)
        inner = np.where(SECTION_TOP > 0.95, 0.0, 0.45)
        y = np.where(bed[:, None], edge[:, None] * np.minimum(SECTION_TOP, 0.93), y)
        z = np.where(bed[:, None], top[:, None] - inner, z)
    return y, z


def _mirrored_loft(x: Double, y: Double, z: Double, part: Part) -> Mesh:
    """Return the loft of left half sections `(n, k)` whose first and last points lie on the middle plane."""
    left = np.stack([np.broadcast_to(x[:, None], y.shape), y, z], axis=-1)
    right = left[:, -2:0:-1] * [1, -1, 1]
    return loft(np.concatenate([left, right], axis=1), part)


def _cabin(model: Model) -> Mesh:
    """Return the cabin: drawn in towards the roof and, seen from above, towards both ends."""
    rear, front = model.rear_base, model.screen_base
    x = np.unique(np.concatenate([np.linspace(rear, front, 34), [model.rear_top, model.screen_top]]))
    floor = model.cabin_floor
    top = np.maximum(roof_height(model, x), floor + 0.03)
    ahead = np.clip((x - model.screen_top) / (front - model.screen_top + 1e-6), 0, 1)
    behind = np.clip((model.rear_top - x) / (model.rear_top - rear + 1e-6), 0, 1)
    plan = 1 - 0.05 * ahead**2 - 0.06 * behind**2
    share = np.array([0, 0.25, 0.5, 0.75, 0.9, 0.97])
    z = floor + share * (top - floor)[:, None]
    base, roof = model.cabin_half_widths
    y = (base + (roof - base) * (z - floor) / (model.height - floor)) * plan[:, None]
    y = y - 0.035 * (share > 0.95)
    crown = top[:, None] + ROOF_CROWN * (1 - ROOF_TOP**2)
    return _mirrored_loft(
        x,
        np.concatenate([np.zeros((len(x), 1)), y, y[:, -1:] * ROOF_TOP], axis=1),
        np.concatenate([np.full((len(x), 1), floor), z, crown], axis=1),
        Part.CABIN,
    )


def _wheels(model: Model) -> list[Mesh]:
    """Return four wheels, and for each axle a dark block that fills the tunnel between them."""
    radius, half = model.wheel_radius, model.half_width
    meshes = []
    for axle in model.axles:
        meshes += [wheel((axle, s * (half - 0.125), radius), radius, 0.115, Part.WHEEL) for s in (-1, 1)]
        size = (model.arch_radius * 0.75, half - 0.26, radius * 0.9)
        meshes.append(box((axle, 0, radius + 0.05), size, Part.DARK))
    return meshes


def _mirrors(model: Model) -> list[Mesh]:
    if model.type == "bus":
        return []
    x = model.screen_base - 0.10 * model.length / 4.5 - (0.1 if model.type == "truck" else 0)
    y, z = model.half_width * 0.935 + 0.12, model.belt + 0.07
    return [ellipsoid((x, s * y, z), (0.07, 0.115, 0.075), Part.MIRROR) for s in (-1, 1)]


def _cargo_box(model: Model) -> Mesh:
    rear, front, floor = -model.length / 2, 0.225 * model.length, 0.86
    roof = cargo_height(model)
    return rounded_box(
        ((rear + front) / 2, 0, (floor + roof) / 2),
        ((front - rear) / 2, model.half_width + 0.04, (roof - floor) / 2),
        0.03,
        Part.CARGO,
    )


def _roof_rack(shape: Shape) -> list[Mesh]:
    if not shape.rack:
        return []
    model = shape.model
    rear, front = model.rear_top + 0.1, model.screen_top - 0.2
    middle, half = (rear + front) / 2, (front - rear) / 2
    side = model.cabin_half_widths[1] * 0.86
    height = model.height
    meshes = [box((middle, s * side, height + 0.015), (half, 0.022, 0.02), Part.RAIL) for s in (-1, 1)]
    meshes += [
        box((rear + 2 * half * share, 0, height + 0.025), (0.03, side, 0.014), Part.RAIL)
        for share in (0.25, 0.75)
    ]
    if shape.roof_box:
        centre = (middle - 0.1, side * 0.3, height + 0.22)
        meshes.append(rounded_box(centre, (half * 0.84, 0.36, 0.17), 0.08, Part.ROOF_BOX))
    return meshes


def _spoiler(shape: Shape) -> list[Mesh]:
    if not shape.spoiler:
        return []
    model = shape.model
    rear = -model.length / 2
    if model.type not in ("sedan", "coupe"):
        centre = (model.rear_top - 0.08, 0, model.height - 0.05)
        half = (0.17, model.cabin_half_widths[1] * 0.85, 0.025)
        return [rounded_box(centre, half, 0.02, Part.SPOILER)]
    wing = (0.12, model.half_width * 0.78, 0.025)
    feet = [
        box((rear + 0.15, s * model.half_width * 0.6, model.deck + 0.09), (0.05, 0.02, 0.08), Part.DARK)
        for s in (-1, 1)
    ]
    return [rounded_box((rear + 0.14, 0, model.deck + 0.17), wing, 0.02, Part.SPOILER), *feet]
