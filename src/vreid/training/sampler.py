"""P x K batches, a whole epoch at once: a pure function of the labels, the seed and the epoch."""

import numpy as np
from numpy.typing import NDArray

from vreid.params.errors import UserError

Rows = NDArray[np.int64]


def steps_per_epoch(labels: Rows, ids: int, images_per_id: int) -> int:
    """Return the number of batches of an epoch; it depends on the images per identity alone.

    As in the usual P x K sampler, an identity with n images has max(1, n // K) chunks of K images,
    and an epoch lasts until no P identities with a chunk left are to be had. Here it lasts one
    batch longer where otherwise a chunk would remain, so that every identity is visited: with
    c_i chunks of identity i, S is the largest number of steps with S P <= sum_i min(c_i, S), plus
    one unless the two sides are equal.

    Raises:
        UserError: there are fewer than P identities.
    """
    counts = np.bincount(labels)
    if len(counts) < ids:
        raise UserError(
            f"the sampler draws {ids} identities into each batch, but the training images show "
            f"only {len(counts)}: lower sampler.ids"
        )
    chunks = np.sort(np.maximum(counts // images_per_id, 1))
    steps = np.arange(1, int(chunks.sum()) // ids + 1)
    offered = np.cumsum(len(chunks) - np.searchsorted(chunks, steps))  # sum_i min(c_i, S)
    full = int(steps[steps * ids <= offered][-1])
    return full if full * ids == offered[full - 1] else full + 1


def epoch_batches(labels: Rows, ids: int, images_per_id: int, seed: int, epoch: int) -> Rows:
    """Return the images of every batch of one epoch, (steps, P * K) positions in `labels`.

    `labels` (N,) are 0 .. C-1, each at least once. A batch holds P different identities, the K
    images of each side by side. Every identity is visited at least once, and more often the more
    images it has (`steps_per_epoch`). The images of an identity are drawn in a random order without
    replacement; one with fewer than K images shows all of them and starts over (repetition), so
    each appears floor(K / n) or ceil(K / n) times. Up to P - 1 places of an epoch's batches have no
    chunk left to hold and visit an identity once more, its images going round again.

    Identities are drawn with probability proportional to the chunks they have left; one that has
    as many chunks left as there are batches is taken for certain. Everything is drawn from
    (seed, epoch).
    """
    steps = steps_per_epoch(labels, ids, images_per_id)
    rng = np.random.default_rng([seed, epoch])
    counts = np.bincount(labels)
    shuffled = np.lexsort((rng.random(len(labels)), labels))  # by identity, random order inside
    first = np.cumsum(counts) - counts
    left = np.minimum(np.maximum(counts // images_per_id, 1), steps)
    shown = np.zeros_like(counts)
    within = np.arange(images_per_id)
    batches = np.empty((steps, ids * images_per_id), np.int64)
    for step in range(steps):
        chosen = _draw_identities(left, steps - step, ids, rng)
        place = shown[chosen, None] * images_per_id + within
        batches[step] = shuffled[first[chosen, None] + place % counts[chosen, None]].ravel()
        shown[chosen] += 1
        left[chosen] = np.maximum(left[chosen] - 1, 0)
    return batches


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
