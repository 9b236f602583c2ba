"""Vehicles as data: body types, models, paints, and the details that tell two of one model apart.

A vehicle is a model (type and proportions), a finish (its paint) and details (rims, decals, racks, scratches
and so on). Twins share model and finish and differ in details alone. Frame: x forward, y left, z up, metres,
origin on the ground below the middle.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vreid.synthetic.arrays import Stream, stream

Colour = tuple[float, float, float]


class BodyType(NamedTuple):
    """Mean proportions of a type: metres, and fractions of the length measured from the rear end."""

    length: float
    width: float
    height: float
    wheelbase: float
    wheel_radius: float
    clearance: float
    hood_front: float
    belt: float
    screen_base: float
    screen_top: float
    rear_top: float
    rear_base: float
    deck: float
    frequency: float


# length width height wheelbase wheel clearance hood belt | screen base, top, rear top, base | deck
BODY_TYPES = {
    "sedan": BodyType(4.65, 1.80, 1.46, 2.70, 0.32, 0.17, 0.72, 0.93, 0.715, 0.545, 0.285, 0.130, 0.98, 0.33),
    "coupe": BodyType(4.40, 1.82, 1.36, 2.62, 0.33, 0.14, 0.68, 0.89, 0.690, 0.520, 0.330, 0.110, 0.93, 0.03),
    "hatch": BodyType(4.10, 1.76, 1.49, 2.58, 0.31, 0.17, 0.76, 0.95, 0.780, 0.610, 0.105, 0.020, 0.97, 0.13),
    "wagon": BodyType(4.70, 1.80, 1.50, 2.75, 0.32, 0.17, 0.72, 0.93, 0.725, 0.560, 0.085, 0.015, 0.97, 0.04),
    "suv": BodyType(4.60, 1.88, 1.72, 2.70, 0.37, 0.22, 0.92, 1.12, 0.745, 0.595, 0.085, 0.018, 1.12, 0.22),
    "mpv": BodyType(4.60, 1.80, 1.72, 2.80, 0.32, 0.17, 0.80, 1.02, 0.860, 0.655, 0.060, 0.012, 1.02, 0.08),
    "van": BodyType(5.00, 1.92, 2.05, 3.00, 0.34, 0.20, 0.95, 1.18, 0.900, 0.770, 0.030, 0.010, 1.20, 0.07),
    "pickup": BodyType(
        5.30, 1.88, 1.80, 3.20, 0.39, 0.26, 1.00, 1.16, 0.715, 0.590, 0.435, 0.405, 1.10, 0.05
    ),
    "truck": BodyType(6.20, 2.05, 2.20, 3.40, 0.42, 0.30, 1.05, 1.30, 0.975, 0.930, 0.745, 0.735, 0.85, 0.03),
    "bus": BodyType(9.50, 2.45, 3.05, 5.20, 0.48, 0.30, 1.00, 1.25, 0.992, 0.975, 0.020, 0.008, 1.30, 0.02),
}


class Paint(NamedTuple):
    """Linear RGB and near-infrared albedo, share of sunlight turned into heat, metallic flakes, frequency."""

    rgb: Colour
    nir: float
    solar: float
    flake: bool
    frequency: float


PAINTS = {
    "white": Paint((0.80, 0.80, 0.78), 0.78, 0.25, False, 0.24),
    "silver": Paint((0.48, 0.49, 0.50), 0.50, 0.45, True, 0.17),
    "grey": Paint((0.17, 0.175, 0.18), 0.30, 0.75, True, 0.14),
    "black": Paint((0.018, 0.018, 0.020), 0.06, 0.94, False, 0.17),
    "red": Paint((0.45, 0.025, 0.025), 0.62, 0.65, False, 0.07),
    "blue": Paint((0.03, 0.08, 0.33), 0.48, 0.75, True, 0.07),
    "green": Paint((0.03, 0.16, 0.07), 0.45, 0.75, True, 0.02),
    "yellow": Paint((0.75, 0.47, 0.03), 0.72, 0.45, False, 0.03),
    "brown": Paint((0.16, 0.085, 0.05), 0.42, 0.80, True, 0.03),
    "gold": Paint((0.45, 0.36, 0.22), 0.55, 0.55, True, 0.03),
    "orange": Paint((0.62, 0.19, 0.02), 0.66, 0.55, False, 0.015),
    "navy": Paint((0.015, 0.025, 0.085), 0.28, 0.88, True, 0.015),
}


@dataclass(frozen=True)
class Model:
    """What all vehicles of a make and model share: type, proportions, lamps, grille, doors.

    Lengths in metres; `screen_*` and `rear_*` are x positions; `exhaust_side` is +1 (left) or -1.
    """

    index: int
    type: str
    length: float
    width: float
    height: float
    wheelbase: float
    wheel_radius: float
    clearance: float
    hood_front: float
    belt: float
    screen_base: float
    screen_top: float
    rear_top: float
    rear_base: float
    deck: float
    tumblehome: float
    headlamp: tuple[float, float, float]
    """Inner edge (fraction of the half width), height, length along the wing."""
    tail_lamp: tuple[float, float, str]
    """Inner edge (fraction of the half width), height, `block` or `bar`."""
    grille: tuple[float, float, str]
    """Half width (fraction of the half width), height, `slats`, `dark` or `mesh`."""
    pillars: int
    doors: int
    cladding: bool
    chrome_belt: bool
    exhaust_side: int

    @property
    def half_width(self) -> float:
        """Half of the width over the body, without mirrors."""
        return self.width / 2

    @property
    def large(self) -> bool:
        """Whether this is a bus or a truck."""
        return self.type in ("bus", "truck")

    @property
    def axles(self) -> tuple[float, float]:
        """The x positions of the rear and the front axle."""
        share = {"truck": 0.10, "bus": -0.02}.get(self.type, 0.03)
        front = self.wheelbase / 2 + share * self.length
        return front - self.wheelbase, front

    @property
    def arch_radius(self) -> float:
        """Radius of the wheel arches."""
        return self.wheel_radius * 1.16

    @property
    def cabin_floor(self) -> float:
        """Height at which the cabin starts, a little below the belt line."""
        return self.belt - 0.06

    @property
    def cabin_half_widths(self) -> tuple[float, float]:
        """Half width of the cabin at its floor and at the roof."""
        boxy = self.type in ("bus", "van", "truck")
        floor = self.half_width * (0.985 if boxy else 0.935)
        return floor, floor * self.tumblehome / (1 if boxy else 0.935)


@dataclass(frozen=True)
class Finish:
    """The paint of one vehicle: a named paint, slightly tinted. Twins share it."""

    paint: str
    rgb: Colour
    nir: float
    solar: float
    flake: bool
    gloss: float


class Decal(NamedTuple):
    """A sticker: face, centre as fractions of that face, half sizes in metres, shape, colour, NIR albedo."""

    face: str
    across: float
    up: float
    half_length: float
    half_height: float
    shape: str
    rgb: Colour
    nir: float


class Scratch(NamedTuple):
    """A scratch: face, centre as fractions, half length and half height in metres, slope."""

    face: str
    across: float
    up: float
    half_length: float
    half_height: float
    slope: float


class Rim(NamedTuple):
    """Spokes (0 is a steel disc with holes), their share of the circle, and their albedo."""

    spokes: int
    width: float
    albedo: float


class Thing(NamedTuple):
    """Something behind the windscreen: position across (-1..1), size in metres or height (0..1), colour."""

    across: float
    measure: float
    rgb: Colour


class HeatPatch(NamedTuple):
    """A repaired or covered piece of sheet metal: face, centre as fractions of it, half sizes in metres.

    `heat` in kelvin beside the metal around it, and thermal emissivity.
    """

    face: str
    across: float
    up: float
    half_length: float
    half_height: float
    heat: float
    emissivity: float


class Thermal(NamedTuple):
    """What a warm vehicle shows in the thermal infrared: kelvin above the air where not said otherwise.

    `engine_at` moves the engine's warm spot forward and left, in metres. Pairs are front and rear. `load`
    holds what the cabin and what lies in it add to roof, doors and rear end. `emissivity` is that of the
    paint, which falls with wax and rises with age.
    """

    engine: float
    engine_at: tuple[float, float]
    radiator: float
    tyres: tuple[float, float]
    brakes: tuple[float, float]
    sills: float
    exhaust: float
    windscreen: float
    side_windows: float
    rear_window: float
    load: tuple[float, float, float]
    emissivity: float
    patches: tuple[HeatPatch, ...]


@dataclass(frozen=True)
class Details:
    """What tells twins apart."""

    rack: bool
    rack_chrome: bool
    roof_box: bool
    roof_box_light: bool
    sunroof: float
    """Length of the glass in the roof in metres; 0 is none."""
    spoiler: bool
    taxi: bool
    black_roof: bool
    window_tint: float
    rim: Rim
    black_mirrors: bool
    chrome_handles: bool
    side_moulding: bool
    visor: bool
    plate: Colour
    decals: tuple[Decal, ...]
    dashboard: tuple[Thing, ...]
    inspection: tuple[Thing, ...]
    scratches: tuple[Scratch, ...]
    second_tone: Colour | None
    painted_cargo: bool
    rear_side_windows: bool
    """Whether a van has windows behind the front doors."""
    double_exhaust: bool
    thermal: Thermal
    key: int
    """Seeds what has a pattern: dirt, print on decals."""


@dataclass(frozen=True)
class Vehicle:
    """One vehicle, complete."""

    model: Model
    finish: Finish
    details: Details


def draw_model(seed: int, index: int) -> Model:
    """Return vehicle model number `index`: a type and about fifteen proportions near its means."""
    rng = stream(seed, Stream.MODEL, index)
    name = _body_type(seed, index)
    mean = BODY_TYPES[name]

    def near(value: float, share: float) -> float:
        return value * (1 + share * rng.uniform(-1, 1))

    length = near(mean.length, 0.06)
    shift = 0.0 if name == "bus" else 1.0
    screen_base = mean.screen_base + shift * rng.uniform(-0.015, 0.015)
    screen_top = mean.screen_top + shift * rng.uniform(-0.02, 0.02)
    slanted = mean.rear_top > 0.05 and name != "truck"
    rear_top = max(mean.rear_top + slanted * rng.uniform(-0.02, 0.02), mean.rear_base + 0.008)

    def along(fraction: float) -> float:
        return (fraction - 0.5) * length

    return Model(
        index=index,
        type=name,
        length=length,
        width=near(mean.width, 0.03),
        height=near(mean.height, 0.035),
        wheelbase=length * near(mean.wheelbase, 0.02) / mean.length,
        wheel_radius=near(mean.wheel_radius, 0.05),
        clearance=near(mean.clearance, 0.1),
        hood_front=near(mean.hood_front, 0.05),
        belt=near(mean.belt, 0.02),
        screen_base=along(screen_base),
        screen_top=along(screen_top),
        rear_top=along(rear_top),
        rear_base=along(mean.rear_base),
        deck=near(mean.deck, 0.02),
        tumblehome=rng.uniform(0.88, 0.95) if name in ("bus", "truck", "van") else rng.uniform(0.74, 0.82),
        headlamp=(rng.uniform(0.50, 0.68), rng.uniform(0.10, 0.20), rng.uniform(0.12, 0.45)),
        tail_lamp=(rng.uniform(0.55, 0.78), rng.uniform(0.12, 0.34), _pick(rng, ("block", "bar", "block"))),
        grille=(rng.uniform(0.30, 0.55), rng.uniform(0.08, 0.22), _pick(rng, ("slats", "dark", "mesh"))),
        pillars=int(rng.integers(1, 3)),
        doors=2 if name in ("coupe", "pickup", "truck", "van") else 4,
        cladding=bool(rng.random() < (0.6 if name in ("suv", "pickup") else 0.12)),
        chrome_belt=bool(rng.random() < 0.4),
        exhaust_side=int(rng.choice([-1, 1])),
    )


def draw_finish(seed: int, paint: str, *keys: int) -> Finish:
    """Return `paint` with a tint of up to 5 %, drawn from the stream of `keys`."""
    rng = stream(seed, Stream.FINISH, *keys)
    base = PAINTS[paint]
    red, green, blue = np.array(base.rgb) * (1 + 0.05 * rng.uniform(-1, 1, 3))
    return Finish(
        paint=paint,
        rgb=(float(red), float(green), float(blue)),
        nir=base.nir * (1 + 0.10 * rng.uniform(-1, 1)),
        solar=base.solar,
        flake=base.flake,
        gloss=rng.uniform(0.5, 1),
    )


def draw_details(seed: int, kind: str, *keys: int) -> Details:
    """Return the details of one vehicle of body type `kind`, drawn from the stream of `keys`."""
    rng = stream(seed, Stream.DETAILS, *keys)
    car = kind not in ("bus", "truck")
    rack = _chance(rng, 0.5 if kind in ("suv", "wagon", "mpv") else 0.06) and car
    roof = float(rng.choice([0.0, 0.42, 0.95], p=[0.55, 0.33, 0.12]))
    plates = ((0.10, 0.20, 0.55), (0.75, 0.75, 0.75), (0.75, 0.55, 0.08), (0.15, 0.5, 0.25))
    return Details(
        rack=rack,
        rack_chrome=_chance(rng, 0.5),
        roof_box=_chance(rng, 0.2) and rack,
        roof_box_light=_chance(rng, 0.33),
        sunroof=roof if car and kind not in ("pickup", "van") else 0.0,
        spoiler=_chance(rng, 0.18) and kind in ("sedan", "coupe", "hatch", "suv"),
        taxi=_chance(rng, 0.08) and kind == "sedan",
        black_roof=_chance(rng, 0.07) and car,
        window_tint=float(rng.choice([0.02, 0.06, 0.14], p=[0.4, 0.35, 0.25])),
        rim=_draw_rim(rng),
        black_mirrors=_chance(rng, 0.25),
        chrome_handles=_chance(rng, 0.35),
        side_moulding=_chance(rng, 0.33),
        visor=_chance(rng, 0.2),
        plate=plates[int(rng.choice(4, p=[0.55, 0.25, 0.12, 0.08]))],
        decals=_draw_decals(rng, large=kind in ("truck", "bus", "van")),
        dashboard=_draw_dashboard(rng),
        inspection=_draw_inspection(rng),
        scratches=_draw_scratches(rng),
        second_tone=_colour(rng, 0.02, 0.8) if _chance(rng, 0.05) and car else None,
        painted_cargo=_chance(rng, 0.33),
        rear_side_windows=_chance(rng, 0.5),
        double_exhaust=_chance(rng, 0.2),
        thermal=draw_thermal(seed, *keys),
        key=int(rng.integers(1, 2**20)),
    )


def draw_thermal(seed: int, *keys: int) -> Thermal:
    """Return how warm one vehicle's parts run, drawn from the stream of `keys`.

    Guesses within what passing vehicles show: wear, climate control and load differ far more between
    vehicles than between the days of one.
    """
    rng = stream(seed, Stream.THERMAL, *keys)

    def pair(low: float, high: float) -> tuple[float, float]:
        return rng.uniform(low, high), rng.uniform(low, high)

    cabin = rng.uniform(-6, 8)
    return Thermal(
        engine=rng.uniform(2, 26),
        engine_at=(rng.uniform(-0.25, 0.25), rng.uniform(-0.35, 0.35)),
        radiator=rng.uniform(1, 20),
        tyres=pair(2, 16),
        brakes=pair(3, 40),
        sills=rng.uniform(0, 12),
        exhaust=rng.uniform(20, 90),
        windscreen=cabin + rng.uniform(-2, 5),
        side_windows=cabin,
        rear_window=cabin + (rng.uniform(5, 12) if _chance(rng, 0.4) else 0.0),
        load=(rng.uniform(-5, 7), rng.uniform(-4, 6), rng.uniform(-4, 8)),
        emissivity=rng.uniform(0.82, 0.96),
        patches=tuple(_draw_heat_patch(rng) for _ in range(rng.integers(1, 5))),
    )


def _draw_heat_patch(rng: np.random.Generator) -> HeatPatch:
    return HeatPatch(
        face=_pick(rng, ("left", "right", "top", "front", "rear"), (0.25, 0.25, 0.3, 0.1, 0.1)),
        across=rng.uniform(0.15, 0.85),
        up=rng.uniform(0.3, 0.75),
        half_length=rng.uniform(0.2, 0.55),
        half_height=rng.uniform(0.12, 0.3),
        heat=float(rng.choice([-1, 1])) * rng.uniform(3, 9),
        emissivity=rng.uniform(0.5, 0.95),
    )


def _body_type(seed: int, index: int) -> str:
    """Return a body type such that the first few models already follow the frequencies of the types.

    Multiples of the golden ratio fill [0, 1) evenly; independent draws may give three buses among ten.
    """
    frequency = np.array([body.frequency for body in BODY_TYPES.values()])
    start = stream(seed, Stream.MODEL).uniform()
    share = (start + index * 0.6180339887498949) % 1
    reached = np.searchsorted(np.cumsum(frequency / frequency.sum()), share, side="right")
    return list(BODY_TYPES)[min(int(reached), len(BODY_TYPES) - 1)]


def _draw_rim(rng: np.random.Generator) -> Rim:
    spokes = int(rng.choice([5, 5, 6, 7, 8, 10, 12, 0]))
    return Rim(spokes, rng.uniform(0.25, 0.62), float(rng.choice([0.6, 0.45, 0.12, 0.03])))


def _draw_decals(rng: np.random.Generator, *, large: bool) -> tuple[Decal, ...]:
    decals = []
    for _ in range(rng.poisson(1.5) + (2 if large else 0)):
        shape = _pick(rng, ("rectangle", "disc", "stripe", "print"), (0.35, 0.25, 0.15, 0.25))
        red, green, blue = np.array(_colour(rng, 0.02, 0.85)) ** 1.5
        if rng.random() >= 0.7:
            red = green = blue = float(rng.choice([0.85, 0.02]))
        decals.append(
            Decal(
                face=_pick(rng, ("left", "right", "top", "front", "rear"), (0.3, 0.3, 0.14, 0.06, 0.2)),
                across=rng.uniform(0.18, 0.82),
                up=rng.uniform(0.3, 0.75),
                half_length=rng.uniform(0.06, 0.22) * (2.2 if large else 1),
                half_height=rng.uniform(0.04, 0.13) * (2.5 if large else 1),
                shape=shape,
                rgb=(float(red), float(green), float(blue)),
                nir=rng.uniform(0.05, 0.8),
            )
        )
    return tuple(decals)


def _draw_dashboard(rng: np.random.Generator) -> tuple[Thing, ...]:
    return tuple(
        Thing(rng.uniform(-0.7, 0.7), rng.uniform(0.05, 0.13), _colour(rng, 0.05, 0.9))
        for _ in range(rng.poisson(1.3))
    )


def _draw_inspection(rng: np.random.Generator) -> tuple[Thing, ...]:
    return tuple(
        Thing(
            float(rng.choice([-1, 1])) * rng.uniform(0.35, 0.75),
            rng.uniform(0.72, 0.9),
            _colour(rng, 0.2, 0.9),
        )
        for _ in range(rng.integers(0, 4))
    )


def _draw_scratches(rng: np.random.Generator) -> tuple[Scratch, ...]:
    return tuple(
        Scratch(
            face=_pick(rng, ("left", "right", "front", "rear")),
            across=rng.uniform(0.08, 0.92),
            up=rng.uniform(0.25, 0.6),
            half_length=rng.uniform(0.08, 0.35),
            half_height=rng.uniform(0.015, 0.05),
            slope=rng.uniform(-0.5, 0.5),
        )
        for _ in range(rng.poisson(0.7))
    )


def _colour(rng: np.random.Generator, low: float, high: float) -> Colour:
    red, green, blue = rng.uniform(low, high, 3)
    return float(red), float(green), float(blue)


def _chance(rng: np.random.Generator, share: float) -> bool:
    return bool(rng.random() < share)


def _pick(rng: np.random.Generator, options: tuple[str, ...], p: tuple[float, ...] | None = None) -> str:
    return options[int(rng.choice(len(options), p=p))]
