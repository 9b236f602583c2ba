"""From arrays of features, identities and cameras to metrics under a named protocol."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vreid.evaluation.arrays import (
    Array,
    Ints,
    common_codes,
    comparable,
    copies,
    feature_matrix,
    label_vector,
    squared_norms,
    working_type,
)
from vreid.evaluation.device import device_of, rank_on_device
from vreid.evaluation.distances import BUDGET, Distance, FeatureKeys, GivenKeys
from vreid.evaluation.metrics import PerQuery
from vreid.evaluation.protocols import JUNK_RULES, Protocol, find_protocol, form
from vreid.evaluation.ranking import Groups, rank_matches
from vreid.evaluation.reranking import RerankedKeys, Reranking
from vreid.evaluation.result import Result, Trial
from vreid.params.errors import UserError


@dataclass(frozen=True)
class Method:
    """How distances are made and ranked.

    Attributes:
        distance: None for the protocol's own.
        reranking: None for none.
        device: `cpu`, `cuda` or `auto`; re-ranking stays on the CPU.
        budget: bytes that may be used beside the features (and, where a trial draws its images from a
            larger set, beside the copy of what it drew).
        threads: all available cores if None.
    """

    distance: Distance | None = None
    reranking: Reranking | None = None
    budget: int = BUDGET
    threads: int | None = None
    device: str = "cpu"


def evaluate_arrays(
    query: npt.ArrayLike,
    gallery: npt.ArrayLike,
    query_ids: npt.ArrayLike,
    gallery_ids: npt.ArrayLike,
    query_cams: npt.ArrayLike | None = None,
    gallery_cams: npt.ArrayLike | None = None,
    *,
    protocol: str | Protocol = "custom",
    junk: str | None = None,
    method: Method | None = None,
) -> Result:
    """Evaluate query features against gallery features as one trial.

    Under a protocol that forms query and gallery itself the arrays must have its form: one gallery
    image per identity (`vehicleid_official`, `vru`), one query per identity (`vehicleid_swapped`),
    or, for `all_vs_all`, the same set as query and as gallery; two sets that share no image are
    then searched as one.

    Args:
        query: (Q, D) real numbers; computed in float32, or in float64 if query or gallery is.
        gallery: (G, D) likewise.
        query_ids: (Q,) identities, whole numbers or strings.
        gallery_ids: (G,) likewise.
        query_cams: (Q,) cameras; needed by the junk rule `same_camera` alone.
        gallery_cams: (G,) likewise.
        protocol: a name that `find_protocol` knows, or a protocol.
        junk: a junk rule instead of the protocol's.
        method: distance, memory, threads.

    Raises:
        UserError: an array has a wrong shape or type, or holds NaN or infinity; the arrays have not
            the form of the protocol; no query has a match left.
    """
    query = feature_matrix(query, "query features")
    gallery = feature_matrix(gallery, "gallery features")
    ids = (
        label_vector(query_ids, len(query), "query ids"),
        label_vector(gallery_ids, len(gallery), "gallery ids"),
    )
    comparable(*ids)
    rules = find_protocol(protocol, junk) if isinstance(protocol, str) else protocol
    method = method or Method()
    if rules.form == "all_vs_all" and not _same_set(query, gallery, *ids):
        features, all_ids = _one_set(query, gallery, *ids, rules)
        return evaluate_pool(features, all_ids, protocol=rules, method=method)
    if rules.junk == "self" and not _same_set(query, gallery, *ids):
        raise UserError(
            "The junk rule 'self' drops each query's own image, so query and gallery must be the same set"
        )
    _check_form(rules, *ids)
    cams = None
    if rules.junk == "same_camera" and (query_cams is None) != (gallery_cams is None):
        known, unknown = ("gallery", "query") if query_cams is None else ("query", "gallery")
        raise UserError(
            f"The protocol {rules.name} compares cameras, but only those of the {known} are given, not those "
            f"of the {unknown}"
        )
    if rules.junk == "same_camera" and query_cams is not None and gallery_cams is not None:
        parts = (query_cams, len(query), "query cams"), (gallery_cams, len(gallery), "gallery cams")
        cams = np.concatenate(common_codes(*(label_vector(*part) for part in parts)))
    rows = np.arange(len(query)), np.arange(len(gallery)) + (0 if rules.junk == "self" else len(query))
    groups = Groups(*ids, *marks_of(rules, cams, *rows))
    return measure(rules, [Problem(query, gallery, groups, rows[0], ids[0])], method)


def evaluate_pool(
    features: npt.ArrayLike,
    ids: npt.ArrayLike,
    cams: npt.ArrayLike | None = None,
    *,
    protocol: str | Protocol,
    method: Method | None = None,
    seed: int = 0,
) -> Result:
    """Evaluate one set of images under a protocol that forms query and gallery from it, trial by trial.

    Args:
        features: (N, D) real numbers.
        ids: (N,) identities.
        cams: (N,) cameras; needed by the junk rule `same_camera` alone.
        protocol: of a form other than `given`.
        method: distance, memory, threads.
        seed: of the draws, see `vreid.evaluation.protocols.form`.

    Raises:
        UserError: as `evaluate_arrays`, and for a protocol that needs query and gallery apart.
    """
    features = feature_matrix(features, "features")
    ids = label_vector(ids, len(features), "ids")
    rules = find_protocol(protocol) if isinstance(protocol, str) else protocol
    cameras = None if cams is None else label_vector(cams, len(features), "cams")
    trials = form(rules, ids, seed)
    return measure(rules, problems(features, ids, cameras, rules, trials), method or Method())


def evaluate_distances(
    matrix: npt.ArrayLike,
    query_ids: npt.ArrayLike,
    gallery_ids: npt.ArrayLike,
    query_cams: npt.ArrayLike | None = None,
    gallery_cams: npt.ArrayLike | None = None,
    *,
    protocol: str | Protocol = "custom",
    method: Method | None = None,
    seed: int | None = None,
) -> Result:
    """Evaluate distances (Q, G) that are computed already, smaller being closer, such as re-ranked ones.

    With a `seed` the matrix is that of one set (N, N), and the protocol forms query and gallery from it as
    `evaluate_pool` does; otherwise all is as in `evaluate_arrays`.

    Raises:
        UserError: as those, and for a method that needs features.
    """
    matrix = feature_matrix(matrix, "distances")
    rules = find_protocol(protocol) if isinstance(protocol, str) else protocol
    method = method or Method()
    if method.reranking is not None:
        raise UserError("re-ranking needs features: it measures distances within the gallery too")
    if method.distance is not None:
        raise UserError("distances are given, so none is computed: leave --distance out")
    ids = (
        label_vector(query_ids, matrix.shape[0], "query ids"),
        label_vector(gallery_ids, matrix.shape[1], "gallery ids"),
    )
    comparable(*ids)
    cams = None
    if rules.junk == "same_camera" and query_cams is not None and gallery_cams is not None:
        parts = (query_cams, len(ids[0]), "query cams"), (gallery_cams, len(ids[1]), "gallery cams")
        cams = np.concatenate(common_codes(*(label_vector(*part) for part in parts)))
    rows = np.arange(len(ids[0])), np.arange(len(ids[1]))
    if seed is not None:
        if len(ids[0]) != len(ids[1]):
            raise UserError(f"The distances of one set are a square, not {matrix.shape}")
        trials = list(form(rules, ids[0], seed))
    else:
        if rules.form == "all_vs_all" or rules.junk == "self":
            raise UserError(
                f"The protocol {rules.name} searches one set in itself: give its labels as one set"
            )
        _check_form(rules, *ids)
        trials = [rows]

    def problem(query: Ints, gallery: Ints) -> Problem:
        marks = marks_of(rules, cams, query, gallery + (len(ids[0]) if cams is not None else 0))
        groups = Groups(ids[0][query], ids[1][gallery], *marks)
        part = matrix if (len(query), len(gallery)) == matrix.shape else matrix[np.ix_(query, gallery)]
        return Problem(part, part.T, groups, query, ids[0][query], part)

    return measure(rules, (problem(*trial) for trial in trials), method)


@dataclass(frozen=True)
class Problem:
    """One trial before anything is measured: features (Q, D) and (G, D), and who matches whom.

    `rows` (Q,) and `ids` (Q,) name the queries in the results. Where `distances` (Q, G) are given, they
    count, and the features are their rows and columns.
    """

    query: Array
    gallery: Array
    groups: Groups
    rows: Ints
    ids: Array
    distances: Array | None = None


def problems(
    features: Array, ids: Array, cams: Array | None, protocol: Protocol, trials: Iterable[tuple[Ints, Ints]]
) -> Iterator[Problem]:
    """Yield the problem of each trial, given as (query rows, gallery rows) of one set of images.

    Consecutive rows are a view of `features`; others are copied, one trial at a time.
    """
    for query, gallery in trials:
        groups = Groups(ids[query], ids[gallery], *marks_of(protocol, cams, query, gallery))
        yield Problem(_taken(features, query), _taken(features, gallery), groups, query, ids[query])


def marks_of(
    protocol: Protocol, cams: Array | None, query: Ints, gallery: Ints
) -> tuple[Array, Array] | tuple[()]:
    """Return the marks of query and gallery rows that make an image of the same identity junk.

    Cameras, or rows, or none, as the protocol's junk rule has it; see `Groups`.

    Raises:
        UserError: the rule looks at cameras and there are none.
    """
    if protocol.junk == "none":
        return ()
    if protocol.junk == "self":
        return query, gallery
    if cams is None:
        raise UserError(
            f"The protocol {protocol.name} drops images of the query's identity and camera, so it "
            "needs the cameras of query and gallery; without cameras choose the junk rule 'none'"
        )
    return cams[query], cams[gallery]


def measure(protocol: Protocol, trials: Iterable[Problem], method: Method) -> Result:
    """Rank and measure every trial.

    Raises:
        UserError: features are not finite; no query of a trial has a match left.
    """
    distance = method.distance or protocol.distance
    measured = []
    given = False
    for problem in trials:
        given = problem.distances is not None
        if not problem.groups.matches.any():
            raise UserError(_no_match(protocol, problem.groups))
        per_query = PerQuery.empty(len(problem.query))
        _rank(problem, distance, method, per_query, one_set=protocol.junk == "self")
        measured.append(Trial(per_query, len(problem.gallery), problem.rows, problem.ids))
    return Result(protocol, "given" if given else distance, tuple(measured), method.reranking)


def _rank(
    problem: Problem, distance: Distance, method: Method, per_query: PerQuery, *, one_set: bool
) -> None:
    """Rank the matches of every query and enter them into `per_query`."""
    if problem.distances is not None:
        keys_given = GivenKeys(problem.distances, method.budget)
        rank_matches(keys_given, problem.groups, per_query.record, method.threads)
        return
    parts = (problem.query, problem.gallery, distance)
    if method.reranking is not None:
        reranked = RerankedKeys(*parts, method.reranking, method.budget, one_set=one_set)
        rank_matches(reranked, problem.groups, per_query.record, method.threads)
        return
    keys, device = FeatureKeys(*parts, method.budget), device_of(method.device)
    if device == "cpu":
        rank_matches(keys, problem.groups, per_query.record, method.threads)
    else:
        rank_on_device(keys, problem.groups, per_query.record, device)


def _check_form(protocol: Protocol, query_ids: Array, gallery_ids: Array) -> None:
    single = {"gallery_one": ("gallery", gallery_ids), "query_one": ("query", query_ids)}
    if protocol.form not in single:
        return
    part, ids = single[protocol.form]
    values, counts = np.unique(ids, return_counts=True)
    if counts.max() > 1:
        raise UserError(
            f"The protocol {protocol.name} has one {part} image per identity, but identity "
            f"{values[counts.argmax()]} has {counts.max()}: hand over one set of images (keys "
            "`features` and `ids`), from which the protocol draws"
        )


def _same_set(query: Array, gallery: Array, query_ids: Array, gallery_ids: Array) -> bool:
    if query.shape != gallery.shape or not np.array_equal(query_ids, gallery_ids):
        return False
    return query is gallery or all(
        np.array_equal(query[row : row + 1024], gallery[row : row + 1024], equal_nan=query.dtype.kind == "f")
        for row in range(0, len(query), 1024)
    )


def _one_set(
    query: Array, gallery: Array, query_ids: Array, gallery_ids: Array, protocol: Protocol
) -> tuple[Array, Array]:
    """Join query and gallery, which must not share an image: a shared one would find itself."""
    features, ids = np.concatenate([query, gallery]), np.concatenate(comparable(query_ids, gallery_ids))
    norms = squared_norms(features, working_type(features), "query and gallery features")
    again, first = copies(features, norms)
    shared = np.flatnonzero((first < len(query)) & (again >= len(query)) & (ids[first] == ids[again]))
    if shared.size:
        raise UserError(
            f"The protocol {protocol.name} searches every image among all others, but {shared.size} "
            f"images stand in query and gallery both (the first: query row {first[shared[0]]}, gallery "
            f"row {again[shared[0]] - len(query)}, from 0): hand over one set of images, or the same "
            "arrays as query and as gallery"
        )
    return features, ids


def _no_match(protocol: Protocol, groups: Groups) -> str:
    removed = int(groups.junk.sum())
    begin = f"The protocol {protocol.name} leaves none of the {len(groups.matches)} queries a match"
    if removed == 0:
        return f"{begin}: no identity of the query set is in the gallery. Are the labels of one dataset?"
    return (
        f"{begin}: its junk rule (drop {JUNK_RULES[protocol.junk]}) removed all {removed} images of "
        "the queries' identities. Where the camera is unknown or the same for all images, choose a "
        "protocol without the camera rule"
    )


def _taken(features: Array, rows: Ints) -> Array:
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
        return features[rows[0] : rows[-1] + 1]
    return features[rows]
