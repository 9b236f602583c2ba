"""Pairs the entries of two lists that are versions of each other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Pairs(Generic[T]):
    """Entries of two lists: in `both`, in the order of the second list; or in one of them alone."""

    both: list[tuple[T, T]]
    first: list[T]
    second: list[T]


def pairs(
    first: Sequence[T],
    second: Sequence[T],
    name: Callable[[T], str],
    content: Callable[[T], str | None],
) -> Pairs[T]:
    """Pair entries of the same name, then what is left of the same content (None equals nothing).

    Of several entries with one name, the n-th of one list is paired with the n-th of the other.
    """
    partner: dict[int, int] = {}
    for known_by in (name, content):
        left = [i for i in range(len(first)) if i not in partner.values()]
        for j, entry in enumerate(second):
            key = known_by(entry)
            found = next((i for i in left if key is not None and known_by(first[i]) == key), None)
            if j not in partner and found is not None:
                partner[j] = found
                left.remove(found)
    return Pairs(
        both=[(first[partner[j]], entry) for j, entry in enumerate(second) if j in partner],
        first=[entry for i, entry in enumerate(first) if i not in partner.values()],
        second=[entry for j, entry in enumerate(second) if j not in partner],
    )
