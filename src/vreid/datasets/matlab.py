"""Reads a struct array out of a Matlab 5 file, every length checked.

SciPy's reader trusts the lengths in the file: a damaged one can make it ask for any amount of memory or end
the process. Annotations need a small part of the format, which is read here (MAT-File Format, The MathWorks,
ch. 1).
"""

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import error as StructError  # noqa: N812 -- the name says what it is
from struct import unpack_from

HEADER = 128  # bytes: text, then version and byte order
LARGEST = 2**28  # bytes that a compressed element may grow to; Cars196 needs 7 million
MATRIX, COMPRESSED = 14, 15
STRUCT, CHAR, FIRST_NUMBER, LAST_NUMBER = 2, 4, 6, 15
CODECS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
NUMBERS = {1: "b", 2: "B", 3: "h", 4: "H", 5: "i", 6: "I", 7: "f", 9: "d", 12: "q", 13: "Q"}

Value = str | int | float | None


class MatlabError(ValueError):
    """The bytes are no Matlab 5 file, or not one with the wanted variable."""


def read_structs(path: Path, variable: str) -> list[dict[str, Value]]:
    """Return the elements of the struct array `variable`, in column order, as field name -> value.

    Texts are strings, 1 x 1 numbers are numbers, everything else is None.

    Raises:
        MatlabError: the file is damaged, of another format, or has no such struct array.
        OSError: it cannot be read.
    """
    content = memoryview(path.read_bytes())
    order = {b"IM": "<", b"MI": ">"}.get(bytes(content[HEADER - 2 : HEADER]))
    if order is None:
        raise MatlabError("it is no Matlab 5 file")
    try:
        for element in _elements(content[HEADER:], order):
            matrix = _Matrix.of(_inflated(element, order), order)
            if matrix is not None and matrix.name == variable and matrix.kind == STRUCT:
                return list(_structs(matrix, order))
    except (StructError, UnicodeDecodeError, zlib.error, IndexError, OverflowError) as error:
        raise MatlabError(f"it is damaged ({error})") from None
    raise MatlabError(f"it holds no struct array {variable!r}")


@dataclass(frozen=True, slots=True)
class _Element:
    """A piece of the file: its type and its bytes."""

    type: int
    data: memoryview


@dataclass(frozen=True, slots=True)
class _Matrix:
    """An array: its class, dimensions, name, and the elements that hold its content."""

    kind: int
    size: int
    name: str
    content: Iterator[_Element]

    @classmethod
    def of(cls, element: _Element, order: str) -> "_Matrix | None":
        """Read the head of a matrix; None if the element is none or empty."""
        if element.type != MATRIX or not len(element.data):
            return None
        parts = _elements(element.data, order)
        flags, dimensions, name = (_next(parts) for _ in range(3))
        sides = unpack_from(f"{order}{len(dimensions.data) // 4}i", dimensions.data)
        if any(side < 0 for side in sides):
            raise MatlabError("a dimension is negative")
        kind = unpack_from(f"{order}I", flags.data)[0] & 0xFF
        return cls(kind, math.prod(sides), bytes(name.data).decode("latin-1"), parts)


def _elements(data: memoryview, order: str) -> Iterator[_Element]:
    """Yield the elements in `data`; a short one keeps its bytes in its tag."""
    place = 0
    while place + 8 <= len(data):
        kind, length = unpack_from(f"{order}II", data, place)
        start = place + 8
        if kind >> 16:
            kind, length, start = kind & 0xFFFF, kind >> 16, place + 4
        if (length > 4 and start == place + 4) or start + length > len(data):
            raise MatlabError("an element is longer than what holds it")
        yield _Element(kind, data[start : start + length])
        padded = length if kind == COMPRESSED else -(-length // 8) * 8
        place += 8 + (padded if start == place + 8 else 0)


def _structs(matrix: _Matrix, order: str) -> Iterator[dict[str, Value]]:
    width = unpack_from(f"{order}i", _next(matrix.content).data)[0]
    names = bytes(_next(matrix.content).data)
    if width <= 0 or len(names) % width:
        raise MatlabError("the names of the fields have no length")
    fields = [names[n : n + width].split(b"\0")[0].decode("latin-1") for n in range(0, len(names), width)]
    if not fields:
        raise MatlabError("the struct array has no fields")
    for _ in range(matrix.size):
        yield {field: _value(_next(matrix.content), order) for field in fields}


def _value(element: _Element, order: str) -> Value:
    matrix = _Matrix.of(element, order)
    if matrix is None:
        return None
    if matrix.kind == CHAR:
        text = _next(matrix.content)
        codec = CODECS.get(text.type)
        if codec is None:
            raise MatlabError("a text has no known encoding")
        wide = codec in ("utf-16", "utf-32")
        return bytes(text.data).decode(codec + (("-le" if order == "<" else "-be") if wide else ""))
    if FIRST_NUMBER <= matrix.kind <= LAST_NUMBER and matrix.size == 1:
        number = _next(matrix.content)
        if number.type not in NUMBERS:
            raise MatlabError("a number has no known type")
        value: int | float = unpack_from(order + NUMBERS[number.type], number.data)[0]
        return value
    return None


def _inflated(element: _Element, order: str) -> _Element:
    if element.type != COMPRESSED:
        return element
    data = zlib.decompressobj().decompress(element.data, LARGEST)
    return next(_elements(memoryview(data), order), _Element(0, memoryview(b"")))


def _next(elements: Iterator[_Element]) -> _Element:
    found = next(elements, None)
    if found is None:
        raise MatlabError("an array ends too early")
    return found
