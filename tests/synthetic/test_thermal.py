"""What tells vehicles apart by their heat alone, and what changes from day to day."""

from dataclasses import replace

import numpy as np
import pytest
from tests.synthetic.small import small_spec

from vreid.synthetic.bodies import Part, vehicle_mesh, vehicle_shape
from vreid.synthetic.environment import Site
from vreid.synthetic.scene import Film, Placed, Scene, Solid, View, cast, crop_camera
from vreid.synthetic.studio import cover_surfaces, draw_passage
from vreid.synthetic.vehicles import Vehicle, draw_details, draw_finish, draw_model, draw_thermal
from vreid.synthetic.world import Shot

SITE = Site("road", 3, ())
VEHICLES, DAYS = 10, 5


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_parts_differ_more_between_look_alikes_than_between_the_days_of_one(seed):
    """One-way analysis of variance of the mean heat of each part, over vehicles and passages."""
    model = next(m for m in (draw_model(seed, k) for k in range(60)) if m.type == "sedan")
    details = draw_details(seed, "sedan", 1)
    first = Vehicle(model, draw_finish(seed, "grey", 1), details)
    solid = Solid(vehicle_mesh(vehicle_shape(first)))
    view = View(0.6, 0.4, 14.0, 0.0)
    camera = crop_camera(Placed(solid, vehicle=first), view, Film(48, 1), (0, 0, 0, 0))
    heat = []
    for number in range(VEHICLES):
        vehicle = replace(first, details=replace(details, thermal=draw_thermal(seed, number)))
        scene = Scene([Placed(solid, vehicle=vehicle)])
        surfaces = cast(scene, camera)
        days = []
        for day in range(DAYS):
            passage = draw_passage(small_spec(seed=seed), Shot(number, day, 0, 0))
            seen = cover_surfaces(scene, surfaces, SITE, wheel_angle=0.0, dirt=0.0, warmth=passage.warmth)
            days.append([seen.heat[where].mean() for where in _parts(surfaces, seen, model)])
        heat.append(days)
    heat = np.array(heat)
    within = heat.var(1, ddof=1).mean(0)
    between = heat.mean(1).var(0, ddof=1)
    assert (between > 2 * within).all()


def _parts(surfaces, buffers, model):
    part, x = surfaces.part, surfaces.local_point[:, 0]
    up = surfaces.local_normal[:, 2] > 0.8
    return (
        buffers.glass,
        (part == Part.LOWER) & up & (x > model.screen_base),
        (part == Part.CABIN) & up,
        (part == Part.WHEEL) & (x > 0),
        (part == Part.WHEEL) & (x < 0),
    )


def test_a_heat_patch_changes_its_spot_and_nothing_else():
    model = next(m for m in (draw_model(0, k) for k in range(60)) if m.type == "sedan")
    details = draw_details(0, "sedan", 1)
    patch = details.thermal.patches[0]._replace(
        face="top", across=0.85, up=0.5, half_length=0.2, half_height=0.3, heat=5.0, emissivity=0.5
    )
    bare, patched = (
        replace(details, thermal=details.thermal._replace(patches=patches)) for patches in ((), (patch,))
    )
    buffers = []
    for each in (bare, patched):
        vehicle = Vehicle(model, draw_finish(0, "grey", 1), each)
        target = Placed(Solid(vehicle_mesh(vehicle_shape(vehicle))), vehicle=vehicle)
        camera = crop_camera(target, View(0.6, 0.6, 14.0, 0.0), Film(64, 1), (0, 0, 0, 0))
        scene = Scene([target])
        surfaces = cast(scene, camera)
        buffers.append(cover_surfaces(scene, surfaces, SITE, wheel_angle=0.0, dirt=0.0))
    warmer = buffers[1].heat - buffers[0].heat
    spot = np.abs(warmer) > 0
    assert spot.any()
    assert warmer[spot] == pytest.approx(5.0, abs=1e-4)
    assert (buffers[1].emissivity[spot] == 0.5).all()
    assert (buffers[1].emissivity[~spot] == buffers[0].emissivity[~spot]).all()
    along = (patch.across - 0.5) * model.length
    assert np.abs(surfaces.local_point[spot, 0] - along).max() < 0.2
    assert (surfaces.local_normal[spot, 2] > 0.75).all()
    assert (buffers[0].rgb == buffers[1].rgb).all()
