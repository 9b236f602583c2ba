"""Takes the pictures: from a shot of the plan to finished images in one or more spectra.

What happens in a picture is drawn from streams named by camera, by passage (identity and camera) and by
shot, never from what was drawn before; so pictures may be taken in any order by any process.
"""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
from PIL import Image

from vreid.params.render import RenderSpec
from vreid.synthetic.arrays import Array, Stream, stream
from vreid.synthetic.environment import Site, build_occluder, build_site, place_traffic
from vreid.synthetic.ground import LANE, Ground, cover_surroundings, rustle
from vreid.synthetic.light import Kind, Light, draw_light
from vreid.synthetic.materials import SurfaceBuffers, cover_vehicle
from vreid.synthetic.scene import (
    Camera,
    Film,
    Placed,
    Scene,
    Surfaces,
    View,
    cast,
    crop_camera,
    vehicle_solid,
)
from vreid.synthetic.sensor import Exposure, Picture, develop, develop_thermal
from vreid.synthetic.shading import background, gather, near_infrared, temperature, visible
from vreid.synthetic.vehicles import Vehicle, draw_details, draw_finish, draw_model
from vreid.synthetic.world import Shot, World, random_paint

Band = Literal["rgb", "nir", "tir"]

TRAFFIC_POOL = 12
LEAST_VISIBLE = 0.5
"""Where less of the vehicle shows, a person would not have drawn a box: what hides it is taken away."""
SMALLEST_SIDE = 32
"""Pixels below which detectors of surveillance cameras drop a vehicle."""
AMBIENT_SAMPLES = 4
"""Ambient rays per pixel, spread over its samples."""


@dataclass(frozen=True)
class Format:
    """The shape of a dataset's images.

    `aspect` width / height, or None for that of each vehicle's box; `padded` widens the box to the aspect
    instead of stretching it; `one_size` scales pictures of low resolution back up to the full size.
    """

    aspect: float | None = None
    padded: bool = True
    one_size: bool = False


@dataclass(frozen=True)
class Setup:
    """One camera: where it stands, relative to the origin of its site, and how it renders white."""

    view: View
    site: Site
    white_balance: tuple[float, float, float]


@dataclass(frozen=True)
class Passage:
    """What all shots of an identity in one camera share: light, glare, driving direction, lane, dirt.

    `warmth` is how hot the vehicle has been driven, as a share of its usual heat.
    """

    light: Light
    flare: float
    flare_at: tuple[float, float]
    heading: int
    lane: float
    dirt: float
    warmth: float


