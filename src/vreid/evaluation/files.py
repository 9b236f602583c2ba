"""Reads features that anybody's model wrote: .npz, .npy with a table of labels, or .parquet."""

import csv
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vreid.datasets.numbering import WHOLE_NUMBER, same_number
from vreid.evaluation.arrays import Array, feature_matrix, label_vector
from vreid.evaluation.evaluate import Method, evaluate_arrays, evaluate_pool
from vreid.evaluation.protocols import Protocol
from vreid.evaluation.result import Result
from vreid.params.errors import UserError

ROLES = ("query", "gallery")
MIRRORED = "_mirrored"
ALIASES = {"pid": "id", "camid": "cam", "split": "role"}
"""Names of columns in this project's own tables, beside those of a file of features."""
LABELS = ("id", "cam", "role")
COLUMNS = (*LABELS, "features", f"features{MIRRORED}")

MISSING = ("", "nan", "<na>", "na", "n/a", "null", "none")
"""What programs write into a CSV where nothing is known."""

NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?|[-+]?inf", re.IGNORECASE)
"""A number as programs write one, whole or not."""

NOT_NUMBERS = (ValueError, OSError, EOFError, MemoryError, OverflowError)
"""What NumPy raises on a file that it cannot read, or that claims to hold more than any memory does."""


@dataclass(frozen=True)
class Part:
    """Features (N, D) with identities (N,), and cameras (N,) and features of the mirrored images if known."""

    features: Array
    ids: Array
    cams: Array | None
    mirrored: Array | None

    def tested(self, flip: bool) -> Array:
        """Return the features, or, for `flip`, their mean with those of the mirrored images.

        Raises:
            UserError: there are no features of mirrored images, or they have another shape.
        """
        if not flip:
            return self.features
        if self.mirrored is None:
            raise UserError(
                "The flip test needs the features of the mirrored images: query_features_mirrored and "
                "gallery_features_mirrored, or features_mirrored for one set"
            )
        return flip_mean(self.features, self.mirrored)


def flip_mean(features: Array, mirrored: Array) -> Array:
    """Return the mean of the features of images and of their mirror images (N, D), float32 or wider.

    Raises:
        UserError: the shapes differ.
    """
    if features.shape != mirrored.shape:
        raise UserError(
            f"The features have the shape {features.shape}, those of the mirrored images {mirrored.shape}"
        )
    dtype = np.result_type(features.dtype, mirrored.dtype, np.float32)
    mean: Array = (features.astype(dtype) + mirrored) / 2
    return mean


@dataclass(frozen=True)
class FeatureSet:
    """What a file holds: query and gallery apart, or one set (then `gallery` is None)."""

    query: Part
    gallery: Part | None

    def evaluate(self, protocol: Protocol, method: Method, *, flip: bool = False, seed: int = 0) -> Result:
        """Evaluate under `protocol`; one set is split by the protocol, whose draws `seed` starts.

        Raises:
            UserError: see `evaluate_arrays` and `evaluate_pool`.
        """
        one, other = self.query, self.gallery
        if other is None:
            return evaluate_pool(
                one.tested(flip), one.ids, one.cams, protocol=protocol, method=method, seed=seed
            )
        return evaluate_arrays(
            one.tested(flip),
            other.tested(flip),
            one.ids,
            other.ids,
            one.cams,
            other.cams,
            protocol=protocol,
            method=method,
        )


@dataclass(frozen=True)
class Table:
    """Columns of a table by the names in `COLUMNS`, and the names of all its columns as they are written."""

    path: Path
    columns: Mapping[str, Array]
    written: tuple[str, ...]


def read_features(path: Path, labels: Path | None = None) -> FeatureSet:
    """Read features, identities and cameras from a file.

    * `.npz`: query_features, gallery_features, query_ids, gallery_ids and, where known, query_cams and
      gallery_cams; or features, ids and cams of one set. `query_features_mirrored` … serve the flip test.
    * `.parquet`: a line per image with the columns features (list of numbers), id (or pid) and, where known,
      cam (or camid), role (or split: query or gallery; without it the lines are one set) and
      features_mirrored.
    * `.npy`: an array with these fields; or the matrix of features, and `labels` is a .csv or .parquet with
      the other columns, line by line.

    Nothing is unpickled.

    Raises:
        UserError: the file is missing, damaged or of another kind, lacks a key or a column, has one twice, or
            holds labels or features that are not what `label_vector` and `feature_matrix` take.
    """
    kind = path.suffix.lower()
    if kind == ".npy":
        return _from_npy(_load(path), path, labels)
    if labels is not None:
        raise UserError(f"--labels names the labels of a .npy file; {path} has its labels itself")
    if kind == ".npz":
        return _from_arrays(_load_npz(path), path)
    if kind == ".parquet":
        return _from_table(_load_parquet(path))
    raise UserError(f"{path}: features are read from .npz, .npy or .parquet, not from {path.suffix!r}")


def _from_npy(array: Array, path: Path, labels: Path | None) -> FeatureSet:
    written = array.dtype.names
    if written is not None and labels is not None:
        raise UserError(f"--labels is for a matrix of features; {path} has the fields {', '.join(written)}")
    if written is not None:
        chosen = chosen_columns(written, path)
        return _from_table(Table(path, {name: array[written[n]] for name, n in chosen.items()}, written))
    if labels is None:
        raise UserError(f"{path} holds features alone: name a table of their ids with --labels")
    table = _load_csv(labels) if labels.suffix.lower() == ".csv" else _load_parquet(labels)
    if "features" in table.columns:
        raise UserError(f"{path} and {labels} both hold features: name one of them")
    return _from_table(Table(labels, {**table.columns, "features": array}, table.written))


