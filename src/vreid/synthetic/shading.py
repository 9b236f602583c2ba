"""From surfaces and light to radiance: visible, near infrared, and apparent temperature."""

from dataclasses import dataclass

import numpy as np

from vreid.synthetic.arrays import Array, Mask, dot, unit
from vreid.synthetic.bodies import Part
from vreid.synthetic.light import Light, sky_radiance
from vreid.synthetic.materials import Glow, SurfaceBuffers
from vreid.synthetic.scene import Camera, Scene, Surfaces

NIR_WEIGHTS = np.array([0.45, 0.35, 0.20], np.float32)
"""How much visible light says about near-infrared light of the same source."""
AMBIENT_REACH = 3.0
"""Metres within which a surface keeps ambient light from another; farther walls only add grain."""
SHINES = 0.015
"""Reflectance at normal incidence above which a surface mirrors its surroundings."""


@dataclass(frozen=True)
class Incident:
    """Light at N samples, before it meets a material.

    `sun` cosine times visibility (0 or 1, `sun_visible`); `ambient` open share of the surroundings (0..1);
    `facing` cosine towards the camera; `fresnel` mirrored share; `mirror (N, 3)` mirrored view direction,
    `mirror_blocked` whether it meets a solid, `mirrored (N, 3)` radiance from there; `lamp`, `lamp_gloss`
    `(N, 3)` from the street lamp; `headlamps` from headlamp cones.
    """

    sun: Array
    sun_visible: Array
    ambient: Array
    facing: Array
    fresnel: Array
    mirror: Array
    mirror_blocked: Mask
    mirrored: Array
    lamp: Array
    lamp_gloss: Array
    headlamps: Array


def gather(
    scene: Scene, camera: Camera, surfaces: Surfaces, buffers: SurfaceBuffers, light: Light,
    *, ambient_rays: int, rng: np.random.Generator,
) -> Incident:  # fmt: skip
    """Trace shadow, ambient and mirror rays from every sample and return the light that arrives."""
    count, normals = len(surfaces.sample), surfaces.normal
    origins = surfaces.lifted()
    sun = np.clip(dot(normals, light.towards_sun[None]), 0, None)
    sun_visible = np.zeros(count, np.float32)
    lit = np.flatnonzero(sun > 0)
    towards = np.broadcast_to(light.towards_sun, (len(lit), 3))
    sun_visible[lit] = ~scene.blocked(origins[lit], towards)
    facing = np.clip(-dot(normals, surfaces.direction), 0, 1)
    mirror = surfaces.direction + 2 * facing[:, None] * normals
    shiny = np.flatnonzero(buffers.specular > SHINES)
    blocked = np.zeros(count, bool)
    blocked[shiny] = scene.blocked(origins[shiny], mirror[shiny]) & (mirror[shiny, 2] > 0)
    mirrored = np.zeros((count, 3), np.float32)
    # What stands in the way of a mirrored ray is taken as much darker than the sky.
    mirrored[shiny] = sky_radiance(light, mirror[shiny])
    mirrored[shiny] *= (1 - 0.85 * blocked[shiny])[:, None].astype(np.float32)
    lamp, lamp_gloss = _street_lamp(scene, surfaces, light, mirror, origins)
    fresnel = buffers.specular + (1 - buffers.specular) * (1 - facing) ** 5 * buffers.gloss
    return Incident(
        sun=sun * sun_visible,
        sun_visible=sun_visible,
        ambient=_ambient(scene, camera, surfaces, origins, ambient_rays, rng),
        facing=facing,
        fresnel=fresnel,
        mirror=mirror,
        mirror_blocked=blocked,
        mirrored=mirrored,
        lamp=lamp,
        lamp_gloss=lamp_gloss * (buffers.specular > SHINES)[:, None],
        headlamps=_headlamps(scene, surfaces) if light.dark else np.zeros(count, np.float32),
    )


def visible(surfaces: Surfaces, buffers: SurfaceBuffers, light: Light, incident: Incident) -> Array:
    """Return linear RGB radiance `(N, 3)`."""
    warm = np.array([3, 2.8, 2.4], np.float32)
    arriving = light.sun * incident.sun[:, None] + incident.lamp + warm * incident.headlamps[:, None]
    arriving = arriving + _ambient_rgb(surfaces, light) * _openness(incident)[:, None]
    diffuse = buffers.rgb * (1 - incident.fresnel * 0.8)[:, None] * arriving / np.float32(np.pi)
    mirrored = (incident.fresnel * buffers.gloss)[:, None] * incident.mirrored
    radiance = diffuse + mirrored + _highlights(buffers, light, incident)
    return radiance + (_glow(surfaces, buffers) if light.dark else 0)


