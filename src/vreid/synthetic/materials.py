"""What surfaces are made of, per sample: vehicles here, streets in `ground.py`.

Every boundary (lamp, window, seam, decal) is a function of the point in the vehicle's frame, so it stays
sharp at any resolution. Numbers are linear reflectances; near infrared means 0.8 to 0.95 um. Thermal
values are plausible guesses, not calibrated.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from vreid.synthetic.arrays import Array, Index, Mask, lattice, noise
from vreid.synthetic.bodies import Part, cargo_height, roof_height
from vreid.synthetic.vehicles import Colour, Decal, HeatPatch, Scratch, Thermal, Vehicle


class Glow(IntEnum):
    """Lamps that may be switched on."""

    NONE = 0
    HEAD = 1
    TAIL = 2
    SIGN = 3


class Material(NamedTuple):
    """Linear RGB and NIR albedo, reflectance at normal incidence, gloss, thermal emissivity, solar share."""

    rgb: Colour
    nir: float
    specular: float = 0.05
    gloss: float = 0.5
    emissivity: float = 0.93
    solar: float = 0.8
    glow: Glow = Glow.NONE
    glass: bool = False
    retro: bool = False


PLASTIC = Material((0.025, 0.025, 0.027), 0.07, 0.04, 0.35, 0.95, 0.9)
RUBBER = Material((0.028, 0.027, 0.026), 0.05, 0.02, 0.1, 0.95, 0.9)
CHROME = Material((0.45, 0.45, 0.46), 0.5, 0.55, 0.8, 0.4, 0.9)
LAMP = Material((0.55, 0.55, 0.55), 0.5, 0.08, 1.0, 0.95, 0.9)
HEADLAMP = LAMP._replace(glow=Glow.HEAD)
TAIL_LAMP = Material((0.33, 0.012, 0.010), 0.40, 0.06, 0.9, 0.95, 0.9, Glow.TAIL)
HOLE = Material((0.008, 0.008, 0.008), 0.01, 0.0, 0.0, 0.95, 0.9)


class SurfaceBuffers:
    """Material values of N samples.

    `rgb (N, 3)`; `nir`, `specular`, `gloss`, `emissivity`, `solar`, `retro`, `glow`, `glass` and
    `heat` (kelvin above the air), each `(N,)`.
    """

    def __init__(self, count: int) -> None:
        self.rgb: Array = np.zeros((count, 3), np.float32)
        self.nir: Array = np.zeros(count, np.float32)
        self.specular: Array = np.zeros(count, np.float32)
        self.gloss: Array = np.zeros(count, np.float32)
        self.emissivity: Array = np.full(count, 0.94, np.float32)
        self.solar: Array = np.full(count, 0.8, np.float32)
        self.retro: Array = np.zeros(count, np.float32)
        self.heat: Array = np.zeros(count, np.float32)
        self.glow = np.zeros(count, np.int8)
        self.glass: Mask = np.zeros(count, bool)

    def put(self, rows: Index, codes: Index, palette: list[Material]) -> None:
        """Write the materials `palette[codes]` into `rows`."""
        self.rgb[rows] = np.array([m.rgb for m in palette], np.float32)[codes]
        for name in ("nir", "specular", "gloss", "emissivity", "solar", "retro"):
            values = np.array([getattr(m, name) for m in palette], np.float32)
            getattr(self, name)[rows] = values[codes]
        self.glow[rows] = np.array([m.glow for m in palette], np.int8)[codes]
        self.glass[rows] = np.array([m.glass for m in palette])[codes]


@dataclass(frozen=True)
class Samples:
    """Points, normals and parts of one vehicle in its frame, and the material of each sample."""

    vehicle: Vehicle
    x: Array
    y: Array
    z: Array
    nx: Array
    ny: Array
    nz: Array
    part: np.ndarray
    codes: Index
    palette: list[Material]

    def put(self, where: Mask, material: Material) -> None:
        """Give the samples `where` a material; later calls cover earlier ones."""
        if where.any():
            self.palette.append(material)
            self.codes[where] = len(self.palette) - 1

    @property
    def lower(self) -> Mask:
        """Which samples lie on the body below the belt line."""
        found: Mask = self.part == Part.LOWER
        return found

    @property
    def sideways(self) -> Mask:
        """Which samples face left or right."""
        return np.abs(self.ny) > 0.5


def cover_vehicle(
    buffers: SurfaceBuffers, rows: Index, vehicle: Vehicle, points: Array, normals: Array,
    parts: np.ndarray, *, wheel_angle: float, dirt: float, warmth: float = 1.0,
) -> None:  # fmt: skip
    """Fill `buffers[rows]` with the materials of a vehicle.

    `points (N, 3)` and `normals (N, 3)` in its frame, `parts (N,)`; `wheel_angle` in radians turns the rims,
    `dirt` (0 to 1) greys the sills, `warmth` is the share of its usual heat that a vehicle gives off.
    """
    finish = vehicle.finish
    paint = Material(
        finish.rgb, finish.nir, 0.10 if finish.flake else 0.05, finish.gloss, 0.93, finish.solar,
    )  # fmt: skip
    x, y, z = np.ascontiguousarray(points.T)
    nx, ny, nz = np.ascontiguousarray(normals.T)
    codes = np.zeros(len(rows), np.int64)
    s = Samples(vehicle, x, y, z, nx, ny, nz, parts, codes, [paint])
    for layer in (
        _second_tone, _cargo, _decals, _scratches, _trim, _doors, _front, _rear, _load_bed,
        _windows, _windscreen, _roof_glass, _added_parts,
    ):  # fmt: skip
        layer(s)
    _wheels(s, wheel_angle)
    buffers.put(rows, s.codes, s.palette)
    _soil(s, buffers, rows, dirt)
    _warm(s, buffers, rows, warmth)


def _second_tone(s: Samples) -> None:
    tone = s.vehicle.details.second_tone
    if tone is not None:
        s.put(s.lower & (s.z < 0.5 * s.vehicle.model.belt), s.palette[0]._replace(rgb=tone))


def _cargo(s: Samples) -> None:
    if s.vehicle.model.type == "truck" and not s.vehicle.details.painted_cargo:
        s.put(s.part == Part.CARGO, Material((0.62, 0.62, 0.60), 0.55, solar=0.4))


def _decals(s: Samples) -> None:
    model = s.vehicle.model
    height = model.belt
    if model.type == "truck":
        height = cargo_height(model)
    elif model.type in ("bus", "van"):
        height = model.height
    sheet = s.lower | (s.part == Part.CABIN) | (s.part == Part.CARGO)
    for decal in s.vehicle.details.decals:
        face, u, v = _on_face(s, decal, height)
        face &= sheet & _inside(s, decal, u / decal.half_length, v / decal.half_height)
        s.put(face, Material(decal.rgb, decal.nir, solar=0.7))


def _on_face(s: Samples, mark: Decal | Scratch | HeatPatch, height: float) -> tuple[Mask, Array, Array]:
    """Return which samples lie on the face of `mark`, and their position relative to its centre in metres."""
    model = s.vehicle.model
    along = (mark.across * (0.7 if model.type == "truck" else 1) - 0.5) * model.length
    across = (mark.across - 0.5) * model.width
    if mark.face in ("left", "right"):
        side = 1 if mark.face == "left" else -1
        return s.ny * side > 0.5, s.x - along, s.z - mark.up * height
    if mark.face == "top":
        return s.nz > 0.75, s.x - along, s.y - (mark.up - 0.5) * model.width
    front = 1 if mark.face == "front" else -1
    return s.nx * front > 0.6, s.y - across, s.z - mark.up * height


def _inside(s: Samples, decal: Decal, u: Array, v: Array) -> Mask:
    """Return which points `(u, v)`, in half sizes of the decal, its shape covers."""
    if decal.shape == "rectangle":
        covered = (np.abs(u) < 1) & (np.abs(v) < 1)
    elif decal.shape == "disc":
        covered = u * u + v * v < 1
    elif decal.shape == "stripe":
        length = 30 if decal.face in ("left", "right") else 2
        covered = (np.abs(v) < 0.6) & (np.abs(u) < length)
    else:
        letters = lattice(np.floor(u * 4), np.floor(v * 2.5), s.vehicle.details.key) > 0.42
        covered = (np.abs(u) < 1) & (np.abs(v) < 0.8) & letters
    return np.asarray(covered)


def _scratches(s: Samples) -> None:
    light = (0.22, 0.21, 0.20) if np.mean(s.vehicle.finish.rgb) > 0.3 else (0.42, 0.42, 0.42)
    for scratch in s.vehicle.details.scratches:
        face, u, v = _on_face(s, scratch, s.vehicle.model.belt)
        v = v - scratch.slope * u * 0.4
        reach = scratch.half_height * (1 - (u / scratch.half_length) ** 2)
        inside = (np.abs(u) < scratch.half_length) & (np.abs(v) < reach)
        s.put(face & s.lower & inside, Material(light, 0.35, gloss=0.1))


def _trim(s: Samples) -> None:
    """Underside, wheel arches, sills, chrome along the belt line, side moulding."""
    model, details = s.vehicle.model, s.vehicle.details
    lower, side = s.lower, s.sideways
    s.put(lower & (s.nz < -0.55), HOLE)
    rear, front = model.axles
    height = s.z - model.wheel_radius
    nearest = np.minimum(np.hypot(s.x - rear, height), np.hypot(s.x - front, height))
    arch = model.arch_radius * (1.2 if model.cladding else 1.05)
    s.put(lower & side & (nearest < arch), PLASTIC)
    s.put(lower & (s.z < model.clearance + (0.16 if model.cladding else 0.055)), PLASTIC)
    if model.chrome_belt:
        between = (s.x > model.rear_base) & (s.x < model.screen_base)
        s.put(lower & side & (np.abs(s.z - model.belt + 0.02) < 0.016) & between, CHROME)
    if details.side_moulding:
        band = (np.abs(s.z - model.belt * 0.56) < 0.014) & (np.abs(s.x) < 0.8)
        s.put(lower & side & band, PLASTIC)


def _doors(s: Samples) -> None:
    """Seams and handles of doors, seams of the bonnet."""
    model = s.vehicle.model
    if model.type == "bus":
        return
    panel = s.lower & s.sideways
    seams = [model.screen_base - 0.06 * model.length / 4.5 - 0.12]
    if model.doors == 4:
        middle = (model.screen_base + model.rear_top) / 2
        seams += [middle, max(model.axles[0] + 0.08, middle - 0.95)]
    else:
        seams.append(seams[0] - 1.15)
    for seam in seams:
        s.put(panel & (np.abs(s.x - seam) < 0.011) & (s.z > model.clearance + 0.15), HOLE)
    handle = CHROME if s.vehicle.details.chrome_handles else PLASTIC
    for seam in seams[1:]:
        level = np.abs(s.z - model.belt * 0.86) < 0.018
        s.put(panel & (np.abs(s.x - seam - 0.14) < 0.085) & level, handle)
    if model.type == "truck":
        return
    across, half = np.abs(s.y), model.half_width
    edge = (np.abs(across - half * 0.80) < 0.010) & (s.x > model.screen_base)
    s.put(s.lower & (s.nz > 0.6) & edge, HOLE)
    nose = np.abs(s.x - (model.length / 2 - 0.16)) < 0.012
    s.put(s.lower & nose & (s.nz > 0.4) & (across < half * 0.8), HOLE)


def _front(s: Samples) -> None:
    """Grille, bumper opening, fog lamps, headlamps, front plate."""
    model = s.vehicle.model
    end, half = model.length / 2, model.half_width
    face = s.lower & (s.x > end - 0.28)
    across = np.abs(s.y)
    top = 0.95 if model.large else model.hood_front - 0.03
    half_grille, grille_height, style = model.grille
    inside = (s.z < top - 0.05) & (s.z > top - 0.05 - grille_height)
    grille = face & (s.nx > 0.25) & (across < half_grille * half) & inside
    s.put(grille, PLASTIC)
    bars = np.sin(s.z * (110 if style == "slats" else 60)) > 0.35
    if style == "mesh":
        bars |= np.sin(s.y * 60) > 0.8
    s.put(grille & bars, HOLE if style == "dark" else CHROME)
    opening = (s.z < model.clearance + 0.23) & (s.z > model.clearance + 0.07)
    s.put(face & (s.nx > 0.3) & (across < half * 0.62) & opening, PLASTIC)
    s.put(face & (np.hypot(across - half * 0.74, s.z - model.clearance - 0.17) < 0.055), LAMP)
    _headlamps(s, top)
    plate = (across < 0.23) & (np.abs(s.z - model.clearance - 0.30) < 0.06)
    s.put(face & (s.nx > 0.3) & plate, _plate(s))


def _headlamps(s: Samples, top: float) -> None:
    model = s.vehicle.model
    end = model.length / 2
    inner, height, length = model.headlamp
    level = (s.z < top + 0.05) & (s.z > top - height)
    lamp = s.lower & (s.x > end - length) & (np.abs(s.y) > inner * model.half_width) & level
    lamp &= (s.nz < 0.97) & ((s.x > end - 0.3) | s.sideways | (s.nz < 0.9))
    # A dark rim keeps the lamps of light vehicles visible.
    rim = (s.z < top - height + 0.02) | (np.abs(s.y) < inner * model.half_width + 0.025)
    s.put(lamp, LAMP)
    s.put(lamp & (s.x > end - 0.34), HEADLAMP)
    s.put(lamp & rim, PLASTIC)


def _rear(s: Samples) -> None:
    """Tail lamps, rear plate, bumper."""
    model = s.vehicle.model
    end = -model.length / 2
    across = np.abs(s.y)
    inner, height, style = model.tail_lamp
    top = 1.15 if model.type == "bus" else model.deck - 0.09
    level = (s.z < top) & (s.z > top - height)
    lamp = s.lower & (s.x < end + 0.24) & (across > inner * model.half_width) & level
    if style == "bar":
        lamp |= s.lower & (s.x < end + 0.1) & (np.abs(s.z - top + 0.06) < 0.03) & (s.nx < -0.5)
    s.put(lamp, TAIL_LAMP)
    face = s.lower & (s.x < end + 0.22)
    height = model.deck - 0.26 if model.type in ("sedan", "coupe") else 0.62
    plate = (across < 0.23) & (np.abs(s.z - height) < 0.065)
    s.put(face & (s.nx < -0.5) & plate, _plate(s))
    s.put(face & (s.nx < -0.3) & (s.z < model.clearance + 0.18), PLASTIC)


def _plate(s: Samples) -> Material:
    return Material(s.vehicle.details.plate, 0.45, retro=True, solar=0.5)


def _load_bed(s: Samples) -> None:
    model = s.vehicle.model
    if model.type == "pickup":
        bed = (s.x < model.rear_base - 0.04) & (s.z < model.deck - 0.06)
        s.put(s.lower & bed & (np.abs(s.y) < model.half_width * 0.87), PLASTIC)
    if model.type == "truck":
        s.put(s.lower & (s.x < 0.22 * model.length), PLASTIC)


def _windows(s: Samples) -> None:
    """Side windows between their pillars."""
    model = s.vehicle.model
    kind = model.type
    side = (s.part == Part.CABIN) & s.sideways
    roof = roof_height(model, s.x.astype(np.float64))
    height = model.height - model.belt
    # Horizontal distance to the slanted lines of the front and the rear pillar; negative lies between them.
    slope = (model.screen_base - model.screen_top) / height
    before = s.x - (model.screen_top + (model.height - s.z) * slope)
    slope = (model.rear_top - model.rear_base) / height
    behind = model.rear_top - (model.height - s.z) * slope - s.x
    glass = side & (s.z > model.belt + 0.025) & (s.z < roof - 0.05)
    glass &= (before < -0.10) & (behind < -0.09)
    middle = (model.screen_base + model.rear_top) / 2
    pillars = [middle - 0.02]
    if model.pillars == 2 or kind in ("suv", "wagon", "mpv"):
        pillars.append(middle - 0.95 * model.length / 4.6)
    if kind == "bus":
        pillars = list(np.arange(-model.length / 2, model.length / 2, 1.35))
        glass &= (s.z > model.belt + 0.12) & (s.z < model.height - 0.45)
    if kind == "van":
        windows_from = middle - 0.2 if s.vehicle.details.rear_side_windows else middle + 1.0
        glass &= s.x > windows_from
    for pillar in pillars:
        glass &= np.abs(s.x - pillar) > 0.045
    if kind != "bus":
        frame = side & (s.z > model.belt) & (s.z < roof - 0.03) & (before < -0.05) & (behind < -0.05)
        s.put(frame & (np.abs(s.x - middle) < 0.09), PLASTIC)
    s.put(glass, _glass(s.vehicle.details.window_tint * 0.35, s.vehicle.details.window_tint))


def _glass(albedo: float, tint: float) -> Material:
    return Material((albedo, albedo, albedo), 0.04 + tint * 0.5, 0.055, 1.0, 0.88, 0.9, glass=True)


def _windscreen(s: Samples) -> None:
    """Windscreen and rear window, with what is stuck to them or stands behind them."""
    model, details = s.vehicle.model, s.vehicle.details
    kind = model.type
    end = (s.part == Part.CABIN) & ~s.sideways
    across = np.abs(s.y)
    base, roof = model.cabin_half_widths
    rise = (s.z - model.cabin_floor) / (model.height - model.cabin_floor)
    half = base + (roof - base) * rise
    front = end & (s.x > model.screen_top - 0.05) & (s.nx > 0.12) & (across < half * 0.90)
    front &= (s.z < model.height - 0.05) & (s.z > model.belt + 0.03)
    rear = end & (s.x < model.rear_top + 0.05) & (s.nx < -0.12) & (across < half * 0.84)
    rear &= (s.z < model.height - (0.5 if model.large else 0.08)) & (s.z > model.belt + 0.05)
    if kind == "van":
        rear &= (across > 0.06) & (s.z > model.belt + 0.2)
    if kind == "truck":
        rear &= False
    tint = details.window_tint
    s.put(rear, _glass(tint * 0.35, tint))
    s.put(front, _glass(max(tint, 0.05) * 0.5, tint))
    width = model.half_width * 0.8
    for thing in details.dashboard:
        offset = (s.y - thing.across * width) ** 2 + (s.z - model.belt - 0.10) ** 2
        s.put(front & (offset < thing.measure**2), _behind_glass(thing.rgb, 0.55, 0.3))
    if details.visor:
        s.put(front & (s.z > model.height - 0.14), _behind_glass((0.01, 0.05, 0.03), 1.0, 0.1))
    for thing in details.inspection:
        level = model.belt + (model.height - model.belt) * thing.measure
        near = (np.abs(s.y - thing.across * width) < 0.05) & (np.abs(s.z - level) < 0.05)
        s.put(front & near, _behind_glass(thing.rgb, 0.8, 0.5))
    mirror = (across < 0.08) & (np.abs(s.z - model.height + 0.13) < 0.035)
    s.put(front & mirror, _behind_glass((0.01, 0.01, 0.01), 1.0, 0.05))


def _behind_glass(rgb: Colour, share: float, nir: float) -> Material:
    red, green, blue = rgb
    return _glass(0, 0)._replace(rgb=(red * share, green * share, blue * share), nir=nir)


def _roof_glass(s: Samples) -> None:
    model, details = s.vehicle.model, s.vehicle.details
    roof = s.part == Part.CABIN
    if details.black_roof:
        s.put(roof & (s.nz > 0.7) & (s.z > model.height - 0.1), PLASTIC)
    if details.sunroof > 0:
        front = model.screen_top - 0.18
        pane = (s.x < front) & (s.x > front - details.sunroof) & (np.abs(s.y) < 0.46)
        s.put(roof & (s.nz > 0.9) & pane, _glass(details.window_tint * 0.35, details.window_tint))


def _added_parts(s: Samples) -> None:
    details = s.vehicle.details
    rail = s.part == Part.RAIL
    if s.vehicle.model.type == "bus":
        s.put(rail, Material((0.7, 0.7, 0.7), 0.6, solar=0.4))
    else:
        s.put(rail, CHROME if details.rack_chrome else PLASTIC)
    grey = 0.5 if details.roof_box_light else 0.06
    s.put(s.part == Part.ROOF_BOX, Material((grey, grey, grey), 0.2))
    s.put(s.part == Part.SIGN, Material((0.9, 0.75, 0.2), 0.7, glow=Glow.SIGN))
    if details.black_mirrors:
        s.put(s.part == Part.MIRROR, PLASTIC)
    s.put(s.part == Part.DARK, HOLE)


def _wheels(s: Samples, wheel_angle: float) -> None:
    """Tyres, and rims with spokes turned by `wheel_angle`."""
    model, rim = s.vehicle.model, s.vehicle.details.rim
    tyre = s.part == Part.WHEEL
    if not tyre.any():
        return
    s.put(tyre, RUBBER)
    x, z = s.x - _nearest_axle(s), s.z - model.wheel_radius
    radius = np.hypot(x, z) / model.wheel_radius
    angle = np.arctan2(z, x) + wheel_angle
    if rim.spokes:
        phase = np.abs((angle * rim.spokes / (2 * np.pi)) % 1 - 0.5)
        metal = (phase < rim.width * 0.5 * (1.25 - 0.5 * radius)) | (radius < 0.22) | (radius > 0.63)
    else:
        metal = (radius > 0.63) | (radius < 0.5) | (np.cos(angle * 14) > 0.2)
    disc = tyre & (radius < 0.70) & (np.abs(s.ny) > 0.5)
    s.put(disc, HOLE)
    s.put(disc & metal, Material((rim.albedo,) * 3, rim.albedo, 0.25, 0.6, 0.6, 0.7))


def _nearest_axle(s: Samples) -> Array:
    rear, front = s.vehicle.model.axles
    return np.where(np.abs(s.x - rear) < np.abs(s.x - front), rear, front).astype(np.float32)


def _soil(s: Samples, buffers: SurfaceBuffers, rows: Index, dirt: float) -> None:
    """Grey the lower parts with road dirt; windows are kept clean."""
    pattern = 0.5 + noise(s.x * 5, s.z * 5 + s.y * 3, s.vehicle.details.key)
    share = np.clip(dirt * (1.1 - s.z / 0.8) * pattern, 0, 0.75) * ~buffers.glass[rows]
    clean = 1 - share
    soil = np.array([0.16, 0.13, 0.10], np.float32)
    buffers.rgb[rows] = buffers.rgb[rows] * clean[:, None] + soil * share[:, None]
    buffers.nir[rows] = buffers.nir[rows] * clean + 0.2 * share
    buffers.gloss[rows] *= clean


def _warm(s: Samples, buffers: SurfaceBuffers, rows: Index, warmth: float) -> None:
    """Write emissivity, and kelvin above the air that the vehicle itself adds; the sun comes later."""
    thermal = s.vehicle.details.thermal
    painted = s.codes == 0
    emissivity = buffers.emissivity[rows]
    emissivity[painted] = thermal.emissivity
    machine = _engine(s, thermal) + _running_gear(s, thermal) + _exhaust(s, thermal)
    heat = machine * warmth + _cabin(s, thermal)
    height = s.vehicle.model.height if s.vehicle.model.type in ("bus", "van") else s.vehicle.model.belt
    sheet = s.lower | (s.part == Part.CABIN) | (s.part == Part.CARGO)
    sheet &= ~np.array([m.glass for m in s.palette])[s.codes]
    for patch in thermal.patches:
        face, u, v = _on_face(s, patch, height)
        face &= sheet & (np.abs(u) < patch.half_length) & (np.abs(v) < patch.half_height)
        heat[face] += patch.heat
        emissivity[face] = patch.emissivity
    buffers.heat[rows], buffers.emissivity[rows] = heat, emissivity


def _engine(s: Samples, thermal: Thermal) -> Array:
    model = s.vehicle.model
    middle = -model.length / 2 + 0.8 if model.type == "bus" else model.axles[1] - 0.1
    forward, left = thermal.engine_at
    bump = np.exp(-(((s.x - middle - forward) / 0.55) ** 2) - ((s.y - left) / 0.65) ** 2)
    grille = (s.x > model.length / 2 - 0.3) & (np.abs(s.y) < model.half_width * 0.5)
    heat = np.where(s.lower & (s.z > 0.5), thermal.engine * bump, 0)
    heat = heat + np.where(s.lower & grille & (s.z < model.hood_front), thermal.radiator, 0)
    glow = np.array([m.glow for m in s.palette])[s.codes]
    return np.asarray(heat + np.where(glow == Glow.HEAD, 7, 0))


def _running_gear(s: Samples, thermal: Thermal) -> Array:
    """Return the heat of tyres, of brakes behind the rims, and of the sills."""
    model = s.vehicle.model
    axle = _nearest_axle(s)
    front = axle > np.float32(sum(model.axles) / 2)
    hub = np.hypot(s.x - axle, s.z - model.wheel_radius) < 0.7 * model.wheel_radius
    tyre = np.where(front, *thermal.tyres)
    wheel = np.where(hub, np.where(front, *thermal.brakes), tyre)
    heat = np.where(s.part == Part.WHEEL, wheel, 0)
    heat = heat + np.where(s.lower & (s.z < model.clearance + 0.1), thermal.sills, 0)
    return np.asarray(heat + np.where(s.part == Part.DARK, 12, 0))


def _exhaust(s: Samples, thermal: Thermal) -> Array:
    model, heat = s.vehicle.model, np.zeros(len(s.codes), np.float32)
    for pipe in (1, -1) if s.vehicle.details.double_exhaust else (1,):
        y = pipe * model.exhaust_side * model.half_width * 0.55
        spot = ((s.x + model.length / 2) / 0.25) ** 2 + ((s.y - y) / 0.09) ** 2
        heat += thermal.exhaust * np.exp(-spot - ((s.z - model.clearance - 0.02) / 0.07) ** 2)
    return heat


def _cabin(s: Samples, thermal: Thermal) -> Array:
    """Return what the cabin's climate and load add to windows, roof, doors and rear end."""
    model = s.vehicle.model
    glass = np.array([m.glass for m in s.palette])[s.codes]
    ahead, behind = s.nx > 0.12, s.nx < -0.12
    pane = np.where(s.sideways, thermal.side_windows, np.where(behind, thermal.rear_window, 0))
    pane = np.where(~s.sideways & ahead, thermal.windscreen, pane)
    roof, doors, rear = thermal.load
    sheet = np.where((s.part == Part.CABIN) | (s.part == Part.CARGO), roof, 0)
    between = (s.x > model.axles[0]) & (s.x < model.axles[1])
    sheet = sheet + np.where(s.lower & s.sideways & between, doors, 0)
    sheet = sheet + np.where(s.lower & (s.x < model.axles[0]), rear, 0)
    return np.asarray(np.where(glass, pane, sheet), np.float32)
