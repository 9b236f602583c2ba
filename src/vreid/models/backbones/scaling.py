"""How narrower and shallower versions of the published networks are made."""

import math

from vreid.params.errors import UserError


def scaled(channels: int, width: float) -> int:
    """Return `width` times the published number of `channels` of a layer.

    Raises:
        UserError: that is no whole number of channels.
    """
    narrow = channels * width
    if narrow != round(narrow):
        raise UserError(
            f"a backbone of width {width:g} would have layers of {narrow:g} channels: "
            "let the width be a multiple of 0.0625 that leaves every layer a whole number of them."
        )
    return round(narrow)


def repeated(blocks: int, depth: float) -> int:
    """Return how many of a stage's published number of `blocks` a network of this depth has: at least 1.

    `depth` times the number, rounded to the nearest whole number, halves upwards.
    """
    return max(1, math.floor(blocks * depth + 0.5))