def near_infrared(surfaces: Surfaces, buffers: SurfaceBuffers, light: Light, incident: Incident) -> Array:
    """Return near-infrared radiance `(N, 1)`; in the dark the camera lights the scene itself."""
    up = _upward(surfaces)
    sun = float((light.sun * np.array([0.6, 0.25, 0.1], np.float32)).sum()) * incident.sun
    sky = _nir(light.zenith) * 0.35 + _nir(light.horizon) * 0.8
    below = float(light.ground.mean()) * 0.96
    ambient = (sky * up * 2 + below * (1 - up) * 1.5) * _openness(incident)
    own = np.zeros(len(up), np.float32)
    if light.dark:
        own = incident.facing / np.maximum(surfaces.distance, 3) ** 2 * 200
    arriving = sun + ambient + incident.headlamps * 1.5 + own
    radiance = buffers.nir * arriving / np.float32(np.pi)
    radiance = radiance + incident.fresnel * buffers.gloss * _nir(incident.mirrored) * 0.7
    radiance = radiance + _nir(_highlights(buffers, light, incident)) + buffers.retro * own * 2
    if light.dark:
        radiance = radiance + _nir(_glow(surfaces, buffers))
    return np.asarray(radiance)[:, None].astype(np.float32)


def temperature(surfaces: Surfaces, buffers: SurfaceBuffers, light: Light, incident: Incident) -> Array:
    """Return apparent temperature `(N, 1)`, Celsius: emissivity * own + (1 - emissivity) * mirrored."""
    ground = surfaces.part == Part.GROUND
    up = np.clip(surfaces.normal[:, 2], 0, 1)
    sun = float(light.sun.sum()) / 8.7 * incident.sun
    # The wind of driving takes half of the heat that the sun would leave on a parked vehicle.
    own = light.air + buffers.heat + sun * buffers.solar * np.where(ground, 17, 12)
    # Surfaces that see the sky cool below the air, more so at night; ground below a vehicle does not.
    own = own - 2.5 * up * (1.0 if light.dark else 0.3) * ~ground
    own = own + np.where(ground, (3 if light.dark else -6) * (1 - incident.ambient), 0)
    height = np.clip(incident.mirror[:, 2], 0, 1)
    sky = light.air - (8 if light.kind == "overcast" else 32) * np.sqrt(height)
    mirrored = np.where(incident.mirror_blocked, light.air + 2, sky)
    mirrored = np.where(incident.mirror[:, 2] > 0, mirrored, light.air + 3)
    emissivity = buffers.emissivity * (1 - 0.55 * (1 - incident.facing) ** 4)
    apparent = emissivity * own + (1 - emissivity) * mirrored
    return np.asarray(apparent)[:, None].astype(np.float32)


def background(light: Light, directions: Array, band: str) -> Array:
    """Return what unblocked `directions (N, 3)` see: `(N, 3)` for `rgb`, else `(N, 1)`."""
    if band == "tir":
        height = np.clip(directions[:, 2], 0, 1)
        return (light.air - 30 * height ** np.float32(0.4))[:, None].astype(np.float32)
    sky = sky_radiance(light, directions)
    return sky if band == "rgb" else (_nir(sky) * np.float32(0.6))[:, None]


