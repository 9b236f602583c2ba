import pytest

from vreid.params.enhancement import Enhancement, read_enhancement
from vreid.params.errors import UserError
from vreid.params.pretrain import read_pretrain
from vreid.params.read import validate


def changed(**keys):
    recipe = read_enhancement().model_dump()
    for dotted, value in keys.items():
        part, key = dotted.split("__")
        recipe[part][key] = value
    return recipe


def test_its_world_is_none_of_those_to_pretrain_on():
    assert read_enhancement().world.seed not in {
        world.render.seed for world in read_pretrain().worlds.values()
    }


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"world__seed": 776}, "which a dataset may have"),
        ({"world__night": 0.5}, "night must be 1"),
        ({"pictures__night": 0.9}, "together exceed 1"),
        ({"networks__unet": 0.5}, "unet"),
    ],
)
def test_impossible_recipes_are_refused_in_a_sentence(keys, says):
    with pytest.raises(UserError, match=says):
        validate(Enhancement, changed(**keys), "params/enhancement.yaml")


def test_a_missing_file_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match="is missing"):
        read_enhancement(tmp_path / "enhancement.yaml")
