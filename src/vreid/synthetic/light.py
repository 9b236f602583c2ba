"""Sun, sky and lamps: one state of the light, and the sky's radiance in a direction. Units are relative."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from vreid.synthetic.arrays import Array, noise

Kind = Literal["sunny", "overcast", "dusk", "night"]


@dataclass(frozen=True)
class Lamp:
    """A street lamp: position in metres and linear RGB power."""

    position: Array
    power: Array


@dataclass(frozen=True)
class Light:
    """One state of the light.

    `towards_sun` unit vector; `sun`, `zenith`, `horizon`, `ground` linear RGB; `clouds` their share (0..1);
    `air` temperature in degrees Celsius; `key` seeds clouds and skyline.
    """

    kind: Kind
    towards_sun: Array
    sun: Array
    zenith: Array
    horizon: Array
    ground: Array
    clouds: float
    lamp: Lamp | None
    air: float
    key: int

    @property
    def dark(self) -> bool:
        """Whether lamps are lit and cameras light the scene in the near infrared."""
        return self.kind in ("dusk", "night")


def draw_light(kind: Kind, key: int, rng: np.random.Generator) -> Light:
    """Return a light of a kind: where the sun stands, how cloudy it is, which lamp burns."""
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(18, 65))
    flat = np.cos(elevation)
    towards_sun = _rgb(np.cos(azimuth) * flat, np.sin(azimuth) * flat, np.sin(elevation))
    clouds, air = rng.uniform(0.1, 0.9), rng.uniform(8, 30)
    lamp = _draw_lamp(rng) if kind in ("dusk", "night") else None
    if kind == "sunny":
        # The lower the sun, the redder.
        white = float(np.clip(np.sin(elevation) * 1.3, 0, 1))
        sun = _rgb(3.2, 2.95 * (0.85 + 0.15 * white), 2.6 * (0.65 + 0.35 * white))
        sky = _rgb(0.28, 0.42, 0.72), _rgb(0.75, 0.82, 0.90), _rgb(0.30, 0.29, 0.27)
    elif kind == "overcast":
        clouds, sun = 0.3, _rgb(0.25, 0.25, 0.25)
        sky = _rgb(0.80, 0.84, 0.90), _rgb(0.62, 0.65, 0.69), _rgb(0.10, 0.10, 0.10)
    elif kind == "dusk":
        sun = _rgb(0.10, 0.06, 0.03)
        sky = _rgb(0.05, 0.07, 0.14), _rgb(0.22, 0.16, 0.14), _rgb(0.02, 0.02, 0.02)
    else:
        sun = _rgb(0, 0, 0)
        # The glow of a town: what the street lamp does not reach is dark, not black.
        sky = _rgb(0.005, 0.0055, 0.008), _rgb(0.020, 0.016, 0.012), _rgb(0.006, 0.006, 0.006)
    return Light(kind, towards_sun, sun, *sky, clouds, lamp, air, key)


def sky_radiance(light: Light, directions: Array) -> Array:
    """Return linear RGB `(N, 3)` seen along unit `directions`: sky, clouds, a skyline, and ground below."""
    x, y, z = directions[:, 0], directions[:, 1], directions[:, 2]
    up = np.clip(z, 0, 1)
    share = (up ** np.float32(0.45))[:, None]
    radiance = light.zenith * share + light.horizon * (1 - share)
    height = up + np.float32(0.15)
    drift = noise(x / height * 1.6 + 7, y / height * 1.6, light.key)
    cloud = np.float32(light.clouds) * np.clip(drift * 1.6 - 0.6, 0, 1)[:, None]
    radiance = radiance * (1 - cloud) + light.horizon * np.float32(1.25) * cloud
    azimuth = np.arctan2(y, x)
    skyline = 0.10 + 0.22 * noise(azimuth * 4, np.full_like(z, 3.3), light.key)
    skyline += 0.06 * noise(azimuth * 19, np.full_like(z, 1.7), light.key + 1)
    town = np.flatnonzero((z >= 0) & (z < skyline))
    shade = 0.6 + 0.8 * noise(azimuth[town] * 11, z[town] * 9, light.key)
    radiance[town] = light.horizon * _rgb(0.26, 0.27, 0.24) * shade[:, None]
    radiance[z < 0] = light.ground
    return np.asarray(radiance, np.float32)


def _draw_lamp(rng: np.random.Generator) -> Lamp:
    position = _rgb(rng.uniform(-9, 9), float(rng.choice([-1, 1])) * rng.uniform(4, 8), 7.5)
    return Lamp(position, _rgb(1, 0.72, 0.42) * np.float32(rng.uniform(4, 10)))


def _rgb(red: float, green: float, blue: float) -> Array:
    return np.array([red, green, blue], np.float32)
