import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vreid.params.errors import UserError
from vreid.params.recipe import ClassBalancedSampler, PkSampler, ShuffleSampler
from vreid.training.sampler import batch_size, epoch_batches, steps_per_epoch


def pk(ids, images_per_id):
    return PkSampler(name="pk", ids=ids, images_per_id=images_per_id)


def balanced(ids, images_per_id):
    return ClassBalancedSampler(name="class_balanced", ids=ids, images_per_id=images_per_id)


def shuffle(images):
    return ShuffleSampler(name="shuffle", images=images)


def labels_of(counts, seed=0):
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))


COUNTS = st.lists(st.integers(1, 25), min_size=1, max_size=30)


@st.composite
def settings_of_a_sampler(draw):
    counts = draw(COUNTS)
    return counts, draw(st.integers(1, len(counts))), draw(st.integers(1, 6))


@settings(max_examples=200)
@given(settings_of_a_sampler(), st.integers(0, 99), st.integers(0, 99))
def test_every_batch_holds_p_identities_with_k_images_and_every_identity_is_visited(case, seed, epoch):
    counts, ids, images_per_id = case
    labels = labels_of(counts)
    batches = epoch_batches(labels, pk(ids, images_per_id), seed, epoch)
    groups = labels[batches].reshape(len(batches), ids, images_per_id)
    assert (groups == groups[:, :, :1]).all()
    assert all(len(set(line)) == ids for line in groups[:, :, 0].tolist())
    assert set(groups.ravel()) == set(labels)


@settings(max_examples=200)
@given(settings_of_a_sampler())
def test_images_come_without_replacement_as_long_as_there_are_enough(case):
    counts, ids, images_per_id = case
    labels = labels_of(counts)
    batches = epoch_batches(labels, pk(ids, images_per_id), seed=1, epoch=2)
    shown = np.bincount(batches.ravel(), minlength=len(labels))
    for identity in range(len(counts)):
        times = shown[labels == identity]
        assert times.max() - times.min() <= 1  # an image comes again only after all others came
        assert times.sum() % images_per_id == 0


@settings(max_examples=200)
@given(settings_of_a_sampler())
def test_an_epoch_has_as_many_steps_as_the_chunks_fill_and_few_places_are_filled_up(case):
    counts, ids, images_per_id = case
    steps = steps_per_epoch(labels_of(counts), pk(ids, images_per_id))
    chunks = [max(1, count // images_per_id) for count in counts]
    offered = sum(min(c, steps) for c in chunks)
    assert len(epoch_batches(labels_of(counts), pk(ids, images_per_id), 0, 0)) == steps
    assert 0 <= steps * ids - offered < ids
    # One step more would need more filling up than a batch has places, or leave whole batches to fill.
    assert (steps + 1) * ids - sum(min(c, steps + 1) for c in chunks) > 0


@pytest.mark.parametrize(
    ("counts", "ids", "images_per_id", "steps"),
    [
        ([8] * 10, 5, 4, 4),  # 20 chunks of 4 in batches of 5
        ([8] * 11, 5, 4, 5),  # 22 chunks: a fifth batch, with 3 places filled up
        ([7] * 8, 8, 4, 1),  # the 3 images left over per identity wait for another epoch
        ([2] * 6, 2, 4, 3),  # too few images: repeated
        ([400, 4, 4, 4], 4, 4, 1),  # one identity cannot fill batches alone
        ([1] * 5, 2, 1, 3),
    ],
)
def test_steps_of_an_epoch_by_hand(counts, ids, images_per_id, steps):
    assert steps_per_epoch(labels_of(counts), pk(ids, images_per_id)) == steps


@pytest.mark.parametrize("sampler", [pk(3, 4), balanced(3, 4), shuffle(12)])
def test_batches_depend_on_seed_and_epoch_alone(sampler):
    labels = labels_of([9] * 12)
    assert (epoch_batches(labels, sampler, 1, 7) == epoch_batches(labels, sampler, 1, 7)).all()
    assert (epoch_batches(labels, sampler, 1, 7) != epoch_batches(labels, sampler, 1, 8)).any()
    assert (epoch_batches(labels, sampler, 1, 7) != epoch_batches(labels, sampler, 2, 7)).any()
    assert batch_size(sampler) == epoch_batches(labels, sampler, 1, 7).shape[1] == 12


def test_each_identity_meets_each_other_over_the_epochs():
    labels = labels_of([4] * 8)
    met = np.zeros((8, 8), int)
    for epoch in range(200):
        for line in labels[epoch_batches(labels, pk(2, 4), 0, epoch)][:, ::4]:
            met[line[0], line[1]] += 1
    together = (met + met.T)[~np.eye(8, dtype=bool)]
    # 200 epochs x 4 pairs over 28 pairs: 28.6 each; five standard deviations to either side
    assert abs(together - 800 / 28).max() < 5 * np.sqrt(800 / 28)


@settings(max_examples=100)
@given(settings_of_a_sampler(), st.integers(0, 99))
def test_class_balanced_batches_hold_p_identities_with_k_images(case, seed):
    counts, ids, images_per_id = case
    labels = labels_of(counts)
    batches = epoch_batches(labels, balanced(ids, images_per_id), seed, 3)
    assert len(batches) == max(1, sum(counts) // (ids * images_per_id))
    groups = labels[batches].reshape(len(batches), ids, images_per_id)
    assert (groups == groups[:, :, :1]).all()
    assert all(len(set(line)) == ids for line in groups[:, :, 0].tolist())
    shown = np.bincount(batches.ravel(), minlength=len(labels))
    for identity in range(len(counts)):
        times = shown[labels == identity]
        assert times.max() - times.min() <= 1  # an image comes again only after all others came


def test_every_identity_is_as_likely_in_class_balanced_batches_however_many_images_it_has():
    labels = labels_of([60, 2, 2, 8, 8])
    drawn = np.zeros(5)
    for epoch in range(300):
        batches = epoch_batches(labels, balanced(2, 4), 0, epoch)
        drawn += np.bincount(labels[batches][:, ::4].ravel(), minlength=5)
    # 10 batches of 2 identities in each of 300 epochs: 1200 each; five standard deviations
    assert abs(drawn - 1200).max() < 5 * np.sqrt(3000 * 0.4 * 0.6)


@given(COUNTS, st.integers(1, 20), st.integers(0, 99))
def test_shuffled_batches_show_each_image_at_most_once(counts, images, epoch):
    labels = labels_of(counts)
    if len(labels) < images:
        with pytest.raises(UserError, match=rf"puts {images} images .* only {len(labels)} training"):
            epoch_batches(labels, shuffle(images), 0, epoch)
        return
    batches = epoch_batches(labels, shuffle(images), 0, epoch)
    assert (
        batches.shape == (len(labels) // images, images) == (steps_per_epoch(labels, shuffle(images)), images)
    )
    assert len(np.unique(batches)) == batches.size


@pytest.mark.parametrize("sampler", [pk(4, 2), balanced(4, 2)])
def test_too_few_identities_are_a_sentence(sampler):
    with pytest.raises(UserError, match=r"draws 4 identities .* only 3: lower sampler\.ids"):
        steps_per_epoch(labels_of([5, 5, 5]), sampler)
