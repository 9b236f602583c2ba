"""Text of unknown origin, made fit for a terminal."""

import unicodedata


def plain(text: str) -> str:
    """Return text without characters that a terminal would obey or that would hide others.

    A new line stays one.
    """
    return "".join("�" if unicodedata.category(one) in ("Cc", "Cf") and one != "\n" else one for one in text)
