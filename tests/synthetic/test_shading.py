"""Facts that hold in each spectrum, on one vehicle seen from the front quarter."""

from dataclasses import replace

import numpy as np
import pytest

from vreid.synthetic.bodies import Part, vehicle_mesh, vehicle_shape
from vreid.synthetic.environment import Site
from vreid.synthetic.light import draw_light, sky_radiance
from vreid.synthetic.materials import Glow
from vreid.synthetic.scene import Film, Placed, Scene, Solid, View, cast, crop_camera
from vreid.synthetic.shading import gather, near_infrared, temperature, visible
from vreid.synthetic.studio import cover_surfaces
from vreid.synthetic.vehicles import Vehicle, draw_details, draw_finish, draw_model

SITE = Site("road", 3, ())


class Stage:
    """One vehicle on a road, rendered sample by sample."""

    def __init__(self, kind, paint="silver", azimuth=0.5):
        model = next(m for m in (draw_model(0, k) for k in range(60)) if m.type == "sedan")
        details = replace(draw_details(0, "sedan", 4), decals=(), scratches=(), second_tone=None, taxi=False)
        vehicle = Vehicle(model, draw_finish(0, paint, 1), details)
        target = Placed(Solid(vehicle_mesh(vehicle_shape(vehicle))), vehicle=vehicle)
        self.scene = Scene([target])
        view = View(azimuth, 0.35, 14.0, 0.0)
        self.camera = crop_camera(target, view, Film(72, 1), (0.1, 0.1, 0.1, 0.1))
        self.surfaces = cast(self.scene, self.camera)
        self.buffers = cover_surfaces(self.scene, self.surfaces, SITE, wheel_angle=0.0, dirt=0.0)
        self.light = draw_light(kind, 1, np.random.default_rng(5))
        rng = np.random.default_rng(0)
        self.incident = gather(
            self.scene, self.camera, self.surfaces, self.buffers, self.light, ambient_rays=2, rng=rng
        )
        self.model = model
        self.paint = np.isclose(self.buffers.rgb, vehicle.finish.rgb, atol=1e-3).all(1)

    def seen(self, render):
        return render(self.surfaces, self.buffers, self.light, self.incident)


@pytest.fixture(scope="module")
def day():
    return Stage("sunny")


@pytest.fixture(scope="module")
def night():
    return Stage("night")


def test_radiance_is_finite_and_not_negative(day, night):
    for stage in (day, night):
        for render in (visible, near_infrared):
            values = stage.seen(render)
            assert np.isfinite(values).all()
            assert values.min() >= 0


def test_the_vehicle_shades_the_ground_from_the_sun_and_from_the_sky(day):
    ground = day.surfaces.part == Part.GROUND
    lit = day.incident.sun_visible[ground] > 0
    assert 0.05 < 1 - lit.mean() < 0.95
    brightness = day.seen(visible).mean(1)[ground]
    assert brightness[lit].mean() > 2 * brightness[~lit].mean()
    x, y = day.surfaces.point[ground, 0], day.surfaces.point[ground, 1]
    below = (np.abs(x) < day.model.length / 2) & (np.abs(y) < day.model.half_width)
    assert day.incident.ambient[ground][below].mean() < 0.5 * day.incident.ambient[ground][~below].mean()


def test_plates_reflect_the_near_infrared_lamp_of_the_camera(night):
    plate = night.buffers.retro > 0
    assert plate.any()
    nir = night.seen(near_infrared)[:, 0]
    assert nir[plate].mean() > 3 * nir[night.paint].mean()
    ground = night.surfaces.part == Part.GROUND
    assert nir[plate].mean() > 3 * np.median(nir[ground])


def test_plates_do_not_stand_out_in_the_near_infrared_by_day(day):
    nir = day.seen(near_infrared)[:, 0]
    assert nir[day.buffers.retro > 0].mean() < 2 * nir[day.paint].mean()


def test_lit_headlamps_outshine_the_paint_at_night_only(day, night):
    for stage, factor in ((night, 20), (day, 0)):
        radiance = stage.seen(visible).mean(1)
        lamp = stage.buffers.glow == Glow.HEAD
        assert radiance[lamp].mean() > factor * radiance[stage.paint].mean()
    assert day.seen(visible)[day.buffers.glow == Glow.HEAD].max() < 20


@pytest.mark.parametrize(("one", "other"), [("red", "silver"), ("blue", "silver"), ("red", "blue")])
def test_hues_collapse_in_the_near_infrared(one, other):
    stages = [Stage("overcast", paint) for paint in (one, other)]
    rgb = [stage.seen(visible)[stage.paint].mean(0) for stage in stages]
    nir = [stage.seen(near_infrared)[stage.paint].mean() for stage in stages]
    hue_contrast = np.abs(np.log(rgb[0] / rgb[1])).max()
    assert abs(np.log(nir[0] / nir[1])) < 0.5 * hue_contrast


def test_carbon_black_stays_dark_in_the_near_infrared():
    nir = [
        np.median(stage.seen(near_infrared)[stage.paint])
        for stage in (Stage("overcast", "black"), Stage("overcast", "navy"), Stage("overcast", "white"))
    ]
    assert nir[0] < 0.6 * nir[1] < nir[2]


def test_the_bonnet_over_the_engine_is_warmer_than_the_roof(night):
    heat = night.seen(temperature)[:, 0]
    up = night.surfaces.local_normal[:, 2] > 0.8
    x = night.surfaces.local_point[:, 0]
    bonnet = night.paint & up & (night.surfaces.part == Part.LOWER)
    bonnet &= np.abs(x - night.model.axles[1]) < 0.5
    roof = night.paint & up & (night.surfaces.part == Part.CABIN)
    assert heat[bonnet].mean() > heat[roof].mean() + 3


def test_glass_mirrors_the_cold_sky_and_tyres_are_warm(night):
    heat = night.seen(temperature)[:, 0]
    assert heat[night.buffers.glass].mean() < heat[night.paint].mean()
    assert heat[night.surfaces.part == Part.WHEEL].mean() > night.light.air + 3


def test_the_exhaust_is_the_hottest_spot_from_behind():
    stage = Stage("night", azimuth=np.pi - 0.3)
    hottest = int(np.argmax(stage.seen(temperature)[:, 0]))
    where = stage.surfaces.local_point[hottest]
    assert where[0] < -stage.model.length / 2 + 0.4
    assert where[2] < 0.5


def test_dark_paint_heats_more_in_the_sun():
    warm = []
    for paint in ("black", "white"):
        stage = Stage("sunny", paint)
        sunlit = stage.paint & (stage.incident.sun > 0.5)
        warm.append(stage.seen(temperature)[sunlit].mean())
    assert warm[0] > warm[1] + 4


def test_thermal_pictures_do_not_see_lamps():
    stage = Stage("night")
    lamp = stage.buffers.glow == Glow.HEAD
    heat = stage.seen(temperature)[:, 0]
    assert heat[lamp].mean() < stage.light.air + 15


def test_the_sky_is_brighter_than_the_skyline_and_the_ground():
    light = draw_light("sunny", 2, np.random.default_rng(1))
    directions = np.array([[0, 0, 1], [1, 0, 0.01], [0.6, 0, -0.8]], np.float32)
    zenith, skyline, ground = sky_radiance(light, directions).mean(1)
    assert zenith > skyline
    assert ground == pytest.approx(light.ground.mean())
