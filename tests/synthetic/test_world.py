from collections import Counter
from itertools import pairwise

import pytest
from pydantic import ValidationError

from vreid.synthetic.world import plan_world


@pytest.fixture
def world(spec):
    return plan_world(
        spec(train_ids=30, test_ids=20, models=8, twins=0.4, cameras=9, cameras_per_id=4, images_per_camera=3)
    )


def test_every_identity_is_in_one_split_and_numbered_from_one(world):
    assert [identity.pid for identity in world.identities] == list(range(1, 51))
    assert Counter(identity.split for identity in world.identities) == {"train": 30, "test": 20}


def test_the_stated_share_has_a_twin_and_nobody_else_shares_model_and_paint(world):
    for split, size in (("train", 30), ("test", 20)):
        looks = Counter((i.model, i.paint) for i in world.identities if i.split == split)
        assert Counter(looks.values()) == {2: 0.4 * size / 2, 1: 0.6 * size}


def test_with_an_odd_number_of_identities_one_stays_alone(spec):
    world = plan_world(spec(train_ids=7, test_ids=2, twins=1.0))
    assert [i.split for i in world.identities if i.twin_of is None] == ["train"]


def test_twins_share_model_and_finish_but_not_details(world):
    shot_of = {shot.pid: shot for shot in world.shots}
    twins = [i for i in world.identities if i.twin_of is not None]
    assert twins
    for identity in twins:
        other = world.by_pid[identity.twin_of]
        assert other.twin_of == identity.pid
        assert other.split == identity.split
        one, two = world.vehicle(shot_of[identity.pid]), world.vehicle(shot_of[other.pid])
        assert (one.model, one.finish) == (two.model, two.finish)
        assert one.details != two.details


def test_each_identity_is_seen_as_often_as_the_spec_says(world):
    seen = Counter((shot.pid, shot.camera) for shot in world.shots)
    assert set(seen.values()) == {3}
    assert set(Counter(pid for pid, _ in seen).values()) == {4}
    assert {camera for _, camera in seen} == set(range(1, 10))


def test_frames_of_a_passage_follow_each_other(world):
    for one, two in pairwise(world.shots):
        if (one.pid, one.camera) == (two.pid, two.camera):
            assert two.step == one.step + 1
            assert two.frame > one.frame


def test_a_plan_depends_on_the_spec_alone(spec):
    assert plan_world(spec()) == plan_world(spec())
    assert plan_world(spec()) != plan_world(spec(seed=8))


def test_product_pictures_show_one_model_in_changing_paint(spec):
    world = plan_world(
        spec(style="product", models=4, twins=0.0, cameras=6, cameras_per_id=6, images_per_camera=3)
    )
    shots = [shot for shot in world.shots if shot.pid == 1]
    vehicles = [world.vehicle(shot) for shot in shots]
    assert len({vehicle.model for vehicle in vehicles}) == 1
    assert len({vehicle.finish.paint for vehicle in vehicles}) > 3
    assert len({identity.model for identity in world.identities}) == 4


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cameras_per_id": 4}, "cameras_per_id is 4, but there are only 3 cameras"),
        ({"night": 0.6, "dusk": 0.5}, "together exceed 1"),
        ({"models": 1, "train_ids": 30}, "models must be at least 3"),
        ({"style": "product", "twins": 0.0}, "models must be train_ids \\+ test_ids = 4"),
        ({"style": "product", "models": 4}, "twins must be 0.0"),
        ({"twin": 0.5}, "twin"),
    ],
)
def test_impossible_worlds_are_refused(spec, changes, words):
    with pytest.raises(ValidationError, match=words):
        spec(**changes)
