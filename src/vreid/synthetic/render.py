"""Renders a dataset into its own on-disk layout, over several processes, whole or not at all."""

import importlib
import importlib.util
import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from vreid.params.errors import UserError
from vreid.params.render import RenderSpec
from vreid.synthetic.layout import Layout, write_side_files
from vreid.synthetic.studio import Studio, jpeg_quality
from vreid.synthetic.world import Shot, World, plan_world

Progress = Callable[[int, int], None]

# Rays and array arithmetic run on one thread per process; the processes share the cores.
SINGLE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def render_dataset(
    dataset: str, spec: RenderSpec, out: Path, *, workers: int, progress: Progress | None = None
) -> None:
    """Render `dataset` (the name of a module of `vreid.synthetic.writers`) into the new folder `out`.

    The same `spec` gives the same bytes whatever the number of `workers` (processes; 1 renders in this
    one). `progress` is called with the images done and the images in all. Whatever interrupts the rendering
    leaves no `out`; what an earlier interruption left beside it is removed. Besides the dataset's own files
    there is a folder `rendered` with `twins.csv` and `attributes.csv`.

    Raises:
        UserError: the dataset is not known, `spec` does not suit it, or `out` exists and is not empty.
    """
    layout = load_layout(dataset)
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise UserError(f"{out} already holds files: move it away before rendering {dataset} there")
    world = plan_world(spec)
    layout.check(world)
    unfinished = out.with_name(f".{out.name}.rendering")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    try:
        unfinished.mkdir(parents=True)
        _take_all(dataset, world, unfinished, workers, progress)
        layout.write_lists(unfinished, world)
        write_side_files(unfinished / "rendered", world, layout.labels(world))
        if out.exists():
            out.rmdir()
        unfinished.replace(out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def load_layout(dataset: str) -> Layout:
    """Return the layout of `dataset`; UserError if there is no writer for it."""
    name = f"vreid.synthetic.writers.{dataset}"
    if not dataset.isidentifier() or importlib.util.find_spec(name) is None:
        raise UserError(f"no dataset {dataset!r} can be rendered: there is no module {name}")
    layout: Layout = importlib.import_module(name).LAYOUT
    return layout


def _take_all(dataset: str, world: World, root: Path, workers: int, progress: Progress | None) -> None:
    """Write all images below `root`, one identity after the other, in this process or in several."""
    paths = load_layout(dataset).paths(world)
    for folder in {(root / path).parent for path in paths}:
        folder.mkdir(parents=True, exist_ok=True)
    pids = [identity.pid for identity in world.identities]
    total = len(world.shots)
    done = 0
    for taken in _each(dataset, world.spec, root, pids, workers):
        done += taken
        if progress is not None:
            progress(done, total)


def _each(dataset: str, spec: RenderSpec, root: Path, pids: list[int], workers: int) -> Iterator[int]:
    """Yield the number of images of each identity as it is finished."""
    if workers <= 1:
        photographer = _Photographer(dataset, spec, root)
        yield from map(photographer.take_identity, pids)
        return
    context = multiprocessing.get_context("spawn")
    with (
        _environment(SINGLE_THREAD),
        ProcessPoolExecutor(workers, context, _start_worker, (dataset, spec, root)) as pool,
    ):
        waiting = [pool.submit(_take_identity, pid) for pid in pids]
        try:
            for finished in as_completed(waiting):
                yield finished.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


class _Photographer:
    """Takes and stores the images of one identity at a time."""

    def __init__(self, dataset: str, spec: RenderSpec, root: Path) -> None:
        self._layout = load_layout(dataset)
        self._spec, self._root = spec, root
        world = plan_world(spec)
        self._studio = Studio(world, self._layout.shape)
        self._shots: dict[int, list[tuple[Shot, str]]] = {}
        for shot, path in zip(world.shots, self._layout.paths(world), strict=True):
            self._shots.setdefault(shot.pid, []).append((shot, path))

    def take_identity(self, pid: int) -> int:
        """Store the images of an identity and return how many there are."""
        for shot, path in self._shots[pid]:
            # Several spectra stand side by side in one file.
            picture = np.concatenate(self._studio.take(shot, self._layout.bands), axis=1)
            Image.fromarray(picture).save(self._root / path, "JPEG", quality=jpeg_quality(self._spec, shot))
        return len(self._shots[pid])


_worker: list[_Photographer] = []


def _start_worker(dataset: str, spec: RenderSpec, root: Path) -> None:
    # An interrupt from the keyboard reaches every process; the parent alone decides what follows.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    _worker.append(_Photographer(dataset, spec, root))


def _leave_with_parent() -> None:
    """End this process when its parent has ended: a parent that is killed cannot call its workers back."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _take_identity(pid: int) -> int:
    return _worker[0].take_identity(pid)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables for the processes that are started inside."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
