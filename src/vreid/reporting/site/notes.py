"""Letters that point from a value to what is said about it below."""

from collections.abc import Sequence
from dataclasses import dataclass

from vreid.reporting.formats import wording


@dataclass(frozen=True)
class Note:
    """One reason with its letter; `id` is its place in the page."""

    id: str
    letter: str
    text: str


def notes(place: str, reasons: Sequence[str]) -> dict[str, Note]:
    """Return the note of each reason, for the part of the page called `place`."""
    letters = wording.letters(reasons)
    return {reason: Note(f"{place}-note-{letter}", letter, reason) for reason, letter in letters.items()}
