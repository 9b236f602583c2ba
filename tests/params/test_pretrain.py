from pathlib import Path

import pytest
from ruamel.yaml import YAML

from vreid.params.errors import UserError
from vreid.params.pretrain import read_pretrain

FILE = Path(__file__).parents[2] / "params" / "pretrain.yaml"


@pytest.fixture
def changed(tmp_path):
    """Writes the project's recipe with a change and returns the file."""

    def write(change):
        yaml = YAML(typ="safe")
        recipe = yaml.load(FILE)
        change(recipe)
        path = tmp_path / "pretrain.yaml"
        yaml.dump(recipe, path)
        return path

    return write


def test_the_projects_recipe_is_valid_and_can_grow():
    world = read_pretrain(FILE).worlds["product"]
    grown = world.grown(3, image_size=128)
    assert grown.render.train_ids == 3 * world.render.train_ids
    assert grown.render.test_ids == 3 * world.render.test_ids
    assert grown.render.models == grown.render.train_ids + grown.render.test_ids
    assert grown.render.image_size == 128
    assert world.grown(1, image_size=16) == world


def test_epochs_can_be_others_and_nothing_else_is():
    training = read_pretrain(FILE).training
    longer = training.lasting(99)
    assert longer.schedule.epochs == 99
    assert longer.lasting(training.schedule.epochs) == training


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match="run this where the project's params/ is"):
        read_pretrain(tmp_path / "pretrain.yaml")


def test_a_datasets_seed_is_refused(changed):
    path = changed(lambda recipe: recipe["worlds"]["ground"]["render"].update(seed=1))
    with pytest.raises(UserError, match=r"render\.seed is 1, which a dataset may have"):
        read_pretrain(path)


def test_one_seed_for_two_worlds_is_refused(changed):
    path = changed(lambda recipe: recipe["worlds"]["drone"]["render"].update(seed=1_000_001))
    with pytest.raises(UserError, match="would show the same vehicles"):
        read_pretrain(path)
