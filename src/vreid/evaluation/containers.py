"""Opens the containers in which people keep features, and finds what they call what is in them."""

import csv
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vreid.datasets.numbering import WHOLE_NUMBER, same_number
from vreid.evaluation.arrays import Array
from vreid.params.errors import UserError

MIRRORED = "_mirrored"
WORDS = {
    "features": ("features", "feature", "feats", "feat", "f", "embeddings", "embedding", "embs", "emb"),
    "ids": ("ids", "id", "pids", "pid", "labels", "label"),
    "cams": ("cams", "cam", "camids", "camid", "cam_ids", "cam_id"),
}
PREFIXES = {
    "": ("",),
    "query_": ("query_", "query", "q_", "q"),
    "gallery_": ("gallery_", "gallery", "g_", "g"),
}
NAMES = {"role": "role", "split": "role"} | {
    f"{prefix}{word}{end}": f"{part}{thing}{end}"
    for part, prefixes in PREFIXES.items()
    for thing, words in WORDS.items()
    for prefix in prefixes
    for word in words
    for end in ("", MIRRORED)
    if (prefix or word != "f") and (not end or thing == "features")
}
"""What is read, by every name for it: `qf`, `query_f` and `query_features` are one thing."""

MISSING = ("", "nan", "<na>", "na", "n/a", "null", "none")
"""What programs write into a CSV where nothing is known."""

NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?|[-+]?inf", re.IGNORECASE)
"""A number as programs write one, whole or not."""

NUMBERED = re.compile(r"(?P<stem>.*?)[_.\- ]?(?P<number>[0-9]{1,5})")
"""The name of a column that holds one dimension of a feature: `feat_0`, `x1`, `17`."""

NOT_NUMBERS = (ValueError, OSError, EOFError, MemoryError, OverflowError)
"""What NumPy raises on a file that it cannot read, or that claims to hold more than any memory does."""

CONVERT = {
    ".h5": "import h5py, numpy; "
    "numpy.savez('features.npz', **{k: v[()] for k, v in h5py.File(FILE).items()})",
    ".pkl": "import pickle, numpy; numpy.savez('features.npz', **pickle.load(open(FILE, 'rb')))",
}
CONVERT |= {".hdf5": CONVERT[".h5"], ".pickle": CONVERT[".pkl"]}
"""Python that makes an .npz of what is not read here: h5py is no part of vreid, and pickles run code."""


@dataclass(frozen=True)
class Container:
    """An open file: the names in it, and how to read the one of a number.

    `read` takes the number and whether features are wanted (else labels), and returns an array. In a table
    each name is a column, with a line per image.
    """

    path: Path
    names: tuple[str, ...]
    read: Callable[[int, bool], Array]
    is_table: bool

    def arrays(self, mapping: Mapping[str, str]) -> dict[str, Array]:
        """Return what is read, by the values of `NAMES`; `mapping` gives names that `NAMES` does not have.

        Raises:
            UserError: two names stand for one thing, or `mapping` names what is not there.
        """
        chosen = chosen_names(self.names, mapping, self.path)
        found = {thing: self.read(number, "features" in thing) for thing, number in chosen.items()}
        if self.is_table and "features" not in found:
            numbers = _dimensions(self.names, [n for n in range(len(self.names)) if n not in chosen.values()])
            columns = [self.read(number, True) for number in numbers]
            for number, column in zip(numbers, columns, strict=True):
                if column.ndim != 1 or column.dtype.kind not in "fiub":
                    raise UserError(f"{self.path}, column {self.names[number]!r}: features are real numbers")
            if columns:
                found["features"] = np.stack(columns, axis=1)
        return found


def open_container(path: Path) -> Container:
    """Open a file of features or labels by its ending; a folder is opened as the .npy files in it.

    Nothing is unpickled.

    Raises:
        UserError: the file is missing, damaged or of another kind; for some kinds it says how to convert it.
    """
    kind = path.suffix.lower()
    if path.is_dir():
        found = {file.stem: load_array(file) for file in sorted(path.glob("*.npy"))}
        return _of_arrays(path, found)
    if not path.exists():
        raise UserError(f"{path} is missing")
    if kind in CONVERT:
        command = CONVERT[kind].replace("FILE", repr(str(path)))
        raise UserError(
            f'{path}: features are not read from {kind}; make an .npz of it: python -c "{command}"'
        )
    if kind not in OPENERS:
        known = ", ".join(OPENERS)
        raise UserError(
            f"{path}: features are read from {known} or a folder of .npy, not from {path.suffix!r}"
        )
    return OPENERS[kind](path)


