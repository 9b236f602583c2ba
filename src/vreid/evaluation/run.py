"""Evaluates the features of one run under the protocols of its tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vreid.evaluation.arrays import Array, Ints, feature_matrix
from vreid.evaluation.evaluate import Method, measure, problems
from vreid.evaluation.protocols import Declared, Protocol, protocol_of
from vreid.evaluation.result import Result
from vreid.evaluation.tables import Draw, read_draws, read_labels, write_per_query
from vreid.params.atomic import write_json
from vreid.params.errors import UserError
from vreid.params.run import Test


def evaluate_run(
    features: Path,
    index: Path,
    splits: Path,
    out: Path,
    test: Test,
    protocols: Sequence[str | Declared],
) -> None:
    """Write `evaluation.json` and `per_query.parquet` into the folder `out`, the JSON last.

    `evaluation.json` holds `run`, `feature`, `distance` and, by protocol, what `Result.summary`
    returns. The lines of `per_query.parquet` are those of `write_per_query`.

    Args:
        features: folder with `<feature>.npy` (M, D) and `rows.npy` (M,), the index row of each.
        index: Parquet with the columns pid and camid, one line per image.
        splits: Parquet with protocol, trial, role and row of every query and gallery image.
        out: folder, made if it is missing.
        test: which feature and which distance.
        protocols: of `splits`, by a name that `vreid.evaluation.protocols` knows or as declared by
            the dataset.

    Raises:
        UserError: a file is missing or damaged, features are not finite or not those of the splits,
            or no query has a match left.
    """
    images = RunFeatures.load(features, index, test.feature)
    rules = [protocol_of(protocol) for protocol in protocols]
    draws = read_draws(splits, [protocol.name for protocol in rules])
    method = Method(distance=test.distance)
    results = [evaluate_draws(images, protocol, draws[protocol.name], method) for protocol in rules]
    write_per_query(out / "per_query.parquet", results, images.rows)
    summaries = {result.protocol.name: result.summary() for result in results}
    write_json(
        out / "evaluation.json",
        {
            "run": features.resolve().parent.name,
            "feature": test.feature,
            "distance": test.distance,
            "protocols": summaries,
        },
    )


@dataclass(frozen=True)
class RunFeatures:
    """The features of a run with the labels of its images.

    `features` (M, D) is memory-mapped; `rows` (M,) are the index rows of its lines; `pids` and
    `camids` (N,) are those of the whole index.
    """

    features: Array
    rows: Ints
    pids: Ints
    camids: Ints

    @classmethod
    def load(cls, folder: Path, index: Path, feature: str) -> "RunFeatures":
        """Open `<folder>/<feature>.npy` and the labels of its images.

        Raises:
            UserError: a file is missing or damaged, or the files do not belong together.
        """
        features = feature_matrix(_load(folder / f"{feature}.npy"), str(folder / f"{feature}.npy"))
        rows = np.asarray(_load(folder / "rows.npy"))
        pids, camids = read_labels(index)
        if rows.shape != (len(features),) or rows.dtype.kind not in "iu":
            raise UserError(
                f"{folder}: rows.npy has the shape {rows.shape} and the type {rows.dtype}, but must hold "
                f"the index row of each of the {len(features)} features: extract the features again"
            )
        if len(np.unique(rows)) < len(rows) or rows.min() < 0 or rows.max() >= len(pids):
            raise UserError(
                f"{folder / 'rows.npy'} repeats rows or leaves the {len(pids)} rows of {index}: "
                "extract the features again"
            )
        return cls(features, rows.astype(np.int64), pids, camids)

    def positions(self, rows: Ints) -> Ints:
        """Return where index rows stand in `features`.

        Raises:
            UserError: a row has no feature.
        """
        where = np.full(len(self.pids), -1, np.int64)
        where[self.rows] = np.arange(len(self.rows))
        inside = (rows >= 0) & (rows < len(where))
        found = np.where(inside, where[np.where(inside, rows, 0)], -1)
        if (found < 0).any():
            raise UserError(
                f"Row {rows[found < 0][0]} of the index is in the splits but has no feature: the run was "
                "extracted from other data; extract its features again"
            )
        return found


def evaluate_draws(images: RunFeatures, protocol: Protocol, draws: Sequence[Draw], method: Method) -> Result:
    """Evaluate a run's features on the drawn trials of a protocol."""
    pids, camids = images.pids[images.rows], images.camids[images.rows]
    trials = [(images.positions(draw.query), images.positions(draw.gallery)) for draw in draws]
    return measure(protocol, problems(images.features, pids, camids, protocol, trials), method)


def _load(path: Path) -> Array:
    try:
        loaded: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{path} is missing: extract the features of this run first") from None
    except (ValueError, OSError) as error:
        raise UserError(
            f"{path} is no .npy file of numbers ({error}): delete it and run the pipeline again, or write it "
            "anew with `vreid run extract`"
        ) from None
    return loaded
