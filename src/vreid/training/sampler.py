"""The batches of a whole epoch at once: a pure function of the labels, the seed and the epoch."""

import numpy as np
from numpy.typing import NDArray

from vreid.params.errors import UserError
from vreid.params.recipe import ClassBalancedSampler, PkSampler, SamplerConfig

Rows = NDArray[np.int64]


def batch_size(config: SamplerConfig) -> int:
    """Return the number of images in each batch."""
    if isinstance(config, PkSampler | ClassBalancedSampler):
        return config.ids * config.images_per_id
    return config.images


def steps_per_epoch(labels: Rows, config: SamplerConfig) -> int:
    """Return the number of batches of an epoch; it depends on the images per identity alone.

    P x K and class-balanced batches: `pk_steps`, `class_balanced_steps`. Shuffled ones: as many as are full.

    Raises:
        UserError: there are not enough identities, or images, for one batch.
    """
    if isinstance(config, PkSampler):
        return pk_steps(labels, config.ids, config.images_per_id)
    if isinstance(config, ClassBalancedSampler):
        return class_balanced_steps(labels, config.ids, config.images_per_id)
    if len(labels) < config.images:
        raise UserError(
            f"the sampler puts {config.images} images into each batch, but there are only {len(labels)} "
            "training images: lower sampler.images"
        )
    return len(labels) // config.images


def epoch_batches(labels: Rows, config: SamplerConfig, seed: int, epoch: int) -> Rows:
    """Return the images of every batch of one epoch, (steps, batch) positions in `labels`.

    `labels` (N,) are 0 .. C-1, each at least once. Everything is drawn from (seed, epoch).
    """
    if isinstance(config, PkSampler):
        return pk_batches(labels, config.ids, config.images_per_id, seed, epoch)
    if isinstance(config, ClassBalancedSampler):
        return class_balanced_batches(labels, config.ids, config.images_per_id, seed, epoch)
    steps = steps_per_epoch(labels, config)
    order = np.random.default_rng([seed, epoch]).permutation(len(labels)).astype(np.int64)
    return order[: steps * config.images].reshape(steps, config.images)


def pk_steps(labels: Rows, ids: int, images_per_id: int) -> int:
    """Return the number of P x K batches of an epoch.

    As in the usual P x K sampler, an identity with n images has max(1, n // K) chunks of K images,
    and an epoch lasts until no P identities with a chunk left are to be had. Here it lasts one
    batch longer where otherwise a chunk would remain, so that every identity is visited: with
    c_i chunks of identity i, S is the largest number of steps with S P <= sum_i min(c_i, S), plus
    one unless the two sides are equal.

    Raises:
        UserError: there are fewer than P identities.
    """
    counts = _counts(labels, ids)
    chunks = np.sort(np.maximum(counts // images_per_id, 1))
    steps = np.arange(1, int(chunks.sum()) // ids + 1)
    offered = np.cumsum(len(chunks) - np.searchsorted(chunks, steps))  # sum_i min(c_i, S)
    full = int(steps[steps * ids <= offered][-1])
    return full if full * ids == offered[full - 1] else full + 1


def pk_batches(labels: Rows, ids: int, images_per_id: int, seed: int, epoch: int) -> Rows:
    """Return the P x K batches of one epoch, (steps, P * K) positions in `labels`.

    A batch holds P different identities, the K images of each side by side. Every identity is
    visited at least once, and more often the more images it has (`pk_steps`). The images of an
    identity are drawn in a random order without replacement; one with fewer than K images shows all
    of them and starts over (repetition), so each appears floor(K / n) or ceil(K / n) times. Up to
    P - 1 places of an epoch's batches have no chunk left to hold and visit an identity once more,
    its images going round again.

    Identities are drawn with probability proportional to the chunks they have left; one that has
    as many chunks left as there are batches is taken for certain.
    """
    steps = pk_steps(labels, ids, images_per_id)
    rng = np.random.default_rng([seed, epoch])
    counts = np.bincount(labels)
    images = _Rounds(labels, rng)
    left = np.minimum(np.maximum(counts // images_per_id, 1), steps)
    batches = np.empty((steps, ids * images_per_id), np.int64)
    for step in range(steps):
        chosen = _draw_identities(left, steps - step, ids, rng)
        batches[step] = images.next(chosen, images_per_id)
        left[chosen] = np.maximum(left[chosen] - 1, 0)
    return batches


def class_balanced_steps(labels: Rows, ids: int, images_per_id: int) -> int:
    """Return the number of class-balanced batches of an epoch: as many as the images fill, at least one.

    Raises:
        UserError: there are fewer than P identities.
    """
    _counts(labels, ids)
    return max(1, len(labels) // (ids * images_per_id))


def class_balanced_batches(labels: Rows, ids: int, images_per_id: int, seed: int, epoch: int) -> Rows:
    """Return the class-balanced batches of one epoch, (steps, P * K) positions in `labels`.

    Each batch draws P different identities, all equally likely, whatever was drawn before: an epoch may show
    one several times and another not at all. Their K images stand side by side and come as in `pk_batches`,
    in a random order without replacement until all were shown.
    """
    steps = class_balanced_steps(labels, ids, images_per_id)
    rng = np.random.default_rng([seed, epoch])
    identities = int(labels.max()) + 1
    images = _Rounds(labels, rng)
    batches = np.empty((steps, ids * images_per_id), np.int64)
    for step in range(steps):
        chosen = np.sort(rng.choice(identities, size=ids, replace=False, shuffle=False))
        batches[step] = images.next(chosen, images_per_id)
    return batches


class _Rounds:
    """The images of every identity, each in a random order that is gone through again and again."""

    def __init__(self, labels: Rows, rng: np.random.Generator) -> None:
        self._counts = np.bincount(labels)
        self._shuffled = np.lexsort((rng.random(len(labels)), labels))  # by identity, random order inside
        self._first = np.cumsum(self._counts) - self._counts
        self._shown = np.zeros_like(self._counts)

    def next(self, identities: Rows, images: int) -> Rows:
        """Return the next `images` of each of the different `identities`, side by side."""
        place = self._shown[identities, None] + np.arange(images)
        self._shown[identities] += images
        rows = self._first[identities, None] + place % self._counts[identities, None]
        return self._shuffled[rows].ravel()


def _counts(labels: Rows, ids: int) -> Rows:
    counts = np.bincount(labels)
    if len(counts) < ids:
        raise UserError(
            f"the sampler draws {ids} identities into each batch, but the training images show "
            f"only {len(counts)}: lower sampler.ids"
        )
    return counts.astype(np.int64)


def _draw_identities(left: Rows, steps_left: int, ids: int, rng: np.random.Generator) -> Rows:
    """Draw `ids` identities without replacement, weighted by `left` (Efraimidis and Spirakis 2006).

    Taking those with left == steps_left for certain keeps left <= steps_left and
    sum(left) <= ids * steps_left true to the end, so no chunk is left over.
    """
    draw = rng.exponential(size=len(left))
    with np.errstate(divide="ignore"):
        key = np.where(left > 0, draw / left, 1e300 * (1 + draw))
    key[left == steps_left] = -1.0
    return np.sort(np.argpartition(key, ids - 1)[:ids])