def chosen_names(names: Sequence[str], mapping: Mapping[str, str], path: Path) -> dict[str, int]:
    """Return by the values of `NAMES` which of `names` it is; others do not count.

    Raises:
        UserError: as `Container.arrays`.
    """
    chosen: dict[str, int] = {}
    for thing, name in mapping.items():
        if name not in names:
            raise UserError(f"{path} has no {name!r} for {thing}; it has {', '.join(names) or 'nothing'}")
        chosen[thing] = names.index(name)
    for number, name in enumerate(names):
        known = NAMES.get(name.lower())
        if known is None or known in mapping or number in chosen.values():
            continue
        if known in chosen:
            raise UserError(
                f"{path} has two names for one thing, {names[chosen[known]]!r} and {name!r}: keep one, or "
                f"say which with --map {known}=NAME"
            )
        chosen[known] = number
    return chosen


def load_array(path: Path) -> Array:
    """Open an .npy file, memory-mapped.

    Raises:
        UserError: it is missing, or holds something else.
    """
    try:
        loaded: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{path} is missing") from None
    except NOT_NUMBERS as error:
        raise UserError(f"{path} is no .npy file of numbers ({error})") from None
    if not isinstance(loaded, np.ndarray):  # NumPy looks at the content, not at the name
        raise UserError(f"{path} holds several arrays, as .npz does: give it that ending")
    return loaded


def _of_arrays(path: Path, arrays: Mapping[str, Array], *, is_table: bool = False) -> Container:
    names = tuple(arrays)
    return Container(path, names, lambda number, _: arrays[names[number]], is_table)


def _dimensions(names: Sequence[str], free: Sequence[int]) -> list[int]:
    """Return the columns that hold a feature's dimensions: names numbered from 0 or 1 without gaps."""
    families: dict[str, dict[int, int]] = {}
    for column in free:
        found = NUMBERED.fullmatch(names[column])
        if found:
            families.setdefault(found["stem"], {})[int(found["number"])] = column
    whole = [
        [family[number] for number in sorted(family)]
        for family in families.values()
        if len(family) > 1 and sorted(family) in (list(range(len(family))), list(range(1, len(family) + 1)))
    ]
    return max(whole, key=len, default=[])


def _open_npz(path: Path) -> Container:
    try:
        with np.load(path, allow_pickle=False) as archive:
            if len(set(archive.files)) < len(archive.files):
                raise UserError(f"{path} holds two arrays of one name")
            return _of_arrays(path, {name: archive[name] for name in archive.files})
    except (*NOT_NUMBERS, AttributeError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is no .npz of numbers and text ({error})") from None


def _open_npy(path: Path) -> Container:
    array = load_array(path)
    if array.dtype.names is None:
        return _of_arrays(path, {"features": array})
    return _of_arrays(path, {name: array[name] for name in array.dtype.names}, is_table=True)


def _open_mat(path: Path) -> Container:
    """Open Matlab's file, as layumi's `pytorch_result.mat`; its vectors are rows of a matrix."""
    from scipy.io import loadmat  # noqa: PLC0415 -- no other container needs it
    from scipy.io.matlab import MatReadError  # noqa: PLC0415

    try:
        found = loadmat(path)
    except NotImplementedError:
        raise UserError(f"{path} is of Matlab 7.3: save it with `-v7`") from None
    except (*NOT_NUMBERS, TypeError, MatReadError) as error:
        raise UserError(f"{path} is no .mat file ({error})") from None
    return _of_arrays(path, {name: values for name, values in found.items() if name[:2] != "__"})


def _open_torch(path: Path) -> Container:
    """Open a dictionary of tensors and lists; code in the file is never executed."""
    import torch  # noqa: PLC0415 -- no other container needs it

    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{path} is not read, because it is damaged or holds more than tensors, lists and text, which "
            f"might run code ({first}). Save a dictionary of tensors: torch.save({{'query_features': …}}, …)"
        ) from None
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise UserError(f"{path} holds a {type(found).__name__}, not a dictionary of tensors by name")
    return _of_arrays(path, {name: _from_torch(value) for name, value in found.items()})


def _open_safetensors(path: Path) -> Container:
    from safetensors import SafetensorError  # noqa: PLC0415 -- no other container needs it
    from safetensors.torch import load_file  # noqa: PLC0415

    try:
        found = load_file(path)
    except (*NOT_NUMBERS, SafetensorError) as error:
        raise UserError(f"{path} is no .safetensors file ({error})") from None
    return _of_arrays(path, {name: _from_torch(value) for name, value in found.items()})


def _from_torch(value: Any) -> Array:
    import torch  # noqa: PLC0415 -- no other container needs it

    if not isinstance(value, torch.Tensor):
        array = np.empty(len(value), object) if isinstance(value, list | tuple) else np.asarray(value)
        if isinstance(value, list | tuple):
            array[:] = value
        return array
    value = value.detach()
    widened: Array = (value.float() if value.dtype == torch.bfloat16 else value).numpy()
    return widened