def _from_arrays(arrays: Mapping[str, Array], path: Path) -> FeatureSet:
    apart = [f"{role}_features" for role in ROLES if f"{role}_features" in arrays]
    if "features" in arrays and apart:
        raise UserError(f"{path} has features of one set and {apart[0]} besides: keep one or the other")
    if "features" in arrays:
        return FeatureSet(_part(arrays, "", path), None)
    return FeatureSet(_part(arrays, "query_", path), _part(arrays, "gallery_", path))


def _part(arrays: Mapping[str, Array], prefix: str, path: Path) -> Part:
    missing = [prefix + key for key in ("features", "ids") if prefix + key not in arrays]
    if missing:
        raise UserError(f"{path} has no {missing[0]!r}; it has {', '.join(sorted(arrays)) or 'nothing'}")
    features = feature_matrix(arrays[f"{prefix}features"], f"{path}, {prefix}features")
    labels = {
        key: label_vector(arrays[prefix + key], len(features), f"{path}, {prefix}{key}")
        for key in ("ids", "cams")
        if prefix + key in arrays
    }
    key = f"{prefix}features{MIRRORED}"
    mirrored = feature_matrix(arrays[key], f"{path}, {key}") if key in arrays else None
    return Part(features, labels["ids"], labels.get("cams"), mirrored)


def _from_table(table: Table) -> FeatureSet:
    """Return the images of a table, apart by their role if it has such a column."""
    columns, path = table.columns, table.path
    for needed in ("id", "features"):
        if needed not in columns:
            raise UserError(f"{path} has no column {needed!r}; it has {', '.join(table.written) or 'none'}")
    rows = len(columns["features"])
    arrays = {
        {"id": "ids", "cam": "cams"}.get(name, name): values
        for name, values in columns.items()
        if name != "role"
    }
    if "role" not in columns:
        return FeatureSet(_part(arrays, "", path), None)
    short = next((name for name, values in columns.items() if len(values) != rows), None)
    if short is not None:
        raise UserError(f"{path} has {len(columns[short])} lines for {rows} features")
    roles = columns["role"]
    texts = [role.decode("utf-8", "replace") if isinstance(role, bytes) else role for role in roles.tolist()]
    odd = next((row for row, role in enumerate(texts) if role not in ROLES), None)
    if odd is not None:
        raise UserError(f"{path}: the role in line {odd} (from 0) is {texts[odd]!r}, not query or gallery")
    chosen = {role: np.array([text == role for text in texts]) for role in ROLES}
    for role, mine in chosen.items():
        if not mine.any():
            raise UserError(f"{path}: no line has the role {role}")
    return _from_arrays(
        {f"{role}_{key}": values[chosen[role]] for role in ROLES for key, values in arrays.items()}, path
    )


def chosen_columns(written: Sequence[str], path: Path) -> dict[str, int]:
    """Return by the names in `COLUMNS` which of the columns `written` it is; others do not count.

    Raises:
        UserError: two columns have one name, or names for the same thing.
    """
    chosen: dict[str, int] = {}
    for number, column in enumerate(written):
        name = ALIASES.get(column, column)
        if name in chosen:
            raise UserError(
                f"{path} has two columns for one thing, {written[chosen[name]]!r} and {column!r}: keep one"
            )
        if name in COLUMNS:
            chosen[name] = number
    return chosen


def _load_npz(path: Path) -> dict[str, Array]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            if len(set(archive.files)) < len(archive.files):
                raise UserError(f"{path} holds two arrays of one name")
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise UserError(f"{path} is missing") from None
    except (*NOT_NUMBERS, AttributeError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is no .npz of numbers and text ({error})") from None


def _load(path: Path) -> Array:
    try:
        loaded: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{path} is missing") from None
    except NOT_NUMBERS as error:
        raise UserError(f"{path} is no .npy file of numbers ({error})") from None
    if not isinstance(loaded, np.ndarray):  # NumPy looks at the content, not at the name
        raise UserError(f"{path} holds several arrays, as .npz does: give it that ending")
    return loaded


def _load_csv(path: Path) -> Table:
    """Return the labels in a CSV (UTF-8, commas), read as text first, so that `03` is not taken for `003`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [[value.strip() for value in line] for line in csv.reader(file, strict=True) if line]
    except FileNotFoundError:
        raise UserError(f"{path} is missing") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not in UTF-8: save it in this encoding") from None
    except (csv.Error, OSError) as error:
        raise UserError(f"{path} is no .csv with a line of names ({error})") from None
    written, rows = tuple(lines[0]) if lines else (), lines[1:]
    short = next((number for number, row in enumerate(rows) if len(row) != len(written)), None)
    if short is not None:
        raise UserError(
            f"{path}: line {short} (from 0, below the names) has {len(rows[short])} values for "
            f"{len(written)} columns"
        )
    columns = {
        name: _labels([row[number] for row in rows], f"{path}, column {written[number]!r}")
        for name, number in chosen_columns(written, path).items()
        if name in LABELS
    }
    return Table(path, columns, written)


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


def _load_parquet(path: Path) -> Table:
    import pyarrow as pa  # noqa: PLC0415 -- .npz is read without it
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise UserError(f"{path} is missing") from None
    except (pa.ArrowException, ValueError, OSError) as error:
        raise UserError(f"{path} is no Parquet file ({error})") from None
    return _columns(table, path)


def _columns(table: Any, path: Path) -> Table:
    """Return the columns of an Arrow table that are read, as arrays."""
    written = tuple(table.column_names)
    chosen = chosen_columns(written, path)
    columns = {
        name: _values(table.column(number), f"{path}, column {written[number]!r}")
        for name, number in chosen.items()
    }
    return Table(path, columns, written)


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