class Studio:
    """Takes the shots of one world; keeps sites and traffic ready."""

    def __init__(self, world: World, shape: Format) -> None:
        self._world, self._spec, self._shape = world, world.spec, shape
        self._setup = lru_cache(maxsize=64)(self._build_setup)

    def take(self, shot: Shot, bands: tuple[Band, ...]) -> list[Picture]:
        """Return one picture `(h, w, 3)` uint8 per spectrum, aligned pixel by pixel."""
        spec = self._spec
        rng = stream(spec.seed, Stream.SHOT, shot.pid, shot.camera, shot.step)
        setup, passage = self._setup(shot.camera), draw_passage(spec, shot)
        vehicle = self._world.vehicle(shot)
        target, view = self._pose(shot, setup, passage, vehicle, rng)
        film = self._film(rng)
        camera = crop_camera(target, view, film, margins(spec, shot))
        scene, surfaces = self._compose(target, view, camera, setup.site, rng)
        radiance = _shade(scene, camera, surfaces, passage, setup.site, bands, rng)
        exposure = self._exposure(setup, passage, rng)
        pictures = [_develop(band, radiance[band], camera, exposure, rng) for band in bands]
        if self._shape.one_size:
            pictures = [self._full_size(picture) for picture in pictures]
        return pictures

    def _pose(
        self, shot: Shot, setup: Setup, passage: Passage, vehicle: Vehicle, rng: np.random.Generator
    ) -> tuple[Placed, View]:
        """Return the vehicle where it stands at this shot, and the camera seen from there."""
        solid = vehicle_solid(vehicle)
        yaw = (0.0 if passage.heading > 0 else np.pi) + rng.normal(0, 0.02)
        if self._spec.style != "surveillance":
            y = -passage.heading * passage.lane if setup.site.ground == "road" else 0.0
            return Placed(solid, 0.0, y, yaw, vehicle), self._free_view(setup.view, rng)
        progress = (shot.step + rng.uniform(0, 1)) / self._spec.images_per_camera
        x = passage.heading * (progress - 0.5) * 8
        y = -passage.heading * passage.lane + rng.normal(0, 0.2)
        view = _seen_from(setup.view, x, y)
        return Placed(solid, x, y, yaw, vehicle), replace(view, roll=rng.normal(0, 0.02))

    def _free_view(self, base: View, rng: np.random.Generator) -> View:
        """Return a view that moves with the camera: a drone anywhere above, or a person around a car."""
        if self._spec.style == "uav":
            elevation = np.radians(rng.uniform(40, 89))
            distance = base.distance * rng.uniform(0.9, 1.1)
            return View(rng.uniform(0, 2 * np.pi), elevation, distance, rng.uniform(-np.pi, np.pi))
        azimuth = base.azimuth + rng.normal(0, 0.25)
        elevation = np.radians(rng.uniform(2, 14))
        return View(azimuth, elevation, base.distance * rng.uniform(0.9, 1.2), rng.normal(0, 0.015))

    def _film(self, rng: np.random.Generator) -> Film:
        spec, shape = self._spec, self._shape
        low = rng.uniform(0.35, 1) if rng.random() < spec.low_resolution else 1.0
        side = max(min(SMALLEST_SIDE, spec.image_size), round(spec.image_size * low))
        return Film(side, spec.supersampling, shape.aspect, shape.padded)

    def _compose(
        self, target: Placed, view: View, camera: Camera, site: Site, rng: np.random.Generator
    ) -> tuple[Scene, Surfaces]:
        """Return the scene with traffic and occluders, thinned until enough of the vehicle shows."""
        occluders = []
        if rng.random() < self._spec.occlusion:
            occluders = [build_occluder(target, view, rng)]
        traffic: list[Placed] = []
        if self._spec.style != "product":
            traffic = place_traffic(self._traffic, target, site.ground, rng)
        for around in ([*traffic, *occluders], occluders, []):
            scene = Scene([target, *around, *site.scenery])
            surfaces = cast(scene, camera)
            # The target comes first: it is owner 0 of the surfaces.
            if not around or int((surfaces.owner == 0).sum()) >= LEAST_VISIBLE * surfaces.alone:
                break
        return scene, surfaces

    def _exposure(self, setup: Setup, passage: Passage, rng: np.random.Generator) -> Exposure:
        night = passage.light.kind == "night"
        product = self._spec.style == "product"
        blurred = not product and rng.random() < 0.3
        return Exposure(
            stops=rng.normal(-0.1 - (0.3 if night else 0), 0.15 if product else 0.3),
            white_balance=setup.white_balance,
            noise=rng.uniform(0.004, 0.012) if product else rng.uniform(0.01, 0.04),
            blur=rng.uniform(0.01, 0.04) if blurred else 0.0,
            flare=passage.flare,
            flare_at=passage.flare_at,
            dark=passage.light.dark,
        )

    def _full_size(self, picture: Picture) -> Picture:
        aspect, side = self._shape.aspect or 1.0, self._spec.image_size
        size = (side, round(side / aspect)) if aspect >= 1 else (round(side * aspect), side)
        if size == (picture.shape[1], picture.shape[0]):
            return picture
        return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))

    @cached_property
    def _traffic(self) -> list[Vehicle]:
        return [_passer_by(self._spec.seed, number) for number in range(TRAFFIC_POOL)]

    def _build_setup(self, number: int) -> Setup:
        spec = self._spec
        rng = stream(spec.seed, Stream.CAMERA, number)
        red, green, blue = rng.uniform(0.86, 1.14, 3)
        azimuth = rng.uniform(0, 2 * np.pi)
        elevation, distance = np.radians(rng.uniform(10, 35)), rng.uniform(13, 32)
        ground: Ground = "road"
        if spec.style == "uav":
            distance = rng.uniform(25, 60)
            ground = "parking" if number % 2 else "road"
        elif spec.style == "product":
            # Most photographs show a car from its front quarter.
            azimuth, elevation = rng.choice([-1, 1]) * rng.normal(0.7, 0.35), np.radians(8)
            distance = rng.uniform(6.5, 10)
            ground = ("paving", "parking", "road")[number % 3]
        site = build_site(spec.seed, number, ground, azimuth, scenery=spec.style != "uav")
        view = View(azimuth, elevation, distance, 0.0)
        return Setup(view, site, (float(red), float(green) * 0.98, float(blue)))


def margins(spec: RenderSpec, shot: Shot) -> tuple[float, float, float, float]:
    """Return by how much a shot's box is wider than its vehicle: left, bottom, right, top, as shares."""
    rng = stream(spec.seed, Stream.SHOT, shot.pid, shot.camera, shot.step, 1)
    low, high = (0.05, 0.30) if spec.style == "product" else (-0.02, 0.10)
    left, bottom, right, top = rng.uniform(low, high, 4).tolist()
    return left, bottom, right, top


def jpeg_quality(spec: RenderSpec, shot: Shot) -> int:
    """Return the quality at which a shot is stored."""
    rng = stream(spec.seed, Stream.SHOT, shot.pid, shot.camera, shot.step, 2)
    low, high = (80, 95) if spec.style == "product" else (50, 92)
    return int(rng.integers(low, high))


