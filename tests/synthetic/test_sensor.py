import numpy as np
import pytest

from vreid.synthetic.sensor import Exposure, develop, develop_thermal

PLAIN = Exposure(
    stops=0.0, white_balance=(1, 1, 1), noise=0.0, blur=0.0, flare=0.0, flare_at=(0.5, 0.5), dark=False
)


def rng():
    return np.random.default_rng(0)


def changed(**changes):
    return Exposure(**(PLAIN.__dict__ | changes))


def scene(level=0.2):
    """A grey field with a brighter square, in samples of a 2 x 2 supersampled image."""
    image = np.full((32, 48, 3), level, np.float32)
    image[8:24, 16:32] *= 3
    return image


def test_a_picture_has_a_pixel_per_block_of_samples():
    assert develop(scene(), 2, PLAIN, rng()).shape == (16, 24, 3)
    assert develop(scene()[..., :1], 2, PLAIN, rng()).shape == (16, 24, 3)
    assert develop_thermal(scene()[..., :1], 2, rng()).shape == (16, 24, 3)


def test_exposure_is_automatic():
    one, two = develop(scene(0.1), 2, PLAIN, rng()), develop(scene(0.2), 2, PLAIN, rng())
    assert one == pytest.approx(two, abs=1)
    assert develop(scene(), 2, changed(stops=1.0), rng()).mean() > one.mean() + 10


def test_white_balance_tints_colour_pictures_alone():
    warm = changed(white_balance=(1.2, 1.0, 0.8))
    red, _, blue = develop(scene(), 2, warm, rng()).mean((0, 1))
    assert red > blue + 5
    grey = develop(scene()[..., :1], 2, warm, rng())
    assert (grey == grey[..., :1]).all()


def test_noise_is_stronger_in_the_dark():
    def spread(exposure):
        return develop(np.full((64, 64, 1), 0.3, np.float32), 1, exposure, rng()).std()

    assert spread(PLAIN) == 0
    assert 0 < spread(changed(noise=0.02)) < spread(changed(noise=0.02, dark=True))


def test_overexposed_spots_bloom_and_stay_where_they_are():
    image = np.full((33, 33, 1), 0.2, np.float32)
    dull = develop(image, 1, PLAIN, rng()).astype(int)
    image[4, 4] = 20
    bright = develop(image, 1, PLAIN, rng()).astype(int)
    gain = (bright - dull)[..., 0]
    assert np.unravel_index(gain.argmax(), gain.shape) == (4, 4)
    assert gain[4, 7] > gain[4, 20] >= 0
    assert gain[4, 7] == gain[4, 1]
    # Light that leaves at one edge does not come back at the other.
    assert gain[4, 32] <= gain[4, 20]


def test_a_flare_brightens_its_corner_and_takes_contrast():
    image = scene()
    image[:, ::2] *= 0.5
    clear, veiled = (develop(image, 1, changed(flare=f, flare_at=(0.0, 0.0)), rng()) for f in (0.0, 1.5))
    corner = veiled[:6, :6].mean() / veiled[-6:, -6:].mean()
    assert corner > 1.5 * clear[:6, :6].mean() / clear[-6:, -6:].mean()
    assert veiled[12:20, 20:28].std() < clear[12:20, 20:28].std()


def test_motion_blurs_along_rows_only():
    image = np.full((32, 32, 1), 0.2, np.float32)
    image[:, 16:] = 0.6
    moved = develop(image, 1, changed(blur=0.15), rng())[..., 0].astype(int)
    assert len(np.unique(moved[5])) > 3
    assert (moved == moved[:1]).all()
    still = develop(image.transpose(1, 0, 2), 1, changed(blur=0.15), rng())[..., 0]
    assert len(np.unique(still[:, 5])) == 2


def test_thermal_gain_control_removes_the_air_temperature():
    kelvin = scene()[..., :1] * 30
    cold, warm = develop_thermal(kelvin, 2, rng()), develop_thermal(kelvin + 15, 2, rng())
    assert cold == pytest.approx(warm, abs=1)
    assert cold[8, 12, 0] > cold[0, 0, 0]
