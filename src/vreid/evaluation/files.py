"""Reads features that anybody's model wrote: .npz, .npy with a table of labels, or .parquet."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vreid.evaluation.arrays import Array, feature_matrix, label_vector
from vreid.evaluation.evaluate import Method, evaluate_arrays, evaluate_pool
from vreid.evaluation.protocols import Protocol
from vreid.evaluation.result import Result
from vreid.params.errors import UserError

ROLES = ("query", "gallery")
MIRRORED = "_mirrored"
ALIASES = {"pid": "id", "camid": "cam", "split": "role"}
"""Names of columns in this project's own tables, beside those of a file of features."""

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
        UserError: the file is missing, damaged or of another kind, or lacks a key or a column.
    """
    if path.suffix == ".npz":
        return _from_arrays(_load_npz(path), path)
    if path.suffix == ".parquet":
        return _from_lines(_load_parquet(path), path)
    if path.suffix == ".npy":
        return _from_npy(_load(path), path, labels)
    raise UserError(f"{path}: features are read from .npz, .npy or .parquet, not from {path.suffix!r}")


def _from_npy(array: Array, path: Path, labels: Path | None) -> FeatureSet:
    if array.dtype.names is not None:
        return _from_lines({ALIASES.get(name, name): array[name] for name in array.dtype.names}, path)
    if labels is None:
        raise UserError(f"{path} holds features alone: name a table of their ids with --labels")
    table = _load_csv(labels) if labels.suffix == ".csv" else _load_parquet(labels)
    return _from_lines({**table, "features": array}, labels)


def _from_arrays(arrays: Mapping[str, Array], path: Path) -> FeatureSet:
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
    mirrored = arrays.get(f"{prefix}features{MIRRORED}")
    return Part(features, labels["ids"], labels.get("cams"), mirrored)


def _from_lines(table: Mapping[str, Array], path: Path) -> FeatureSet:
    columns = {"ids": "id", "cams": "cam", "features": "features"}
    columns[f"features{MIRRORED}"] = f"features{MIRRORED}"
    arrays = {key: table[name] for key, name in columns.items() if name in table}
    if "ids" not in arrays or "features" not in arrays:
        missing = "id" if "ids" not in arrays else "features"
        raise UserError(f"{path} has no column {missing!r}; it has {', '.join(table)}")
    if "role" not in table:
        return FeatureSet(_part(arrays, "", path), None)
    roles = table["role"]
    if len(roles) != len(arrays["features"]):
        raise UserError(f"{path} has {len(roles)} lines for {len(arrays['features'])} features")
    odd = np.flatnonzero(~np.isin(roles, ROLES))
    if odd.size:
        raise UserError(
            f"{path}: the role in line {odd[0]} (from 0) is {roles[odd[0]]!r}, not query or gallery"
        )
    return _from_arrays(
        {f"{role}_{key}": values[roles == role] for role in ROLES for key, values in arrays.items()}, path
    )


def _load_npz(path: Path) -> dict[str, Array]:
    try:
        with np.load(path, allow_pickle=False) as archive:
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
    return loaded


def _load_csv(path: Path) -> dict[str, Array]:
    import pyarrow as pa  # noqa: PLC0415 -- .npz is read without it
    import pyarrow.csv  # noqa: PLC0415

    try:
        return _columns(pyarrow.csv.read_csv(path), path)
    except FileNotFoundError:
        raise UserError(f"{path} is missing") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path} is no .csv with a line of names ({error})") from None


def _load_parquet(path: Path) -> dict[str, Array]:
    import pyarrow as pa  # noqa: PLC0415 -- .npz is read without it
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        return _columns(pq.read_table(path), path)
    except FileNotFoundError:
        raise UserError(f"{path} is missing") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path} is no Parquet file ({error})") from None


def _columns(table: Any, path: Path) -> dict[str, Array]:
    import pyarrow as pa  # noqa: PLC0415 -- .npz is read without it

    known = ("id", "cam", "role", "features", f"features{MIRRORED}")
    found = {}
    for written in table.column_names:
        name = ALIASES.get(written, written)
        if name not in known:
            continue
        column = table[written].combine_chunks()
        if column.null_count:
            raise UserError(f"{path}: {column.null_count} values of the column {written!r} are missing")
        if pa.types.is_list(column.type) or pa.types.is_fixed_size_list(column.type):
            flat = column.flatten().to_numpy(zero_copy_only=False)
            if len(table) == 0 or len(flat) % len(table):
                raise UserError(f"{path}: the lists in the column {written!r} have different lengths")
            found[name] = flat.reshape(len(table), -1)
        else:
            found[name] = column.to_numpy(zero_copy_only=False)
    return found
