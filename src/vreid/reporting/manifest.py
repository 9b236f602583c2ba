"""What DVC versions of a dataset: not its images, but which they are and how many."""

import json
from pathlib import Path

from vreid.params.atomic import write_json
from vreid.params.errors import UserError
from vreid.params.fingerprint import digest_of
from vreid.params.plan import DatasetPlan


def write_manifest(dataset: DatasetPlan, folder: Path, root: Path = Path()) -> None:
    """Write `folder`/<dataset>.json: version, file names and counts of a prepared dataset.

    `version`, and the names of the files, carry digests of the content, of the code that prepares it and of
    the protocols. `described` is the digest of its file in params/ as the preset changes it. `measured` is
    what the index counts; None if the dataset is not there, or nobody needs it prepared.

    Raises:
        UserError: If the counts of the index cannot be read.
    """
    files = [path for path in (dataset.index, dataset.splits, dataset.darkened) if path is not None]
    write_json(
        folder / f"{dataset.name}.json",
        {
            "dataset": dataset.name,
            "source": dataset.source,
            "present": dataset.present,
            "version": dataset.version,
            "described": digest_of(dataset.spec.model_dump(mode="json"), 16),
            "files": files,
            "measured": _measured(root / dataset.index),
        },
    )


def _measured(index: Path) -> object:
    counts = index.with_suffix(".json")
    if not counts.is_file():
        return None
    try:
        return json.loads(counts.read_bytes())["measured"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{counts} holds no counts ({error}): delete it and run the pipeline again") from None
