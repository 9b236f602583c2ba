"""From radiance to the picture a camera stores: bloom, flare, blur, exposure, noise, tone; gain in TIR."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vreid.synthetic.arrays import Array

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Exposure:
    """How one shot is taken.

    `stops` over (+) or under the automatic exposure; `white_balance` RGB gains; `noise` standard deviation
    at full signal; `blur` motion blur as a share of the image's width; `flare` strength of a light that
    floods the sensor (0: none) from `flare_at` (x, y as shares of the image); `dark` a camera that has
    opened up for the night.
    """

    stops: float
    white_balance: tuple[float, float, float]
    noise: float
    blur: float
    flare: float
    flare_at: tuple[float, float]
    dark: bool


def develop(radiance: Array, supersampling: int, exposure: Exposure, rng: np.random.Generator) -> Picture:
    """Return the picture `(h, w, 3)` of visible (3 channels) or near-infrared (1 channel) radiance.

    `radiance (H, W, C)` in samples; h and w are H and W divided by `supersampling`.
    """
    linear = _pixels(radiance, supersampling).astype(np.float64)
    linear = _flooded(_bloomed(linear), exposure)
    if exposure.blur > 0:
        linear = _smeared(linear, exposure.blur * linear.shape[1])
    linear *= _automatic_gain(linear, dark=exposure.dark) * 2.0**exposure.stops
    if linear.shape[2] == 3:
        linear *= np.array(exposure.white_balance)
    grain = np.sqrt(np.clip(linear, 0, 1) * 0.6 + 0.1) * exposure.noise * (2.4 if exposure.dark else 1)
    linear = np.clip(linear + rng.normal(size=linear.shape) * grain, 0, None)
    toned = linear * (1 + linear / 6) / (1 + linear * 0.75)
    return _stored(np.clip(toned, 0, 1) ** (1 / 2.2))


def develop_thermal(kelvin: Array, supersampling: int, rng: np.random.Generator) -> Picture:
    """Return the picture `(h, w, 3)` of apparent temperatures `(H, W, 1)`, stretched between two percentiles.

    Thermal optics are soft, and uncooled sensors show columns.
    """
    soft = _pixels(kelvin, supersampling)[..., 0].astype(np.float64)
    reach = max(1, int(min(soft.shape) * 0.012))
    padded = np.pad(soft, reach, mode="edge")
    h, w = soft.shape
    cross = ((0, 1), (2, 1), (1, 0), (1, 2))
    soft = (soft + sum(padded[y * reach :, x * reach :][:h, :w] for y, x in cross)) / 5
    soft = soft + rng.normal(0, 0.25, soft.shape) + rng.normal(0, 0.18, (1, w))
    low, high = np.percentile(soft, [1, 99.3])
    return _stored(np.clip((soft - low) / (high - low + 4), 0, 1)[..., None])


def _pixels(samples: Array, ss: int) -> Array:
    """Return the mean of each pixel's samples."""
    h, w, c = samples.shape
    mean: Array = samples.reshape(h // ss, ss, w // ss, ss, c).mean((1, 3))
    return mean


def _stored(grey_or_rgb: npt.NDArray[np.float64]) -> Picture:
    h, w, _ = grey_or_rgb.shape
    return np.broadcast_to((grey_or_rgb * 255 + 0.5).astype(np.uint8), (h, w, 3)).copy()


def _bloomed(linear: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the image with light of overexposed spots spread by the lens: core, halo, veil, and a streak."""
    hot = np.clip(linear - 1, 0, 20)
    if hot.max() <= 0:
        return linear
    h, w, _ = linear.shape
    y = (np.fft.fftfreq(2 * h) * 2 * h)[:, None]
    x = (np.fft.fftfreq(2 * w) * 2 * w)[None]
    square = (y * y + x * x) / (w * w)
    kernel = 0.30 * np.exp(-square / (2 * 0.012**2)) + 0.02 * np.exp(-square / (2 * 0.05**2))
    kernel += 0.004 / (1 + square / 0.003)
    kernel += 0.02 * np.exp(-((y / h) ** 2) / (2 * 0.006**2)) * np.exp(-np.abs(x) / w / 0.09)
    kernel *= 0.35 / kernel.sum()
    # Twice the size, so that what leaves on one side does not come back on the other.
    spectrum = np.fft.rfft2(hot, s=(2 * h, 2 * w), axes=(0, 1)) * np.fft.rfft2(kernel)[..., None]
    return np.asarray(linear + np.fft.irfft2(spectrum, s=(2 * h, 2 * w), axes=(0, 1))[:h, :w])


def _flooded(linear: npt.NDArray[np.float64], exposure: Exposure) -> npt.NDArray[np.float64]:
    """Return the image under the veil of a strong light in or beside the view."""
    if exposure.flare <= 0:
        return linear
    h, w, _ = linear.shape
    y = (np.arange(h)[:, None] + 0.5) / h - exposure.flare_at[1]
    x = (np.arange(w)[None] + 0.5) / w - exposure.flare_at[0]
    square = x * x + y * y
    veil = np.exp(-square / (2 * 0.10**2)) * 2 + np.exp(-square / (2 * 0.35**2)) * 0.6 + 0.12
    level = float(np.percentile(linear.mean(2), 80)) + 0.02
    return np.asarray(linear + (veil * exposure.flare * level)[..., None])


def _smeared(linear: npt.NDArray[np.float64], length: float) -> npt.NDArray[np.float64]:
    """Return the image blurred along its rows over `length` pixels."""
    steps = max(1, int(np.ceil(length)))
    padded = np.pad(linear, ((0, 0), (steps, steps), (0, 0)), mode="edge")
    w = linear.shape[1]
    start = steps - steps // 2
    return np.asarray(sum(padded[:, start + k :][:, :w] for k in range(steps + 1)) / (steps + 1))


def _automatic_gain(linear: npt.NDArray[np.float64], *, dark: bool) -> float:
    """Return the gain that puts typical luminance at 0.3; cameras give up in real darkness."""
    luminance = linear.mean(2)
    typical = np.percentile(np.minimum(luminance, 1.5), 60) + 0.15 * np.percentile(luminance, 90)
    return 0.30 / max(float(typical), 0.006 if dark else 0.02)
