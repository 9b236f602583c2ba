"""Attributes of rendered images, against what the renderer really does."""

from collections import Counter

import pytest
from tests.reporting.figures.small import dataset_plan, figure_plan
from tests.synthetic.small import small_spec

from vreid.params.figures import Attributes
from vreid.reporting.figures import attributes
from vreid.reporting.figures.conditions import conditions
from vreid.synthetic import studio
from vreid.synthetic.render import load_layout
from vreid.synthetic.world import plan_world


@pytest.mark.parametrize("style", ["surveillance", "uav"])
def test_occlusion_and_resolution_are_what_the_renderer_draws(style, monkeypatch):
    spec = small_spec(style=style, occlusion=0.5, low_resolution=0.5, image_size=40)
    dataset = "veri776" if style == "surveillance" else "vru"
    occluded, sides = [], []

    def build_occluder(*arguments):
        occluded.append(True)
        return original(*arguments)

    def crop_camera(target, view, film, margins):
        sides.append(film.longer_side)
        return crop(target, view, film, margins)

    original, crop = studio.build_occluder, studio.crop_camera
    monkeypatch.setattr(studio, "build_occluder", build_occluder)
    monkeypatch.setattr(studio, "crop_camera", crop_camera)
    world = plan_world(spec)
    real = studio.Studio(world, load_layout(dataset).shape)
    found = list(conditions(dataset, spec))
    assert not occluded
    for shot, said in zip(world.shots, found, strict=True):
        occluded.clear()
        real.take(shot, ("rgb",))
        assert said.pid == shot.pid
        assert ("occlusion" in said.difficulties) == bool(occluded)
        assert ("low_resolution" in said.difficulties) == (sides[-1] < 40)
    assert 0 < sum("occlusion" in said.difficulties for said in found) < len(found)


@pytest.mark.parametrize(
    ("setting", "difficulty"), [("night", "night"), ("dusk", "dusk"), ("glare", "glare")]
)
def test_a_share_of_1_is_on_every_image_and_one_of_0_on_none(setting, difficulty):
    found = conditions("veri776", small_spec(**{setting: 1.0}))
    assert all(image.difficulties == {difficulty} for image in found)


def test_shares_are_those_of_the_world(tmp_path):
    spec = small_spec(train_ids=6, test_ids=6, models=5, night=0.4)
    dataset = dataset_plan()
    dataset = dataset.model_copy(update={"spec": dataset.spec.model_copy(update={"render": spec})})
    plan = figure_plan(Attributes(kind="attributes", caption="c", dataset="veri776"), dataset=dataset)
    drawing = attributes.draw(plan, tmp_path)
    world = plan_world(spec)
    paints = Counter(identity.paint for identity in world.identities)
    shown = {paint: share for paint, share in drawing.numbers["colours"].items() if share}
    assert shown == {paint: pytest.approx(100 * count / 12, abs=0.01) for paint, count in paints.items()}
    types = Counter(world.model(identity.pid).type for identity in world.identities)
    shown = {kind: share for kind, share in drawing.numbers["types"].items() if share}
    assert shown == {kind: pytest.approx(100 * count / 12, abs=0.01) for kind, count in types.items()}
    assert drawing.numbers["vehicles"] == 12
    assert drawing.numbers["images"] == 12 * 4
    assert [axes.get_title() for axes in drawing.figure.axes] == ["colours", "types", "difficulties"]
    assert drawing.notes[0].startswith("48 images of 12 vehicles; ")


def test_real_data_has_no_labels(tmp_path):
    plan = figure_plan(
        Attributes(kind="attributes", caption="c", dataset="veri776"), dataset=dataset_plan(source="real")
    )
    drawing = attributes.draw(plan, tmp_path)
    assert drawing.numbers == {}
    assert "were not released" in drawing.notes[0]
