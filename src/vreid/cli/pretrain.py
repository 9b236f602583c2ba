"""`vreid pretrain`: makes the starting weights of small networks from rendered vehicles."""

import multiprocessing
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vreid.cli.data import progress_bar
from vreid.cli.options import Device, WeightsFolder
from vreid.params.errors import UserError

if TYPE_CHECKING:
    from vreid.params.pretrain import Pretrain
    from vreid.training.pretrain import Job, Trained

STORE = Path("data/pretraining")
PICTURES = STORE / "pictures"


def pretrain(
    backbones: Annotated[
        list[str] | None, typer.Argument(help="Backbones, or all of params/pretrain.yaml.")
    ] = None,
    width: Annotated[
        float | None, typer.Option(min=1 / 32, max=1.0, help="Share of the published channels.")
    ] = None,
    depth: Annotated[
        float | None, typer.Option(min=1 / 32, max=1.0, help="Share of the published blocks.")
    ] = None,
    size: Annotated[int | None, typer.Option(min=32, help="Pixels of a picture's side.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs.")] = None,
    times: Annotated[int, typer.Option(min=1, help="So many times the identities of the file.")] = 1,
    device: Device = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the work.")] = 1,
    out: WeightsFolder = None,
) -> None:
    """Train backbones to tell rendered vehicles apart, on vehicles that no dataset shows.

    Pictures and checkpoints are kept in data/pretraining: the same command goes on where it was interrupted.
    """
    from vreid.models.weights import RENDERED
    from vreid.params.pretrain import read_pretrain
    from vreid.training.pretrain import forget, ship
    from vreid.training.pretrain_pictures import render_pictures

    recipe = read_pretrain()
    jobs = _jobs(recipe, backbones or list(recipe.backbones), width, depth, size, epochs, times)
    with progress_bar("rendering identities") as progress:
        render_pictures(jobs[0].worlds, workers, progress, PICTURES)
    folder = RENDERED if out is None else out
    for job, trained in _train(jobs, device, workers):
        pictures = render_pictures(job.worlds, 1, store=PICTURES)
        path = ship(trained, job, pictures, _command(job, times, epochs), folder)
        forget(STORE, job, pictures)
        typer.echo(
            f"{path}: {trained.epochs[-1].accuracy:.1%} of the last epoch's pictures were recognised, "
            f"{sum(epoch.seconds for epoch in trained.epochs):.0f} s of processor time"
        )


def _jobs(
    recipe: "Pretrain",
    names: list[str],
    width: float | None,
    depth: float | None,
    size: int | None,
    epochs: int | None,
    times: int,
) -> "list[Job]":
    from vreid.params.read import suggest
    from vreid.training.pretrain import Job

    worlds = {name: world.grown(times, size or 0) for name, world in recipe.worlds.items()}
    jobs = []
    for name, planned in recipe.backbones.items():
        if name in names:
            shape = (width or planned.width, depth or planned.depth, size or planned.size)
            training = recipe.training.lasting(epochs or planned.epochs or recipe.training.schedule.epochs)
            jobs.append(Job(name, *shape, worlds, training))
    unknown = [name for name in names if name not in recipe.backbones]
    if unknown:
        hint = suggest(unknown[0], list(recipe.backbones))
        raise UserError(f"params/pretrain.yaml has no backbone {unknown[0]!r}{hint}.")
    return jobs


def _train(jobs: "list[Job]", device: str | None, workers: int) -> "Iterator[tuple[Job, Trained]]":
    """Yield what becomes of each job, in order; a GPU is for one at a time."""
    import torch

    on_gpu = device != "cpu" and torch.cuda.is_available()
    together = 1 if on_gpu else min(workers, len(jobs))
    # Several bars in one terminal would overwrite each other; lines in a log file do not.
    work = partial(_train_one, device, together == 1 or not sys.stderr.isatty())
    if together == 1:
        yield from zip(jobs, map(work, jobs), strict=True)
        return
    context = multiprocessing.get_context("spawn")
    # An interrupt from the keyboard reaches this process alone, which then ends the others.
    ignore = (signal.SIGINT, signal.SIG_IGN)
    with ProcessPoolExecutor(together, context, signal.signal, ignore) as pool:
        try:
            yield from zip(jobs, pool.map(work, jobs), strict=True)
        except BrokenProcessPool:
            raise UserError(
                "A process that trained was killed, perhaps for lack of memory; try again with fewer workers."
            ) from None
        except BaseException:
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _train_one(device: str | None, shown: bool, job: "Job") -> "Trained":
    from vreid.training.pretrain import steps_of, train_backbone
    from vreid.training.pretrain_pictures import render_pictures
    from vreid.training.progress import progress_on

    pictures = render_pictures(job.worlds, 1, store=PICTURES)
    if not shown:
        return train_backbone(job, pictures, device, store=STORE)
    progress = progress_on(sys.stderr, job.name, steps_of(job, pictures), 0)
    trained = train_backbone(job, pictures, device, progress, STORE)
    last = trained.epochs[-1]
    progress.close(f"loss {last.loss:.3f}, accuracy {last.accuracy:.2f}")
    return trained


def _command(job: "Job", times: int, epochs: int | None) -> str:
    """Return the command that makes these weights again."""
    command = f"vreid pretrain {job.name} --width {job.width:g} --depth {job.depth:g} --size {job.size}"
    if epochs is not None:
        command += f" --epochs {epochs}"
    return command if times == 1 else f"{command} --times {times}"
