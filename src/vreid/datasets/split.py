"""Protocols become tables: which rows of the index are query and which are gallery, trial by trial."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vreid.datasets.draws import Rows, draw_trials
from vreid.datasets.index import read_index
from vreid.params.atomic import atomic_path
from vreid.params.dataset import DatasetSpec, Protocol
from vreid.params.errors import UserError

SCHEMA = pa.schema(
    [
        ("protocol", pa.string()),
        ("trial", pa.int32()),
        ("role", pa.string()),
        ("row", pa.int64()),
    ]
)
"""One line per image, role and trial; `row` counts the index from 0 and ascends within a role."""


@dataclass(frozen=True)
class Trial:
    """One draw of a protocol: index rows of the query and of the gallery, both ascending."""

    number: int
    query: Rows
    gallery: Rows


@dataclass(frozen=True)
class Labels:
    """What the splits are made of: one entry per row of the index."""

    pids: Rows
    camids: Rows
    splits: npt.NDArray[np.str_]
    lists: dict[str, npt.NDArray[np.bool_]]

    @classmethod
    def of(cls, index: pa.Table) -> "Labels":
        """Return the labels of an index table (columns pid, camid, split and lists)."""
        lists = index["lists"].combine_chunks()
        parents = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
        names = pc.list_flatten(lists).to_numpy(zero_copy_only=False)
        members = {}
        for name in sorted(set(names)):
            members[str(name)] = np.zeros(index.num_rows, dtype=bool)
            members[str(name)][parents[names == name]] = True
        return cls(
            pids=index["pid"].to_numpy(),
            camids=index["camid"].to_numpy(),
            splits=np.asarray(index["split"].to_numpy(zero_copy_only=False), dtype=np.str_),
            lists=members,
        )


def write_splits(spec: DatasetSpec, index: Path, out: Path) -> None:
    """Write all protocols of `spec` as one table (Parquet, `SCHEMA`) to `out`.

    Raises:
        UserError: a protocol has no query or no gallery, or leaves no query a match.
    """
    labels = Labels.of(read_index(index, ["pid", "camid", "split", "lists"]))
    with atomic_path(out) as temporary, pq.ParquetWriter(temporary, SCHEMA) as writer:
        for protocol in spec.protocols:
            for trial in trials(protocol, labels):
                if trial.number == 0:
                    check_matches(protocol, labels, trial)
                for role, rows in (("query", trial.query), ("gallery", trial.gallery)):
                    writer.write_table(_table(protocol.name, trial.number, role, rows))


def trials(protocol: Protocol, labels: Labels) -> Iterator[Trial]:
    """Yield the trials of a protocol, drawn by `draw_trials` where it draws.

    Raises:
        UserError: no image can be a query, or none can be in the gallery.
    """
    chosen = _members(protocol, labels)
    if protocol.form == "given":
        rows = np.flatnonzero(chosen)
        yield _checked(
            protocol,
            Trial(0, rows[labels.splits[rows] == "query"], rows[labels.splits[rows] == "gallery"]),
        )
        return
    test = np.flatnonzero(chosen & (labels.splits != "train"))
    for number, drawn in enumerate(
        draw_trials(protocol.form, labels.pids[test], protocol.trials, protocol.seed or 0)
    ):
        query, gallery = (test[rows] for rows in drawn)
        yield _checked(protocol, Trial(number, query, gallery))


@dataclass(frozen=True)
class Matches:
    """Per query the number of true matches in the gallery, before and after the junk rule."""

    before: Rows
    after: Rows

    @property
    def lost(self) -> npt.NDArray[np.bool_]:
        """Queries (bool) that have no match left."""
        return np.equal(self.after, 0)


def count_matches(protocol: Protocol, labels: Labels, trial: Trial) -> Matches:
    """Count each query's true matches in the gallery, before and after the junk rule."""
    pids, cams = labels.pids, labels.camids
    before = _count(pids[trial.query], pids[trial.gallery])
    if protocol.junk == "same_camera":
        same = _count_pairs((pids, cams), trial.query, trial.gallery)
    elif protocol.junk == "self":
        same = np.isin(trial.query, trial.gallery).astype(np.int64)
    else:
        same = np.zeros_like(before)
    return Matches(before=before, after=before - same)


def check_matches(protocol: Protocol, labels: Labels, trial: Trial) -> None:
    """Refuse a trial in which no query at all has a match left.

    Raises:
        UserError: it says how many matches there were and which junk rule removed them.
    """
    found = count_matches(protocol, labels, trial)
    if not found.lost.all():
        return
    raise UserError(
        f"Under the protocol {protocol.name} none of the {len(trial.query)} queries has a match: "
        f"{explain_loss(protocol, labels, trial, found)}"
    )


def explain_loss(protocol: Protocol, labels: Labels, trial: Trial, found: Matches) -> str:
    """Say why queries have no match left: how many never had one, how many lost theirs to the junk rule."""
    never = int((found.before[found.lost] == 0).sum())
    removed = int(found.lost.sum()) - never
    parts = []
    if never:
        parts.append(f"{never} of them ask for an identity that the gallery does not have")
    if removed:
        gone = int((found.before - found.after)[found.lost].sum())
        parts.append(f"{removed} lost all their {gone} matches to the junk rule `{protocol.junk}`")
    sentence = "; ".join(parts) + "."
    if protocol.junk == "same_camera" and removed:
        cameras = np.unique(labels.camids[np.concatenate([trial.query, trial.gallery])])
        if len(cameras) == 1:
            sentence += (
                f" All images are of one camera ({cameras[0]}): where no camera is known, set `junk: none`."
            )
        else:
            sentence += " A query needs a gallery image of its identity from another camera."
    return sentence


def _members(protocol: Protocol, labels: Labels) -> npt.NDArray[np.bool_]:
    if protocol.list is None:
        return np.ones(len(labels.pids), dtype=bool)
    if protocol.list not in labels.lists:
        raise UserError(
            f"The protocol {protocol.name} needs the test list {protocol.list!r}, but no image is on it."
        )
    return labels.lists[protocol.list]


def _checked(protocol: Protocol, trial: Trial) -> Trial:
    for role, rows in (("query", trial.query), ("gallery", trial.gallery)):
        if not len(rows):
            raise UserError(f"The protocol {protocol.name} has no {role} image in this dataset.")
    return trial


def _count(values: Rows, among: Rows) -> Rows:
    """Return for each of `values` how often it occurs in `among`."""
    found, counts = np.unique(among, return_counts=True)
    place = np.minimum(np.searchsorted(found, values), len(found) - 1)
    return np.where(found[place] == values, counts[place], 0).astype(np.int64)


def _count_pairs(columns: tuple[Rows, Rows], query: Rows, gallery: Rows) -> Rows:
    """Return for each query row how many gallery rows agree with it in both columns."""
    both = np.stack([np.concatenate([c[query], c[gallery]]) for c in columns], axis=1)
    _, codes = np.unique(both, axis=0, return_inverse=True)
    codes = codes.reshape(-1).astype(np.int64)
    return _count(codes[: len(query)], codes[len(query) :])


def _table(protocol: str, trial: int, role: str, rows: Rows) -> pa.Table:
    size = len(rows)
    columns = [
        pa.repeat(protocol, size),
        pa.repeat(pa.scalar(trial, pa.int32()), size),
        pa.repeat(role, size),
        pa.array(rows),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)
