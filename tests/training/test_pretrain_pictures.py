import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML
from tests.training.pretraining import tiny_recipe

from vreid.datasets.resize import fitted
from vreid.params.dataset import dataset_names, read_dataset
from vreid.params.pretrain import FIRST_SEED, read_pretrain
from vreid.synthetic.render import load_layout
from vreid.synthetic.studio import Studio
from vreid.synthetic.world import plan_world
from vreid.training.pretrain_pictures import UNSEEN, render_pictures

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pictures():
    return render_pictures(tiny_recipe().worlds, workers=1)


@pytest.fixture
def in_project(monkeypatch):
    monkeypatch.chdir(PROJECT)


def test_pictures_are_labelled_with_identity_model_and_paint(pictures):
    # 5 identities of 2 pictures, and 5 of 2 shots in 3 spectra each: a vehicle is another one in each.
    ground = [number for number in range(5) for _ in range(2)]
    spectra = [5 + 3 * number + band for number in range(5) for _ in range(2) for band in (1, 2, 0)]
    assert len(pictures.files) == len(pictures.labels) == 40
    names = {old: new for new, old in enumerate(dict.fromkeys([*ground, *spectra]))}
    found = {old: new for new, old in enumerate(dict.fromkeys(pictures.labels[:, 0].tolist()))}
    assert [found[n] for n in pictures.labels[:, 0].tolist()] == [names[n] for n in [*ground, *spectra]]
    colourless = [row for row in range(10, 40) if (row - 10) % 3 > 0]
    assert np.flatnonzero(pictures.labels[:, 2] == UNSEEN).tolist() == colourless
    # Worlds have no model in common, but paints.
    looks = [
        (world.like, identity.model, identity.paint)
        for world in tiny_recipe().worlds.values()
        for identity in plan_world(world.render).identities
    ]
    first = [*range(0, 10, 2), *range(10, 40, 6)]
    for column, names in ((1, [look[:2] for look in looks]), (2, [look[2] for look in looks])):
        labels = pictures.labels[first, column].tolist()
        assert len(set(labels)) == len(set(names)) == len(set(zip(labels, names, strict=True)))
        assert pictures.classes[column] == len(set(names))
    assert pictures.classes[0] == 5 + 5 * 3


def test_a_product_is_one_vehicle_model_in_many_paints():
    ground = tiny_recipe().worlds["ground"]
    changes = {"style": "product", "models": 5, "cameras": 8, "cameras_per_id": 8}
    world = ground.model_copy(update={"like": "cars196", "render": ground.render.model_copy(update=changes)})
    pictures = render_pictures({"product": world}, workers=1)
    assert pictures.classes[:2] == (5, 5)
    assert (pictures.labels[:, 0] == pictures.labels[:, 1]).all()
    assert len(set(pictures.labels[:8, 2].tolist())) > 1


def test_pictures_are_those_that_the_dataset_would_store(pictures):
    world = tiny_recipe().worlds["spectra"]
    planned, layout = plan_world(world.render), load_layout("rgbnt100")
    shot = planned.shots[0]
    taken = Studio(planned, layout.shape).take(shot, ("rgb", "nir", "tir"))
    for file, picture in zip(pictures.files[10:13], taken, strict=True):
        stored = np.asarray(Image.open(io.BytesIO(file)))
        assert stored.shape == picture.shape
        assert np.abs(stored.astype(int) - picture).mean() < 12  # what JPEG loses


def test_workers_change_nothing(pictures):
    again = render_pictures(tiny_recipe().worlds, workers=2)
    assert again.files == pictures.files
    assert np.array_equal(again.labels, pictures.labels)


def test_what_is_in_the_store_is_not_rendered_again(pictures, tmp_path, monkeypatch):
    render_pictures(tiny_recipe().worlds, 1, store=tmp_path)
    assert len(list(tmp_path.rglob("*.parquet"))) == 2
    monkeypatch.setattr(Studio, "take", None)
    again = render_pictures(tiny_recipe().worlds, 1, store=tmp_path)
    assert again.files == pictures.files
    assert np.array_equal(again.labels, pictures.labels)


def test_progress_counts_identities():
    seen = []
    worlds = {"ground": tiny_recipe().worlds["ground"]}
    render_pictures(worlds, 1, lambda done, total: seen.append((done, total)))
    assert seen == [(5, 5)]


def test_packed_as_datasets_are(pictures):
    pixels = pictures.packed(24)
    assert pixels.shape == (40, 24, 24, 3) and pixels.dtype == np.uint8
    with Image.open(io.BytesIO(pictures.files[7])) as image:
        assert np.array_equal(pixels[7], np.asarray(fitted(image, 24, 24, "stretch")))


@pytest.mark.usefixtures("in_project")
def test_no_dataset_of_any_preset_has_a_seed_of_pretraining():
    seeds = [read_dataset(name).render.seed for name in dataset_names()]
    for preset in (PROJECT / "params" / "presets").glob("*.yaml"):
        overrides = YAML(typ="safe").load(preset).get("datasets") or {}
        seeds += [change["seed"] for change in overrides.values() if "seed" in change]
    assert len(seeds) >= 8
    assert all(seed < FIRST_SEED for seed in seeds)
    assert all(world.render.seed >= FIRST_SEED for world in read_pretrain().worlds.values())


@pytest.mark.usefixtures("in_project")
def test_no_dataset_shows_a_model_or_a_vehicle_of_pretraining():
    def seen(specs):
        models, details = set(), set()
        for spec in specs:
            world = plan_world(spec)
            models |= {replace(world.model(identity.pid), index=0) for identity in world.identities}
            first_shots = {shot.pid: shot for shot in reversed(world.shots)}
            details |= {world.vehicle(shot).details for shot in first_shots.values()}
        return models, details

    ours = seen(world.render for world in read_pretrain().worlds.values())
    theirs = seen(read_dataset(name).render for name in dataset_names())
    assert min(map(len, ours)) > 200 and min(map(len, theirs)) > 100
    assert not ours[0] & theirs[0]
    assert not ours[1] & theirs[1]
