import hashlib
import json

import numpy as np
import pytest
import torch

from vreid.models.enhancement.build import build_enhancer
from vreid.models.weights import RENDERED, load_rendered
from vreid.params.enhancement import read_enhancement
from vreid.params.models.alsa import Enhancer
from vreid.training import enhancement
from vreid.training.device import computing_on
from vreid.training.enhancement import (
    Pairs,
    batches,
    darkened,
    exposure,
    fit_enhancer,
    pretrain_enhancement,
    psnr,
    render_pairs,
    untrained,
)

RECIPE = read_enhancement()
SIZES = list(RECIPE.networks.items())


def training(**changes):
    return RECIPE.training.model_copy(update=changes)


@pytest.fixture(scope="module")
def pairs():
    return render_pairs(RECIPE.world, "test", limit=10)


def test_psnr_is_its_definition():
    one = torch.zeros(2, 3, 4, 4)
    other = torch.stack([torch.full((3, 4, 4), 0.1), torch.full((3, 4, 4), 0.01)])
    # 20 dB and 40 dB.
    assert psnr(one, other) == pytest.approx(30, abs=1e-3)


def test_batches_hold_night_darkened_and_day_pictures(pairs):
    kinds = {"same": 0, "night": 0, "darker": 0}
    day, night = (enhancement._tensor(enhancement._unit(p)) for p in (pairs.day, pairs.night))
    both = [(d, n) for p, q in zip(day, night, strict=True) for d, n in ((p, q), (p.flip(2), q.flip(2)))]
    for dark, bright in batches(pairs, RECIPE.pictures, training(steps=12, images=16)):
        assert dark.shape == bright.shape == (16, 3, 64, 64)
        for one, target in zip(dark, bright, strict=True):
            scene = next(n for d, n in both if torch.equal(d, target))
            if torch.equal(one, target):
                kinds["same"] += 1
            elif torch.equal(one, scene):
                kinds["night"] += 1
            else:
                assert one.mean() < target.mean()
                kinds["darker"] += 1
    # Of 192: a half, and a quarter each.
    assert abs(kinds["night"] - 96) < 25 and abs(kinds["same"] - 48) < 22 and abs(kinds["darker"] - 48) < 22


def test_batches_depend_on_the_seed_alone(pairs):
    one, two, three = (
        next(batches(pairs, RECIPE.pictures, training(steps=1, seed=seed))) for seed in (0, 0, 1)
    )
    assert torch.equal(one[0], two[0]) and not torch.equal(one[0], three[0])


def test_darkening_takes_light_away():
    picture = np.full((8, 8, 3), 0.8, np.float32)
    rng = np.random.default_rng(0)
    means = [float(darkened(picture, RECIPE.pictures, rng).mean()) for _ in range(60)]
    # 0.8 times 0.15 to 0.6; or light times 0.02 to 0.3, that is 0.02^(1 / 2.2) = 0.17 to 0.58 of the value.
    assert min(means) >= 0.8 * 0.15 - 0.01 and max(means) <= 0.8 * 0.6 + 0.01


@pytest.mark.parametrize(("name", "width"), SIZES)
def test_shipped_stand_ins_expose_night_pictures_better(pairs, name, width):
    network = untrained(name, width).eval()
    network.load_state_dict(load_rendered(name, width))
    found = exposure(network, pairs)
    assert found.psnr_enhanced > found.psnr_night + 0.5
    before = found.luminance_day - found.luminance_night
    after = found.luminance_day - found.luminance_enhanced
    assert before > 0.05
    assert abs(after) < before / 2


@pytest.mark.parametrize(("name", "width"), SIZES)
def test_the_shipped_stand_ins_are_what_their_manifests_say(name, width):
    file = RENDERED / f"{name}-w{width:g}.safetensors"
    entry = json.loads(file.with_suffix(".json").read_text())
    assert hashlib.sha256(file.read_bytes()).hexdigest() == entry["sha256"]
    assert "stand-in" in entry["is"]
    assert entry["parameters"] == sum(p.numel() for p in untrained(name, width).parameters())
    assert entry["made_by"] == f"vreid pretrain-enhancement {name} --width {width:g}"
    # Made by what params/ says today.
    for key in ("world", "pictures", "training"):
        assert entry[key] == getattr(RECIPE, key).model_dump(mode="json")
    measured = entry["measured"]
    assert measured["psnr_enhanced"] > measured["psnr_night"] + 1
    gap = measured["luminance_day"] - measured["luminance_night"]
    assert abs(measured["luminance_day"] - measured["luminance_enhanced"]) < gap / 2


def test_the_shipped_stand_ins_are_small():
    files = [RENDERED / f"{name}-w{width:g}.safetensors" for name, width in SIZES]
    assert sum(file.stat().st_size for file in files) < 1_000_000


def test_a_stand_in_leaves_day_pictures_nearly_alone(pairs):
    network = build_enhancer(Enhancer(name="enlightengan", width=RECIPE.networks["enlightengan"])).eval()
    day = enhancement._tensor(enhancement._unit(pairs.day))
    assert psnr(network(day), day) > 25


def test_training_repeats_itself_and_learns(pairs):
    few = training(steps=10, images=16)
    with computing_on("cpu") as device:
        one, two = (
            fit_enhancer("enlightengan", 0.0625, pairs, RECIPE.pictures, few, device) for _ in range(2)
        )
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not one.training
    torch.manual_seed(few.seed)
    fresh = untrained("enlightengan", 0.0625)
    dark, bright = next(batches(pairs, RECIPE.pictures, training(steps=1, seed=5)))
    with torch.no_grad():
        errors = [float((network.train()(dark) - bright).abs().mean()) for network in (one, fresh)]
    assert errors[0] < errors[1]


def test_a_file_has_its_manifest_beside_it(tmp_path, pairs, monkeypatch):
    few = Pairs(pairs.day[:4], pairs.night[:4])
    monkeypatch.setattr(enhancement, "render_pairs", lambda world, split, progress: few)
    recipe = RECIPE.model_copy(update={"training": training(steps=2, images=4)})
    said = []
    found = pretrain_enhancement(
        recipe, {"iat": 0.125}, tmp_path, device="cpu", progress=lambda *line: said.append(line)
    )
    entry = json.loads((tmp_path / "iat-w0.125.json").read_text())
    content = (tmp_path / "iat-w0.125.safetensors").read_bytes()
    assert entry["sha256"] == hashlib.sha256(content).hexdigest()
    assert entry["measured"]["psnr_enhanced"] == found["iat-w0.125.safetensors"].psnr_enhanced
    assert entry["made_by"] == "vreid pretrain-enhancement iat --width 0.125"
    assert load_rendered("iat", 0.125, tmp_path)
    assert said[-1] == ("training iat", 2, 2)