def _open_csv(path: Path) -> Container:
    """Open a CSV (UTF-8, commas); it is read as text first, so that `03` is not taken for `003`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [[value.strip() for value in line] for line in csv.reader(file, strict=True) if line]
    except UnicodeDecodeError:
        raise UserError(f"{path} is not in UTF-8: save it in this encoding") from None
    except (csv.Error, OSError) as error:
        raise UserError(f"{path} is no .csv with a line of names ({error})") from None
    names, rows = tuple(lines[0]) if lines else (), lines[1:]
    short = next((number for number, row in enumerate(rows) if len(row) != len(names)), None)
    if short is not None:
        raise UserError(
            f"{path}: line {short} (from 0, below the names) has {len(rows[short])} values for "
            f"{len(names)} columns"
        )

    def read(number: int, features: bool) -> Array:
        texts, where = [row[number] for row in rows], f"{path}, column {names[number]!r}"
        return _floats(texts, where) if features else _labels(texts, where)

    return Container(path, names, read, is_table=True)


def _floats(texts: list[str], where: str) -> Array:
    odd = next((row for row, text in enumerate(texts) if not NUMBER.fullmatch(text)), None)
    if odd is not None:
        raise UserError(f"{where}: line {odd} (from 0) is {texts[odd]!r}; features are real numbers")
    return np.array([float(text) for text in texts])


def _labels(texts: list[str], where: str) -> Array:
    """Return labels as numbers if all of them are whole numbers, else as they are written.

    Raises:
        UserError: a label is missing, or two are written differently and have one value: `03` and `003`.
    """
    absent = next((row for row, text in enumerate(texts) if text.lower() in MISSING), None)
    if absent is not None:
        raise UserError(
            f"{where}: line {absent} (from 0) is {texts[absent]!r}, which stands for a missing value"
        )
    odd = next((row for row, text in enumerate(texts) if not WHOLE_NUMBER.fullmatch(text)), None)
    if odd is not None and all(NUMBER.fullmatch(text) for text in texts):
        raise UserError(
            f"{where}: line {odd} (from 0) is {texts[odd]!r} among numbers; labels are whole numbers, "
            "written out, or text"
        )
    if odd is not None:
        return np.array(texts, dtype=object)
    merged = same_number(texts)
    if merged is not None:
        raise UserError(
            f"{where}: {merged[0]!r} and {merged[1]!r} are one number written in two ways; write every label "
            "in one way"
        )
    numbers = [int(text.partition(".")[0]) for text in texts]
    fit = all(abs(number) < 2**63 for number in numbers)
    return np.array(numbers, np.int64) if fit else np.array([str(number) for number in numbers], dtype=object)


def _open_parquet(path: Path) -> Container:
    import pyarrow as pa  # noqa: PLC0415 -- .npz is read without it
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, ValueError, OSError) as error:
        raise UserError(f"{path} is no Parquet file ({error})") from None
    names = tuple(table.column_names)
    return Container(
        path, names, lambda n, _: _values(table.column(n), f"{path}, column {names[n]!r}"), is_table=True
    )


def _values(column: Any, where: str) -> Array:
    """Return an Arrow column (N,) as an array, and a column of lists as a matrix (N, D)."""
    import pyarrow as pa  # noqa: PLC0415 -- .npz is read without it
    import pyarrow.compute as pc  # noqa: PLC0415

    types = pa.types
    if isinstance(column.type, pa.BaseExtensionType):
        storage = column.type.storage_type
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], storage)
    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if column.null_count:
        raise UserError(f"{where}: {column.null_count} values are missing")
    lists = ("list", "large_list", "fixed_size_list", "list_view", "large_list_view")
    if not any(getattr(types, f"is_{kind}")(column.type) for kind in lists):
        values: Array = column.to_numpy()
        return values
    inner = column.type.value_type
    if not (types.is_integer(inner) or types.is_floating(inner) or types.is_boolean(inner)):
        raise UserError(f"{where} holds lists of {inner}; features are lists of real numbers")
    lengths = pc.list_value_length(column).to_numpy()
    known, counts = np.unique(lengths, return_counts=True)
    if not len(known):
        raise UserError(f"{where} is empty")
    width = int(known[counts.argmax()])
    odd = np.flatnonzero(lengths != width)
    if odd.size:
        raise UserError(
            f"{where}: row {odd[0]} (from 0) has {lengths[odd[0]]} numbers, but most rows have "
            f"{width}; the features of all images need one length"
        )
    flat = pc.list_flatten(column)
    if flat.null_count:
        row = pc.index(pc.is_null(flat), True).as_py() // width
        raise UserError(f"{where}: a number in row {row} (from 0) is missing")
    matrix: Array = flat.to_numpy().reshape(len(column), width)
    return matrix


OPENERS: dict[str, Callable[[Path], Container]] = {
    ".npz": _open_npz,
    ".npy": _open_npy,
    ".parquet": _open_parquet,
    ".csv": _open_csv,
    ".mat": _open_mat,
    ".pt": _open_torch,
    ".pth": _open_torch,
    ".safetensors": _open_safetensors,
}