def cover_surfaces(
    scene: Scene, surfaces: Surfaces, site: Site, *, wheel_angle: float, dirt: float, warmth: float = 1.0
) -> SurfaceBuffers:
    """Return the materials of all samples of a scene at `site`."""
    buffers = SurfaceBuffers(len(surfaces.sample))
    for number, item in enumerate(scene.placed):
        rows = np.flatnonzero(surfaces.owner == number)
        if item.vehicle is not None and len(rows):
            cover_vehicle(
                buffers, rows, item.vehicle, surfaces.local_point[rows], surfaces.local_normal[rows],
                surfaces.part[rows], wheel_angle=wheel_angle, dirt=dirt, warmth=warmth,
            )  # fmt: skip
    cover_surroundings(buffers, site.ground, site.key, surfaces.point, surfaces.normal, surfaces.part)
    return buffers


def draw_passage(spec: RenderSpec, shot: Shot) -> Passage:
    """Return the passage that a shot belongs to."""
    rng = stream(spec.seed, Stream.PASSAGE, shot.pid, shot.camera)
    time = rng.random()
    kind: Kind = "sunny" if rng.random() < 0.6 else "overcast"
    if time < spec.night:
        kind = "night"
    elif time < spec.night + spec.dusk:
        kind = "dusk"
    light = draw_light(kind, shot.camera, rng)
    flare = rng.uniform(0.6, 1.8)
    return Passage(
        light=light,
        flare=flare if rng.random() < spec.glare else 0.0,
        flare_at=(rng.uniform(-0.1, 1.1), rng.uniform(-0.2, 0.6)),
        heading=int(rng.choice([-1, 1])),
        lane=LANE * float(rng.choice([0.5, 1.5])),
        dirt=float(rng.choice([0.05, 0.15, 0.5], p=[0.6, 0.3, 0.1])),
        warmth=rng.uniform(0.75, 1.2),
    )


def _passer_by(seed: int, number: int) -> Vehicle:
    """Return a vehicle of the traffic: of a model that no identity has."""
    rng = stream(seed, Stream.TRAFFIC, number)
    model = draw_model(seed, 1_000_000 + number)
    finish = draw_finish(seed, random_paint(rng), 2, number)
    return Vehicle(model, finish, draw_details(seed, model.type, 0, 0, 0, number))


def _seen_from(view: View, x: float, y: float) -> View:
    """Return the view of a camera, given relative to the origin, relative to `(x, y)`."""
    flat = view.distance * np.cos(view.elevation)
    dx, dy = flat * np.cos(view.azimuth) - x, flat * np.sin(view.azimuth) - y
    height = view.distance * np.sin(view.elevation)
    away = float(np.hypot(dx, dy))
    return View(
        float(np.arctan2(dy, dx)),
        float(np.arctan2(height, away)),
        float(np.hypot(away, height)),
        view.roll,
    )


def _shade(
    scene: Scene, camera: Camera, surfaces: Surfaces, passage: Passage, site: Site,
    bands: tuple[Band, ...], rng: np.random.Generator,
) -> dict[Band, Array]:  # fmt: skip
    """Return radiance or temperature `(H, W, C)` in samples for each band."""
    light = passage.light
    wheel_angle = rng.uniform(0, 2 * np.pi)
    buffers = cover_surfaces(
        scene, surfaces, site, wheel_angle=wheel_angle, dirt=passage.dirt, warmth=passage.warmth
    )
    surfaces = replace(surfaces, normal=rustle(surfaces.point, surfaces.normal, surfaces.part))
    rays = max(1, AMBIENT_SAMPLES // camera.supersampling**2)
    incident = gather(scene, camera, surfaces, buffers, light, ambient_rays=rays, rng=rng)
    seen: dict[Band, Array] = {}
    for band in bands:
        if band == "rgb":
            values = visible(surfaces, buffers, light, incident)
        elif band == "nir":
            values = near_infrared(surfaces, buffers, light, incident)
        else:
            values = temperature(surfaces, buffers, light, incident)
        image = np.empty((len(camera.directions), values.shape[1]), np.float32)
        image[surfaces.sample] = values
        sky = np.ones(len(image), bool)
        sky[surfaces.sample] = False
        image[sky] = background(light, camera.directions[sky], band)
        seen[band] = image.reshape(camera.height, camera.width, -1)
    return seen


def _develop(
    band: Band, radiance: Array, camera: Camera, exposure: Exposure, rng: np.random.Generator
) -> Picture:
    if band == "tir":
        return develop_thermal(radiance, camera.supersampling, rng)
    if band == "nir":
        exposure = replace(exposure, flare=exposure.flare * 0.5)
    return develop(radiance, camera.supersampling, exposure, rng)
