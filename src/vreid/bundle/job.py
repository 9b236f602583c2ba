"""One run of a bundle in a process of its own: trains, extracts and evaluates what is missing of it."""

import sys
from collections.abc import Sequence
from pathlib import Path

from vreid.bundle.contents import Bundle, Places, missing_parts
from vreid.params.errors import UserError
from vreid.params.plan import DatasetPlan, RunPlan
from vreid.training.gpu import gpu_locks, hold_gpus
from vreid.training.interruption import InterruptedRunError

INTERRUPTED = 75
"""Exit status of what was asked to end and can go on: EX_TEMPFAIL of sysexits.h."""

PRELOADED = (
    "torchvision",
    "vreid.bundle.contents",
    "vreid.training.train",
    "vreid.training.extract",
)
"""What the fork server imports before the first run."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Make a run in the current folder, end with a status; arguments: the bundle's folder, the run's name."""
    folder, name = sys.argv[1:3] if arguments is None else arguments
    try:
        bundle = Bundle.read(Path(folder))
        run = bundle.runs[name]
        make_run(run, bundle.datasets[run.config.dataset], Places(Path(folder), Path()))
    except InterruptedRunError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(INTERRUPTED)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


def make_run(run: RunPlan, dataset: DatasetPlan, places: Places) -> None:
    """Make what is missing of a run, as the workflow's rules do.

    If there are GPUs, one that no other job holds is taken, and torch shown no other, before torch looks for
    them.

    Raises:
        UserError: as training, extraction and evaluation do.
    """
    folder = places.out / "runs" / run.name
    missing = missing_parts(run, folder.parent)
    if "train" in missing or "extract" in missing:
        hold_gpus(gpu_locks())
    from vreid.evaluation.run import evaluate_run  # noqa: PLC0415 -- torch comes with them
    from vreid.training.extract import extract  # noqa: PLC0415
    from vreid.training.train import train  # noqa: PLC0415

    if "train" in missing:
        train(run.config, places.of(run.pack), folder)
    for test in run.tests:
        features = places.out / test.features
        if not (features / "rows.npy").is_file():
            extract(folder, places.of(test.pack), out=features)
        if not (places.out / test.results).is_file():
            evaluate_run(
                features,
                places.of(dataset.index),
                places.of(dataset.splits),
                places.out / test.evaluation,
                test.test,
                [dataset.spec.protocol(protocol) for protocol in test.protocols],
            )
