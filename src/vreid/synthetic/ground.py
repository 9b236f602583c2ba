"""What streets are made of, per sample: asphalt and its markings, verges, buildings, foliage, poles."""

from typing import Literal

import numpy as np

from vreid.synthetic.arrays import Array, Index, Mask, lattice, noise
from vreid.synthetic.bodies import Part
from vreid.synthetic.materials import SurfaceBuffers

Ground = Literal["road", "parking", "paving"]

LANE = 3.5
"""Width of a lane in metres; a road has two each way, with its middle at y = 0."""
ROAD_HALF_WIDTH = 2 * LANE
BAY = 2.7
"""Width of a parking bay in metres; bays lie side by side along y."""
BAY_HALF_LENGTH = 2.8


def cover_surroundings(
    buffers: SurfaceBuffers, ground: Ground, key: int, points: Array, normals: Array, parts: np.ndarray
) -> None:
    """Fill `buffers` where `parts (N,)` are ground or scenery; `points`, `normals` `(N, 3)` in the world.

    `key` seeds the place: its asphalt, its facades, its leaves.
    """
    for part, cover in (
        (Part.BUILDING, _facades),
        (Part.FOLIAGE, _foliage),
        (Part.POLE, _poles),
    ):
        rows = np.flatnonzero(parts == part)
        if len(rows):
            cover(buffers, rows, points[rows], normals[rows], key)
    rows = np.flatnonzero(parts == Part.GROUND)
    if len(rows):
        _floor(buffers, rows, points[rows], ground, key)


def rustle(points: Array, normals: Array, parts: np.ndarray) -> Array:
    """Return `normals (N, 3)` with those of foliage disturbed, so that leaves catch the light unevenly."""
    rows = np.flatnonzero(parts == Part.FOLIAGE)
    if not len(rows):
        return normals
    p = points[rows]
    shake = np.stack([noise(p[:, 0] * 9, p[:, 2] * 9, key) for key in (1, 2, 3)], axis=-1) - 0.5
    moved = normals.copy()
    moved[rows] += 0.9 * shake
    moved[rows] /= np.sqrt((moved[rows] ** 2).sum(1, keepdims=True))
    return moved


def _floor(buffers: SurfaceBuffers, rows: Index, p: Array, ground: Ground, key: int) -> None:
    x, y = p[:, 0], p[:, 1]
    grain = 0.5 * noise(x * 1.3, y * 1.3, key) + 0.3 * noise(x * 7, y * 7, key)
    grain = grain + 0.2 * noise(x * 31, y * 31, key)
    tone = 0.06 + 0.10 * float(lattice(np.full(1, key), np.full(1, 5), 0)[0])
    albedo = tone * (0.72 + 0.56 * grain)
    if ground == "paving":
        albedo = albedo * 1.8 * _stones(x, y, key)
    rgb = albedo[:, None] * np.array([1, 0.98, 0.95], np.float32)
    nir, solar, heat = albedo * 1.15, np.full(len(p), 0.9), np.full(len(p), 2.0)
    marked = _markings(x, y, ground, key)
    rgb[marked] = 0.55 * (0.7 + 0.6 * grain[marked])[:, None]
    nir[marked] = 0.5
    verge = _verge(x, y, ground, key)
    green = [0.055 + 0.05 * grain, 0.085 + 0.08 * grain, 0.03 + 0.03 * grain]
    rgb[verge] = np.stack(green, axis=-1)[verge]
    nir[verge] = (0.42 + 0.25 * grain)[verge]
    solar[verge], heat[verge] = 0.45, -2.0
    buffers.rgb[rows], buffers.nir[rows] = rgb, nir
    buffers.solar[rows], buffers.heat[rows] = solar, heat


def _stones(x: Array, y: Array, key: int) -> Array:
    """Return a factor for paving stones of 0.6 m: joints darker, each stone of its own tone."""
    u, v = x / 0.6, y / 0.6
    joint = ((u % 1) < 0.05) | ((v % 1) < 0.05)
    tone = 0.8 + 0.4 * lattice(np.floor(u), np.floor(v), key)
    return np.where(joint, np.float32(0.55), tone).astype(np.float32)


def _markings(x: Array, y: Array, ground: Ground, key: int) -> Mask:
    if ground == "road":
        middle = np.abs(np.abs(y) - 0.12) < 0.06
        lanes = (np.abs(np.abs(y) - LANE) < 0.07) & ((x + key * 1.7) % 6 < 3.2)
        edges = np.abs(np.abs(y) - ROAD_HALF_WIDTH + 0.25) < 0.07
        return np.asarray(middle | lanes | edges)
    if ground == "parking":
        between = (np.abs((y + BAY / 2) % BAY) < 0.09) & (np.abs(x) < BAY_HALF_LENGTH)
        return np.asarray(between | (np.abs(np.abs(x) - BAY_HALF_LENGTH) < 0.05))
    return np.zeros(len(x), bool)


def _verge(x: Array, y: Array, ground: Ground, key: int) -> Mask:
    """Return where grass grows: beside a road, and behind the bays of every other car park."""
    if ground == "road":
        return np.abs(y) > ROAD_HALF_WIDTH + 0.2
    if ground == "parking" and key % 2:
        return np.abs(x) > 9
    return np.zeros(len(x), bool)


def _facades(buffers: SurfaceBuffers, rows: Index, p: Array, n: Array, key: int) -> None:
    along = np.where(np.abs(n[:, 0]) > 0.5, p[:, 1], p[:, 0])
    wall = 0.18 + 0.35 * lattice(np.floor(p[:, 0] / 9), np.floor(p[:, 1] / 9), key)
    window = (((along / 2.2) % 1) > 0.35) & (((p[:, 2] / 3) % 1) > 0.4) & (p[:, 2] > 1)
    rgb = wall[:, None] * np.array([1, 0.93, 0.84], np.float32)
    rgb[window] = 0.04
    buffers.rgb[rows], buffers.nir[rows] = rgb, np.where(window, 0.05, wall * 1.1)
    buffers.specular[rows] = np.where(window, 0.06, 0)
    buffers.gloss[rows] = np.where(window, 0.8, 0)


def _foliage(buffers: SurfaceBuffers, rows: Index, p: Array, n: Array, key: int) -> None:
    leaf = noise(p[:, 0] * 6 + p[:, 2] * 5, p[:, 1] * 6 - p[:, 2] * 3, key)
    green = [0.02 + 0.06 * leaf, 0.04 + 0.10 * leaf, 0.012 + 0.03 * leaf]
    buffers.rgb[rows], buffers.nir[rows] = np.stack(green, axis=-1), 0.3 + 0.4 * leaf
    buffers.heat[rows] = -2


def _poles(buffers: SurfaceBuffers, rows: Index, p: Array, n: Array, key: int) -> None:
    buffers.rgb[rows], buffers.nir[rows] = 0.22, 0.3