def _ambient(
    scene: Scene, camera: Camera, surfaces: Surfaces, origins: Array, rays: int,
    rng: np.random.Generator,
) -> Array:  # fmt: skip
    """Return the share of cosine-distributed rays that stay free within AMBIENT_REACH.

    The rays of one pixel follow an R2 sequence from a random start, so that few of them are even.
    """
    ss, width = camera.supersampling, camera.width
    row, column = np.divmod(surfaces.sample, width)
    pixel = (row // ss) * (width // ss) + column // ss
    start = rng.random((2, (camera.height // ss) * (width // ss)), dtype=np.float32)[:, pixel]
    within = ((row % ss) * ss + column % ss).astype(np.float32)
    # The rays of a sample one after the other: (rays, N), in one pass.
    step = within * rays + np.arange(rays, dtype=np.float32)[:, None]
    u = (start[0] + step * np.float32(0.7548776662)) % 1
    v = (start[1] + step * np.float32(0.5698402910)) % 1
    height = 1 - 2 * u
    flat = np.sqrt(np.clip(1 - height * height, 0, 1))
    angle = np.float32(2 * np.pi) * v
    ball = np.stack([flat * np.cos(angle), flat * np.sin(angle), height], axis=-1)
    direction = unit(ball + surfaces.normal * np.float32(1.001)).reshape(-1, 3)
    # Folded above the horizon: light from below is the ground's term.
    direction[:, 2] = np.abs(direction[:, 2]) + np.float32(0.02)
    blocked = scene.blocked(np.tile(origins, (rays, 1)), direction, AMBIENT_REACH)
    return np.asarray((rays - blocked.reshape(rays, -1).sum(0)) / np.float32(rays), np.float32)


def _street_lamp(
    scene: Scene, surfaces: Surfaces, light: Light, mirror: Array, origins: Array
) -> tuple[Array, Array]:
    """Return diffuse and glossy light `(N, 3)` of the street lamp, with its shadow."""
    normals = surfaces.normal
    if light.lamp is None:
        nothing = np.zeros((len(normals), 3), np.float32)
        return nothing, nothing
    line = light.lamp.position - surfaces.point
    square, towards = dot(line, line), unit(line)
    cosine = np.clip(dot(normals, towards), 0, None)
    seen = np.zeros(len(normals), np.float32)
    lit = np.flatnonzero(cosine > 0)
    seen[lit] = ~scene.blocked(origins[lit], towards[lit])
    diffuse = cosine * seen / square * np.float32(2.2)
    glossy = np.clip(dot(mirror, towards), 0, 1) ** 120 * seen / square * 8
    return diffuse[:, None] * light.lamp.power, glossy[:, None] * light.lamp.power


def _headlamps(scene: Scene, surfaces: Surfaces) -> Array:
    """Return the light `(N,)` of all vehicles' headlamp cones on what stands before them; no shadows."""
    total = np.zeros(len(surfaces.sample), np.float32)
    for item in scene.placed:
        if item.vehicle is None:
            continue
        model = item.vehicle.model
        ahead = item.world_vectors(np.array([[1, 0, -0.06]], np.float32))[0]
        for side in (-1, 1):
            place = np.array([[model.length / 2 + 0.05, side * model.width * 0.36, 0.65]], np.float32)
            towards = surfaces.point - item.world_points(place)
            distance = np.sqrt(dot(towards, towards)) + np.float32(0.3)
            along = dot(towards, ahead[None]) / distance
            cone = np.clip((along - 0.86) / 0.14, 0, 1) ** 2
            cosine = np.clip(-dot(surfaces.normal, towards) / distance, 0.02, 1)
            total += cone * cosine / (distance * distance) * 9
    return total


def _ambient_rgb(surfaces: Surfaces, light: Light) -> Array:
    """Return ambient irradiance `(N, 3)`: sky from above, ground from below."""
    up = _upward(surfaces)[:, None]
    sky = (light.zenith * np.float32(0.6) + light.horizon * np.float32(0.4)) * np.float32(0.55 * np.pi)
    below = light.ground * np.float32(0.4 * np.pi)
    return np.asarray(sky * up + below * (1 - up))


def _upward(surfaces: Surfaces) -> Array:
    return np.asarray(0.5 + 0.5 * surfaces.normal[:, 2])


def _openness(incident: Incident) -> Array:
    return np.asarray(0.12 + 0.88 * incident.ambient)


def _highlights(buffers: SurfaceBuffers, light: Light, incident: Incident) -> Array:
    """Return the mirrored sun and street lamp `(N, 3)`, sharper on glossier surfaces."""
    cosine = np.clip(dot(incident.mirror, light.towards_sun[None]), 0, 1)
    lobe = cosine ** (20 + 380 * buffers.gloss**2) * (2 + 18 * buffers.gloss)
    lobe = lobe * incident.sun_visible * (buffers.specular > SHINES)
    glossy = lobe[:, None] * light.sun * np.float32(0.5) + incident.lamp_gloss
    return np.asarray(glossy * (buffers.specular * 4)[:, None])


def _glow(surfaces: Surfaces, buffers: SurfaceBuffers) -> Array:
    """Return what lit lamps send to the camera `(N, 3)`; headlamps blind along the vehicle's axis."""
    radiance = np.zeros((len(buffers.glow), 3), np.float32)
    head = buffers.glow == Glow.HEAD
    # The lamp's own face is tilted back; what counts is how far the camera stands off the vehicle's axis.
    ahead = np.clip(surfaces.ahead[head], 0, 1)
    radiance[head] = np.array([1, 0.95, 0.85], np.float32) * (1.2 + 14 * ahead**8)[:, None]
    radiance[buffers.glow == Glow.TAIL] = (0.30, 0.010, 0.008)
    radiance[buffers.glow == Glow.SIGN] = (0.8, 0.6, 0.1)
    return radiance


def _nir(rgb: Array) -> Array:
    return np.asarray(dot(rgb, NIR_WEIGHTS))
