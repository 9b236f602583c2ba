from dataclasses import replace

import numpy as np
import pytest
from tests.synthetic.small import assert_closed

from vreid.synthetic.bodies import Part, cargo_height, roof_height, vehicle_mesh, vehicle_shape
from vreid.synthetic.vehicles import BODY_TYPES, Vehicle, draw_details, draw_finish, draw_model


def vehicle_of(kind):
    model = next(m for m in (draw_model(0, k) for k in range(200)) if m.type == kind)
    details = replace(draw_details(0, kind, 1), rack=False, roof_box=False, taxi=False, spoiler=False)
    return Vehicle(model, draw_finish(0, "white", 1), details)


@pytest.mark.parametrize("kind", BODY_TYPES)
def test_bodies_are_closed(kind):
    mesh = vehicle_mesh(vehicle_shape(vehicle_of(kind)))
    assert_closed(mesh)
    assert mesh.volume() > 0


@pytest.mark.parametrize("kind", BODY_TYPES)
def test_extents_are_those_of_the_model(kind):
    vehicle = vehicle_of(kind)
    model, mesh = vehicle.model, vehicle_mesh(vehicle_shape(vehicle))

    def extent(*parts):
        rows = np.isin(mesh.parts, parts)
        points = mesh.vertices[np.unique(mesh.faces[rows])]
        return points.min(0), points.max(0)

    low, high = extent(Part.LOWER)
    assert high[0] - low[0] == pytest.approx(model.length)
    # Shoulders are drawn in and arches flare by centimetres.
    assert high[1] - low[1] == pytest.approx(model.width, abs=0.06)
    assert low[2] == pytest.approx(model.clearance, abs=0.01)
    assert extent(Part.CABIN)[1][2] == pytest.approx(model.height, abs=0.01)
    low, high = extent(Part.WHEEL)
    assert low[2] == pytest.approx(0, abs=1e-9)
    assert high[0] - low[0] == pytest.approx(model.wheelbase + 2 * model.wheel_radius, abs=0.01)
    if kind == "truck":
        assert extent(Part.CARGO)[1][2] == pytest.approx(cargo_height(model))


def test_a_roof_falls_towards_both_windows():
    model = vehicle_of("sedan").model
    middle = (model.rear_top + model.screen_top) / 2
    x = np.array([model.rear_base, model.rear_top, middle, model.screen_top, model.screen_base])
    heights = roof_height(model, x)
    assert heights.argmax() == 2
    assert heights[[0, -1]] == pytest.approx(model.belt, abs=0.02)


def test_details_add_their_parts():
    plain = vehicle_of("sedan")
    loaded = replace(plain, details=replace(plain.details, rack=True, roof_box=True, taxi=True, spoiler=True))
    added = set(vehicle_mesh(vehicle_shape(loaded)).parts) - set(vehicle_mesh(vehicle_shape(plain)).parts)
    assert added == {Part.RAIL, Part.ROOF_BOX, Part.SIGN, Part.SPOILER}
