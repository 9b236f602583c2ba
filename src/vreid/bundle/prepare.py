"""Prepares one dataset for the runs of a bundle: what is missing is rendered, verified, split and packed."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from vreid.bundle.contents import Bundle, Places
from vreid.params.errors import UserError
from vreid.params.plan import DatasetPlan

_SECONDS_BETWEEN_LINES = 10.0


def is_prepared(bundle: Bundle, dataset: DatasetPlan, places: Places) -> bool:
    """Tell whether all that the runs read of a dataset is there."""
    packs = (pack.folder for pack in bundle.packs_of(dataset.name))
    return all(places.of(path).exists() for path in (dataset.index, dataset.splits, *packs))


def prepare(bundle: Bundle, name: str, places: Places, workers: int) -> None:
    """Make what is missing of the dataset called `name`, by the functions that the workflow's rules call.

    Whatever interrupts it, the next call goes on: after the last whole step or, in a pack, the last block.

    Raises:
        UserError: it is not rendered and not carried, or something about it is wrong.
    """
    dataset = bundle.datasets[name]
    if not is_prepared(bundle, dataset, places):
        raw, index = places.of(dataset.raw), places.of(dataset.index)
        _render(dataset, raw, workers)
        _verify(dataset, raw, index, workers)
        _pack(bundle, dataset, places, workers)


def _render(dataset: DatasetPlan, raw: Path, workers: int) -> None:
    from vreid.synthetic.render import render_dataset  # noqa: PLC0415 -- where data is carried there is no need

    if raw.is_dir():
        return
    if dataset.source != "synthetic" or dataset.spec.render is None:
        raise UserError(f"{raw} is not there, and real data cannot be rendered: pack with --with-data.")
    progress = _lines(f"rendering {dataset.name}")
    render_dataset(dataset.name, dataset.spec.render, raw, workers=workers, progress=progress)


def _verify(dataset: DatasetPlan, raw: Path, index: Path, workers: int) -> None:
    from vreid.datasets.verify import verify_dataset  # noqa: PLC0415

    report = index.with_suffix(".json")
    if index.is_file() and report.is_file():
        return
    progress = _lines(f"verifying {dataset.name}")
    verify_dataset(
        dataset.spec, raw, index, report, source=dataset.source, workers=workers, progress=progress
    )


def _pack(bundle: Bundle, dataset: DatasetPlan, places: Places, workers: int) -> None:
    """Write the splits, the list of darkened images if it is asked for, and the packs."""
    from vreid.datasets.darken import write_darkened  # noqa: PLC0415
    from vreid.datasets.pack import pack_dataset  # noqa: PLC0415
    from vreid.datasets.split import write_splits  # noqa: PLC0415

    raw, index, splits = (places.of(path) for path in (dataset.raw, dataset.index, dataset.splits))
    if not splits.is_file():
        write_splits(dataset.spec, index, splits)
    for pack in bundle.packs_of(dataset.name):
        chosen = None
        if pack.darkened and dataset.darkened is not None and dataset.spec.darkened is not None:
            chosen = places.of(dataset.darkened)
            if not chosen.is_file():
                write_darkened(dataset.spec.darkened, index, chosen)
        pack_dataset(
            index,
            raw,
            places.of(pack.folder),
            height=pack.size.height,
            width=pack.size.width,
            fit=dataset.spec.fit,
            darkened=chosen,
            workers=workers,
            progress=_lines(f"packing {dataset.name}"),
        )


def _lines(title: str) -> Callable[[int, int], None]:
    """Return what writes a line on how far something is, now and then."""
    shown = time.monotonic()

    def show(done: int, total: int) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown >= _SECONDS_BETWEEN_LINES or done == total:
            shown = now
            sys.stderr.write(f"{title}: {done} of {total} images\n")
            sys.stderr.flush()

    return show
