"""Checks what comes from outside: features, identities, cameras. Nothing here copies a large array."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from vreid.datasets.numbering import first_rounded
from vreid.params.errors import UserError

Array = npt.NDArray[Any]
Float = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.int64]

CHUNK_BYTES = 1 << 20
"""Bytes of features that are cast or compared at a time."""


def feature_matrix(value: npt.ArrayLike, name: str) -> Array:
    """Return `value` as a matrix (N, D) with at least one row and one column, not copied.

    Any real type is allowed (float16 and integers are cast block by block later), and any strides.

    Raises:
        UserError: `value` has another shape or type; the sentence begins with `name`.
    """
    array = np.asarray(value)
    if array.ndim != 2:
        raise UserError(f"{name} has the shape {array.shape}; features are a matrix with one row per image")
    if array.dtype.kind not in "fiub":
        raise UserError(f"{name} holds {array.dtype}; features are real numbers")
    if 0 in array.shape:
        raise UserError(f"{name} is empty: its shape is {array.shape}")
    return array


def working_type(*arrays: Array) -> np.dtype[np.floating[Any]]:
    """Return the type in which distances of `arrays` are computed: float32 unless one needs float64."""
    wide = any(array.dtype.itemsize > 4 or array.dtype.name in _WIDE for array in arrays)
    return np.dtype(np.float64 if wide else np.float32)


_WIDE = ("int32", "uint32")


def rows_of(array: Array, start: int, stop: int, dtype: np.dtype[Any]) -> Float:
    """Return rows `start` to `stop` as a C-ordered matrix of `dtype`; a view if they are one already."""
    return np.ascontiguousarray(array[start:stop], dtype=dtype)


def chunks(array: Array, dtype: np.dtype[Any], size: int = CHUNK_BYTES) -> Iterator[tuple[int, Float]]:
    """Yield (first row, rows as `dtype`) over a matrix, about `size` bytes at a time."""
    step = max(1, size // (array.shape[1] * dtype.itemsize))
    for start in range(0, len(array), step):
        yield start, rows_of(array, start, start + step, dtype)


def squared_norms(array: Array, dtype: np.dtype[Any], name: str) -> Float:
    """Return the squared Euclidean norm of every row, shape (N,), and check on the way that all is finite.

    Raises:
        UserError: a feature is NaN or infinite (names the first such row), or the squares of a row are too
            large or too small for numbers of `dtype`.
    """
    norms = np.empty(len(array), dtype)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for start, rows in chunks(array, dtype):
            np.vecdot(rows, rows, out=norms[start : start + len(rows)])
    range_of = np.finfo(dtype)
    if not (norms <= range_of.max / 4).all():
        _refuse(array, norms, name)
    for row in np.flatnonzero(norms < range_of.tiny):
        if np.asarray(array[row]).any():
            raise UserError(
                f"{name}: row {row} (from 0) is so small that its squared norm vanishes in {dtype}: "
                "scale the features up"
            )
    return norms


def _refuse(array: Array, norms: Float, name: str) -> None:
    """Name the first row with a value that is no number or, if there is none, the first that is too large."""
    suspects = np.flatnonzero(~(norms <= np.finfo(norms.dtype).max / 4))
    for row in suspects:
        values = np.asarray(array[row], dtype=np.float64)
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise UserError(
                f"{name}: row {row} holds {values[bad[0]]} in column {bad[0]} (both count from 0). "
                "Distances to it mean nothing: look for an overflow in the model that made it"
            )
    raise UserError(
        f"{name}: row {suspects[0]} (from 0) is so large that distances to it overflow {norms.dtype}: "
        "scale the features down"
    )


def label_vector(value: npt.ArrayLike, rows: int, name: str) -> Array:
    """Return identities or cameras as a vector of `rows` whole numbers or strings; equal labels stay equal.

    Floats are taken where every whole number near them has a float of its own (below 2^24 in float32,
    2^53 in float64). Bytes are text in UTF-8.

    Raises:
        UserError: the length or the type is another, a label is missing, or two different labels might have
            become one on the way here; the sentence begins with `name` and gives the row.
    """
    array = np.asarray(value)
    if array.dtype.kind in "US" and not isinstance(value, np.ndarray):
        array = np.asarray(value, dtype=object)  # NumPy has made text of numbers that stand among text
    if array.shape != (rows,):
        raise UserError(
            f"{name} has the shape {array.shape}; it must hold one label for each of the {rows} features"
        )
    if array.dtype == object:
        array = _from_objects(array, name)
    if array.dtype.kind == "S":
        array = _decoded(array, name)
    if array.dtype.kind == "f":
        return _whole(array, name)
    if array.dtype.kind not in "iubU":
        raise UserError(f"{name} holds {array.dtype}; labels are whole numbers or strings")
    if array.dtype == np.uint64 and (array <= np.iinfo(np.int64).max).all():
        return array.astype(np.int64)
    return array


def _whole(array: Array, name: str) -> Ints:
    """Return floats as whole numbers, if they are and no neighbour was rounded to the same float."""
    bad = np.flatnonzero(~np.isfinite(array) | (array != np.floor(array)))
    if bad.size:
        raise UserError(
            f"{name}: row {bad[0]} (from 0) is {array[bad[0]]}; labels are whole numbers or strings"
        )
    limit = first_rounded(array.dtype)
    large = np.flatnonzero(np.abs(array) >= limit)
    if large.size:
        raise UserError(
            f"{name}: row {large[0]} (from 0) is {array[large[0]]:.0f} as {array.dtype}, in which "
            f"neighbouring whole numbers from {limit:.0f} on are one; write labels as integers or text"
        )
    return array.astype(np.int64)


def _decoded(array: Array, name: str) -> Array:
    """Return bytes as text."""
    try:
        return np.char.decode(array, "utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{name}: the label {error.object!r} is not text in UTF-8") from None


def _from_objects(array: Array, name: str) -> Array:
    values = [value.item() if isinstance(value, np.generic) else value for value in array.tolist()]
    first = type(values[0]) if values else int
    kind = next((kind for kind in (int, str, bytes) if issubclass(first, kind)), None)
    for row, value in enumerate(values):
        if value is None or (isinstance(value, float) and np.isnan(value)):
            raise UserError(f"{name}: row {row} (from 0) is missing")
        if kind is None or not isinstance(value, kind):
            also = "" if row == 0 else f", row 0 is {values[0]!r}"
            raise UserError(
                f"{name}: row {row} (from 0) is {value!r}{also}; labels are all whole numbers or all strings"
            )
        if isinstance(value, str | bytes) and value[-1:] in ("\0", b"\0"):
            raise UserError(f"{name}: row {row} (from 0) is {value!r}, which ends in a null character")
    try:
        if kind is int and any(value < 0 for value in values):
            return np.array(values, np.int64)
        return np.array(values, np.uint64 if kind is int else kind)
    except OverflowError:
        largest = max(values, key=abs)
        raise UserError(
            f"{name}: the label {largest} needs more than 64 bits; write labels as text"
        ) from None


def comparable(first: Array, second: Array) -> tuple[Array, Array]:
    """Return two vectors of labels in types that can be joined without rounding.

    Raises:
        UserError: one holds text and the other numbers.
    """
    if (first.dtype.kind == "U") != (second.dtype.kind == "U"):
        raise UserError(
            "The labels of query and gallery are of two types, text and numbers; they would never be equal"
        )
    if np.result_type(first, second).kind == "f":  # int64 beside uint64
        return first.astype(object), second.astype(object)
    return first, second


def common_codes(first: Array, second: Array) -> tuple[Ints, Ints]:
    """Number the labels of two vectors from 0, the same label by the same number in both."""
    _, codes = np.unique(np.concatenate(comparable(first, second)), return_inverse=True)
    return codes[: len(first)].astype(np.int64), codes[len(first) :].astype(np.int64)


def copies(array: Array, norms: Float) -> tuple[Ints, Ints]:
    """Find rows that repeat an earlier row exactly.

    A product of matrices may differ in its last bit between two equal columns, because a BLAS
    treats the edge of a matrix by other instructions than its middle. Images with equal features
    must tie whatever the BLAS does, so their distances are copied from the first of them.

    Args:
        array: (N, D).
        norms: (N,) the squared norms of the rows; only rows of equal norm are looked at.

    Returns:
        (the rows that repeat, the first row that each repeats), both (C,); mostly C = 0.
    """
    suspects = _repeated(norms)
    step = max(1, CHUNK_BYTES // (array.shape[1] * 32))
    hashes = np.empty(len(suspects), np.uint64)
    for i in range(0, len(suspects), step):
        hashes[i : i + step] = _hashes(array[suspects[i : i + step]])
    _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    originals = suspects[first[inverse]]
    again, originals = suspects[suspects != originals], originals[suspects != originals]
    equal = np.empty(len(again), bool)
    for i in range(0, len(again), step):
        part = slice(i, i + step)
        equal[part] = (array[again[part]] == array[originals[part]]).all(axis=1)
    return again[equal], originals[equal]


def _hashes(rows: Array) -> npt.NDArray[np.uint64]:
    """Hash each row; rows that compare equal (0.0 and -0.0 too) hash alike."""
    bits = (rows.astype(np.float64) + 0.0).view(np.uint64)
    odd = np.arange(bits.shape[1], dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) | np.uint64(1)
    mixed = bits ^ (bits >> np.uint64(29))
    hashes: npt.NDArray[np.uint64] = (mixed * odd).sum(axis=1, dtype=np.uint64)
    return hashes


def _repeated(values: Array) -> Ints:
    """Return the positions of values that stand in a vector more than once, ascending."""
    order = np.argsort(values, kind="stable")
    equal = values[order[1:]] == values[order[:-1]]
    found = np.zeros(len(values), bool)
    found[order[1:][equal]] = True
    found[order[:-1][equal]] = True
    return np.flatnonzero(found)
