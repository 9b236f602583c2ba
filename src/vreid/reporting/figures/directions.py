"""Statistics of directions, and what an affine transform of an image does to the directions in it.

Angles are in radians, counter-clockwise from the right as one sees an image. Axial statistics take a
direction and its opposite for the same: they double every angle (Mardia and Jupp, "Directional Statistics",
sec. 9.4).
"""

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

Angles = npt.NDArray[np.float64]

RESAMPLES = 2000


@dataclass(frozen=True)
class Spread:
    """How much N directions scatter.

    `resultant` is the length R of the mean of their unit vectors: 1 where all are alike, about `by_chance`
    where N independent ones are uniform. `deviation` is the circular standard deviation sqrt(-2 ln R),
    `error` the mean of the angles to the mean `direction`, both in degrees (error: 0 to 180, 90 by chance; of
    axes half of that). Without any resultant the deviation is None.
    """

    count: int
    resultant: float
    by_chance: float
    direction: float
    deviation: float | None
    error: float

    def as_numbers(self) -> dict[str, float | int | None]:
        """Return the fields by name, directions and angles in degrees, rounded for people."""
        return {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


def spread(angles: Angles, *, axial: bool = False) -> Spread:
    """Return how much directions (N,) scatter; N is at least 1."""
    fold = 2 if axial else 1
    mean = complex(np.exp(1j * fold * angles).mean())
    resultant = min(1.0, abs(mean))
    direction = float(np.angle(mean)) / fold
    off = np.abs(np.angle(np.exp(1j * fold * (angles - direction)))) / fold
    deviation = np.degrees(np.sqrt(-2 * np.log(resultant))) / fold if resultant > 0 else None
    return Spread(
        count=len(angles),
        resultant=resultant,
        by_chance=float(np.sqrt(np.pi / len(angles)) / 2),  # of the Rayleigh distribution, N not too small
        direction=float(np.degrees(direction)),
        deviation=None if deviation is None else float(deviation) + 0.0,  # no -0
        error=float(np.degrees(off.mean())),
    )


def gain(before: Angles, after: Angles, *, axial: bool = False, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of the resultant's growth from directions `before` (N,) to `after` (N,).

    By a paired bootstrap: the same images are drawn for both.
    """
    fold = 2 if axial else 1
    units = np.exp(1j * fold * np.stack([before, after]))
    rng = np.random.default_rng(seed)
    grown = np.empty(RESAMPLES)
    for number in range(RESAMPLES):
        drawn = rng.integers(len(before), size=len(before))
        first, second = np.abs(units[:, drawn].mean(axis=1))
        grown[number] = second - first
    low, high = np.quantile(grown, (0.025, 0.975))
    return float(low), float(high)


def rotations(theta: npt.NDArray[np.floating]) -> Angles:
    """Return by how much transforms (N, 2, 3) turn what a square image shows, (N,), in (-pi, pi].

    The linear part A of a transform, which leads from the output to the input with y downwards, is a rotation
    times a symmetric matrix (polar decomposition); what the image shows is moved by the inverse of A, whose
    rotation is the inverse one. Of a matrix that mirrors it is the nearest proper rotation.
    """
    a = theta[:, :, :2].astype(np.float64)
    # The rotation R nearest to A has the greatest trace(R^T A). With y downwards R turns clockwise, and its
    # inverse, which moves what is shown, counter-clockwise.
    turned: Angles = np.arctan2(a[:, 1, 0] - a[:, 0, 1], a[:, 0, 0] + a[:, 1, 1])
    return turned


def mirrors(theta: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Return which of the transforms (N, 2, 3) mirror what the image shows."""
    found: npt.NDArray[np.bool_] = np.linalg.det(theta[:, :, :2].astype(np.float64)) < 0
    return found


def carried(angles: Angles, theta: npt.NDArray[np.floating]) -> Angles:
    """Return where directions (N,) in square images point after the transforms (N, 2, 3), shear included."""
    a = theta[:, :, :2].astype(np.float64)
    x, y = np.cos(angles), -np.sin(angles)
    # The inverse of A, but for its length: the adjugate, with the sign of the determinant.
    sign = np.where(mirrors(theta), -1.0, 1.0)
    right = sign * (a[:, 1, 1] * x - a[:, 0, 1] * y)
    down = sign * (a[:, 0, 0] * y - a[:, 1, 0] * x)
    found: Angles = np.arctan2(-down, right)
    return found
