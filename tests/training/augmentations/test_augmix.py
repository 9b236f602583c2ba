import numpy as np
import pytest
import torch

from vreid.params.recipe import AugMix
from vreid.training.augmentations import augmix as module
from vreid.training.augmentations import operations
from vreid.training.augmentations.augmix import augmix, operate
from vreid.training.share import Share

ALL = AugMix(name="augmix")


def pixels(batch=8, channels=3):
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.integers(0, 256, (batch, channels, 24, 30), dtype=np.uint8))


def rng(seed=0):
    return np.random.default_rng(seed)


def test_an_image_is_mixed_with_its_chains_as_algorithm_1_says():
    images = pixels()
    draws = module._draw(rng(3), 8, ALL)
    got = augmix(images.clone(), rng(3), ALL)
    for n in range(8):
        total = draws.weights[n, 0] * images[n].double()
        for chain in range(3):
            changed = images[n : n + 1]
            for step, kind in enumerate(draws.kinds[n, chain]):
                if kind >= 0:
                    level, sign = draws.levels[n, chain, step], draws.signs[n, chain, step]
                    changed = operate(changed, int(kind), np.array([level]), np.array([sign]))
            total += draws.weights[n, 1 + chain] * changed[0].double()
        assert (got[n] - total).abs().max() <= 0.51


def test_draws_have_the_distributions_of_the_paper():
    draws = module._draw(rng(), 20000, AugMix(name="augmix", p=0.3, severity=4, alpha=1.0))
    assert draws.chosen.mean() == pytest.approx(0.3, abs=0.02)
    assert draws.weights.sum(axis=1) == pytest.approx(1.0)
    # Beta(1, 1) is uniform; the share of the first of three chains under Dirichlet(1, 1, 1) is Beta(1, 2).
    assert np.quantile(draws.weights[:, 0], [0.25, 0.75]) == pytest.approx([0.25, 0.75], abs=0.02)
    chain = draws.weights[:, 1] / (1 - draws.weights[:, 0])
    assert np.quantile(chain, [0.25, 0.75]) == pytest.approx([1 - 0.75**0.5, 1 - 0.25**0.5], abs=0.02)
    depth = (draws.kinds >= 0).sum(axis=2)
    assert np.bincount(depth.ravel())[1:] / depth.size == pytest.approx([1 / 3] * 3, abs=0.01)
    kinds = draws.kinds[draws.kinds >= 0]
    assert np.bincount(kinds) / kinds.size == pytest.approx([1 / 9] * 9, abs=0.01)
    assert (draws.levels.min(), draws.levels.max()) == pytest.approx((0.1, 4.0), abs=0.01)
    assert draws.signs.mean() == pytest.approx(0.0, abs=0.02)


def test_a_given_depth_is_kept():
    assert (module._draw(rng(), 50, AugMix(name="augmix", depth=2)).kinds >= 0).all()
    assert module._draw(rng(), 50, AugMix(name="augmix", width=4, depth=5)).kinds.shape == (50, 4, 5)


@pytest.mark.parametrize(
    ("kind", "operation", "amount"),
    [
        (2, operations.posterize, 4 - int(0.59 * 4)),
        (3, operations.solarize, 256 - int(0.59 * 256)),
        (4, operations.rotate, -int(0.59 * 30)),
        (5, operations.shear_x, -0.59 * 0.3),
        (6, operations.shear_y, -0.59 * 0.3),
        (7, operations.translate_x, -int(0.59 * 30 / 3)),
        (8, operations.translate_y, -int(0.59 * 24 / 3)),
    ],
)
def test_a_level_is_a_share_of_the_largest_amount(kind, operation, amount):
    image = pixels(batch=1)
    got = operate(image, kind, np.array([5.9]), np.array([-1.0]))
    assert torch.equal(got, operation(image, np.array([amount], float)))


def test_all_at_once_is_the_same_as_one_by_one(monkeypatch):
    expected = augmix(pixels(), rng(1), ALL)
    monkeypatch.setattr(module, "pieces", lambda images, batch, times=1: iter([images]))
    assert torch.equal(augmix(pixels(), rng(1), ALL), expected)


def test_an_image_that_is_not_chosen_stays():
    images = pixels(batch=200)
    changed = (augmix(images.clone(), rng(), AugMix(name="augmix", p=0.25)) != images).flatten(1).any(1)
    assert abs(changed.float().mean().item() - 0.25) < 5 * (0.25 * 0.75 / 200) ** 0.5


def test_the_spectra_of_an_image_go_through_the_same_chains():
    image = pixels()
    twice = augmix(torch.cat([image, image], dim=1), rng(), ALL)
    assert torch.equal(twice[:, :3], twice[:, 3:])
    assert torch.equal(twice[:, :3], augmix(image.clone(), rng(), ALL))


def test_each_process_mixes_its_images_as_one_alone_would():
    whole = augmix(pixels(), rng(5), ALL)
    parts = [augmix(part.clone(), rng(5), ALL, Share(n, 2)) for n, part in enumerate(pixels().chunk(2))]
    assert torch.equal(torch.cat(parts), whole)
