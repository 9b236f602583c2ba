"""Labels that are written as text: whole numbers, and what else they may be taken for."""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

WHOLE_NUMBER = re.compile(r"-?[0-9]{1,1000}(\.0+)?")
"""`7.0` is what some programs make of 7; Python reads no number of several thousand digits."""


def same_number(texts: Iterable[str]) -> tuple[str, str] | None:
    """Return the first two of `texts`, all whole numbers, that have one value and other digits; else None.

    `03` and `003` may be two vehicles or one: who wrote them has to say.
    """
    first: dict[int, str] = {}
    for text in dict.fromkeys(texts):
        digits = text.partition(".")[0]
        other = first.setdefault(int(digits), text)
        if other.partition(".")[0] != digits:
            return other, text
    return None


def first_rounded(kind: "np.dtype[Any]") -> float:
    """Return from which whole number on (ignoring the sign) floats of `kind` no longer tell neighbours apart.

    Several programs count in float64 whatever they write, so its limit, 2^53, holds for wider types too.
    """
    return float(min(2.0 ** (np.finfo(kind).nmant + 1), 2.0**53))
