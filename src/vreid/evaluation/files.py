"""Reads features that anybody's model wrote, with identities and cameras, and evaluates them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vreid.evaluation.arrays import Array, chunks, feature_matrix, label_vector, working_type
from vreid.evaluation.containers import MIRRORED, NAMES, Container, load_array, open_container
from vreid.evaluation.evaluate import Method, evaluate_arrays, evaluate_distances, evaluate_pool
from vreid.evaluation.protocols import Protocol
from vreid.evaluation.result import Result
from vreid.params.errors import UserError

ROLES = ("query", "gallery")


@dataclass(frozen=True)
class Part:
    """Features (N, D) with identities (N,), and cameras (N,) and features of the mirrored images if known."""

    features: Array
    ids: Array
    cams: Array | None
    mirrored: Array | None

    def of(self, rows: Array) -> "Part":
        """Return the images that `rows` (N,) marks."""
        cams, mirrored = (None if values is None else values[rows] for values in (self.cams, self.mirrored))
        return Part(self.features[rows], self.ids[rows], cams, mirrored)

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
    """What a file holds: query and gallery apart, or one set (then `gallery` is None).

    `remarks` are sentences about what was left out. `distances` (Q, G), where they are given, take the place
    of features, which are then their rows and columns.
    """

    query: Part
    gallery: Part | None
    remarks: tuple[str, ...] = ()
    distances: Array | None = None

    @property
    def protocol(self) -> str:
        """The protocol that takes the images as they are, for who names none."""
        if self.gallery is None:
            return "all_vs_all"
        cameras = self.query.cams is not None and self.gallery.cams is not None
        return "custom" if cameras else "custom_no_cameras"

    def without(self, junk: str) -> "FeatureSet":
        """Return the images but those of the identity `junk`, as false boxes of a detector are marked (-1).

        Raises:
            UserError: no image has it, or all have.
        """
        parts = [part for part in (self.query, self.gallery) if part is not None]
        kept = [part.ids.astype(str) != junk for part in parts]
        dropped = sum(int((~mask).sum()) for mask in kept)
        if not dropped or not all(mask.any() for mask in kept):
            which = "Every image of query or gallery" if dropped else "No image"
            raise UserError(f"{which} has the identity {junk}, which is to be left out")
        rest = [part.of(mask) for part, mask in zip(parts, kept, strict=True)]
        remark = f"{dropped} images of the identity {junk} are left out: they are junk for every query"
        matrix = self.distances if self.distances is None else self.distances[np.ix_(kept[0], kept[-1])]
        return FeatureSet(rest[0], rest[1] if len(rest) > 1 else None, (*self.remarks, remark), matrix)

    def suspicions(self) -> list[str]:
        """Return sentences about features that cannot tell images apart: rows of zeros, or all equal."""
        names = ("",) if self.gallery is None else ("query ", "gallery ")
        found = []
        for name, part in zip(names, (self.query, self.gallery), strict=False):
            if part is None or self.distances is not None:
                continue
            features, zeros = part.features, 0
            for _, rows in chunks(features, working_type(features)):
                zeros += int((~rows.any(axis=1)).sum())
            if zeros:
                found.append(
                    f"{zeros} of {len(features)} {name}features are all zero: look at what made them"
                )
            elif len(features) > 1 and (features == features[0]).all():
                found.append(f"All {len(features)} {name}features are equal: look at what made them")
        return found

    def evaluate(self, protocol: Protocol, method: Method, *, flip: bool = False, seed: int = 0) -> Result:
        """Evaluate under `protocol`; one set is split by the protocol, whose draws `seed` starts.

        Raises:
            UserError: see `evaluate_arrays` and `evaluate_pool`.
        """
        one, other = self.query, self.gallery
        if self.distances is not None:
            if flip:
                raise UserError("The flip test needs features, not distances")
            far = one if other is None else other
            return evaluate_distances(
                self.distances,
                one.ids,
                far.ids,
                one.cams,
                far.cams,
                protocol=protocol,
                method=method,
                seed=seed if other is None else None,
            )
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


def read_features(
    path: Path,
    labels: Path | None = None,
    mapping: Mapping[str, str] | None = None,
    distances: Path | None = None,
) -> FeatureSet:
    """Read features, identities and cameras from a file that `open_container` opens.

    Arrays are query_features, gallery_features, query_ids, gallery_ids and, where known, query_cams and
    gallery_cams; or features, ids and cams of one set. `query_features_mirrored` … serve the flip test.
    Tables have a line per image and the columns features (a list of numbers; or numbered columns), ids and,
    where known, cams and role (query, gallery; lines of the role train are left out; without roles the lines
    are one set). Other usual names for these (`NAMES`) will do, and `mapping` gives any name for them.

    Args:
        path: the file.
        labels: a table with the other columns, line by line, where `path` is a matrix of features in .npy.
        mapping: of the values of `NAMES` to names in the file.
        distances: an .npy matrix (Q, G) that takes the place of the features; `path` has the labels.

    Raises:
        UserError: the file is missing, damaged or of another kind, lacks a key or a column, has one twice, or
            holds labels or features that are not what `label_vector` and `feature_matrix` take.
    """
    mapping = mapping or {}
    unknown = [thing for thing in mapping if thing not in NAMES.values()]
    if unknown:
        raise UserError(f"--map {unknown[0]}=…: nothing is called so; there are {', '.join(_things())}")
    container = open_container(path)
    if distances is not None:
        return _with_distances(container.arrays(mapping), path, container, load_array(distances))
    alone = path.suffix.lower() == ".npy" and container.names == ("features",)
    if labels is not None and not alone:
        raise UserError(f"--labels is for a matrix of features in .npy; {path} has its labels itself")
    if not alone:
        return _sorted_out(container.arrays(mapping), path, container.names, is_table=container.is_table)
    if labels is None:
        raise UserError(f"{path} holds features alone: name a table of their ids with --labels")
    table = open_container(labels)
    arrays = table.arrays(mapping)
    if "features" in arrays:
        raise UserError(f"{path} and {labels} both hold features: name one of them")
    features = container.arrays({})["features"]
    return _sorted_out({**arrays, "features": features}, labels, table.names, is_table=True)


def _with_distances(arrays: dict[str, Array], path: Path, container: Container, given: Array) -> FeatureSet:
    """Return labels with given distances, whose rows and columns stand for the features."""
    matrix = feature_matrix(given, "distances")
    found = {name: values for name, values in arrays.items() if "features" not in name}
    if "role" in found:
        raise UserError(
            f"{path}: with --distances the labels of query and gallery stand apart, or are one set"
        )
    one_set = "ids" in found
    found |= {"features": matrix} if one_set else {"query_features": matrix, "gallery_features": matrix.T}
    images = _sorted_out(found, path, container.names, is_table=container.is_table)
    return FeatureSet(images.query, images.gallery, images.remarks, matrix)


def _things() -> list[str]:
    return sorted(set(NAMES.values()))


def _sorted_out(arrays: dict[str, Array], path: Path, names: Sequence[str], *, is_table: bool) -> FeatureSet:
    """Return query and gallery, which are apart in the file, or by their roles; or the one set."""
    apart = [f"{role}_features" for role in ROLES if f"{role}_features" in arrays]
    if "features" in arrays and apart:
        raise UserError(f"{path} has features of one set and {apart[0]} besides: keep one or the other")
    prefixes = ("",) if is_table or "features" in arrays else ("query_", "gallery_")
    for needed in (f"{prefix}{thing}" for prefix in prefixes for thing in ("ids", "features")):
        if needed not in arrays:
            what = f"column {needed!r}" if is_table else repr(needed)
            raise UserError(f"{path} has no {what}; it has {', '.join(names) or 'nothing'}")
    if prefixes != ("",):
        return FeatureSet(_part(arrays, "query_", path), _part(arrays, "gallery_", path))
    if "role" not in arrays:
        return FeatureSet(_part(arrays, "", path), None)
    return _by_role(arrays, path)


def _by_role(arrays: dict[str, Array], path: Path) -> FeatureSet:
    rows = len(arrays["features"])
    short = next((thing for thing, values in arrays.items() if len(values) != rows), None)
    if short is not None:
        raise UserError(f"{path} has {len(arrays[short])} lines for {rows} features")
    roles = label_vector(arrays.pop("role"), rows, f"{path}, role")
    odd = np.flatnonzero(~np.isin(roles, [*ROLES, "train"])) if roles.dtype.kind == "U" else np.arange(rows)
    if odd.size:
        raise UserError(
            f"{path}: the role in line {odd[0]} (from 0) is {roles[odd[0]]!s}, not query, gallery or train"
        )
    parts = []
    for role in ROLES:
        mine = roles == role
        if not mine.any():
            raise UserError(f"{path}: no line has the role {role}")
        parts.append(_part({thing: values[mine] for thing, values in arrays.items()}, "", path))
    training = int((roles == "train").sum())
    remarks = (f"{training} lines of the role train are left out",) if training else ()
    return FeatureSet(parts[0], parts[1], remarks)


def _part(arrays: Mapping[str, Array], prefix: str, path: Path) -> Part:
    features = feature_matrix(arrays[f"{prefix}features"], f"{path}, {prefix}features")
    labels = {
        thing: label_vector(_flat(arrays[prefix + thing]), len(features), f"{path}, {prefix}{thing}")
        for thing in ("ids", "cams")
        if prefix + thing in arrays
    }
    key = f"{prefix}features{MIRRORED}"
    mirrored = feature_matrix(arrays[key], f"{path}, {key}") if key in arrays else None
    return Part(features, labels["ids"], labels.get("cams"), mirrored)


def _flat(labels: Array) -> Array:
    """Return labels that stand in a matrix of one row or column, as Matlab keeps them, as a vector."""
    return labels.ravel() if labels.ndim == 2 and 1 in labels.shape else labels
