"""`vreid data …`: get a dataset, verify, split, pack and show it; see which of them are there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vreid.cli.options import PlanFile, Preset, the_plan
from vreid.params.dataset import dataset_names, read_dataset
from vreid.params.errors import UserError

if TYPE_CHECKING:
    from vreid.params.plan import DatasetPlan

REAL = Path("data/raw/real")
COLOURS = {
    "absent": "dim",
    "present": "yellow",
    "incomplete": "red",
    "damaged": "red",
    "verified": "green",
}


class Source(StrEnum):
    """Where a dataset comes from."""

    REAL = "real"
    SYNTHETIC = "synthetic"


app = typer.Typer(
    help="Get, verify, split, pack and show the datasets; see which of them are there.", no_args_is_help=True
)

Dataset = Annotated[str, typer.Argument(help="A dataset of params/datasets, or its version.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes that share the work.")]
Size = Annotated[str, typer.Argument(help="HEIGHTxWIDTH in pixels, such as 256x256.")]


@app.command()
def acquire(
    dataset: Dataset,
    source: Annotated[
        Source | None, typer.Option(help="`real` or `synthetic`; the preset's by default.")
    ] = None,
    plan: PlanFile = None,
    preset: Preset = None,
    workers: Workers = 1,
) -> None:
    """Render the dataset, or put the real one in place: download it, unpack it, or say how to get it."""
    if source == Source.REAL:
        _acquire_real(dataset)
        return
    resolved = the_plan(plan, preset)
    entry = resolved.dataset(dataset)
    if entry.source == "real" and source is None:
        _acquire_real(entry.name)
    elif entry.source == "real" or entry.spec.render is None:
        raise UserError(
            f"The preset {resolved.preset} renders no {entry.name}; choose one that does with --preset."
        )
    else:
        from vreid.synthetic.render import render_dataset

        with progress_bar(f"rendering {entry.name}") as progress:
            render_dataset(entry.name, entry.spec.render, Path(entry.raw), workers=workers, progress=progress)


@app.command()
def add(
    dataset: Dataset,
    folder: Annotated[Path, typer.Argument(help="Where you keep the unpacked dataset.")],
) -> None:
    """Tell where a real dataset already lies: links data/raw/real/DATASET to FOLDER."""
    from vreid.datasets.acquire import add_dataset

    images = add_dataset(read_dataset(dataset), folder, REAL / dataset)
    typer.echo(f"{REAL / dataset} is now a link to {folder}: {images:,} images are listed there.")


@app.command()
def verify(
    dataset: Dataset,
    plan: PlanFile = None,
    preset: Preset = None,
    workers: Workers = 1,
) -> None:
    """Decode every image once, write the index, and report what is missing, damaged or unexpected."""
    entry = _present(the_plan(plan, preset).dataset(dataset))
    from vreid.datasets.verify import verify_dataset

    index = Path(entry.index)
    with progress_bar(f"verifying {entry.name}") as progress:
        report = verify_dataset(
            entry.spec,
            Path(entry.raw),
            index,
            index.with_suffix(".json"),
            source=entry.source,
            workers=workers,
            progress=progress,
        )
    typer.echo(report.markdown())


@app.command()
def split(dataset: Dataset, plan: PlanFile = None, preset: Preset = None) -> None:
    """Write which images are query and which are gallery under each protocol, trial by trial."""
    entry = the_plan(plan, preset).dataset(dataset)
    from vreid.datasets.split import write_splits

    write_splits(entry.spec, Path(entry.index), Path(entry.splits))


@app.command()
def darken(dataset: Dataset, plan: PlanFile = None, preset: Preset = None) -> None:
    """Draw the images of the darkened variant and store their list."""
    entry = the_plan(plan, preset).dataset(dataset)
    from vreid.datasets.darken import write_darkened

    if entry.spec.darkened is not None:
        write_darkened(entry.spec.darkened, Path(entry.index), _darkened_list(entry))
    typer.echo(f"The list is {_darkened_list(entry)}.")


@app.command()
def pack(
    dataset: Dataset,
    size: Size,
    darkened: Annotated[
        bool, typer.Option("--darkened", help="Darken the images that `vreid data darken` drew.")
    ] = False,
    plan: PlanFile = None,
    preset: Preset = None,
    workers: Workers = 1,
) -> None:
    """Decode and resize every image once; continues where an interrupted call stopped."""
    entry = _present(the_plan(plan, preset).dataset(dataset))
    height, width = _size(size)
    out = f"data/packed/{entry.source}/{entry.version}-{height}x{width}"
    chosen = _darkened_list(entry) if darkened else None
    if chosen is not None:
        out += chosen.stem.removeprefix(entry.version)
    from vreid.datasets.pack import pack_dataset

    with progress_bar(f"packing {entry.name}") as progress:
        pack_dataset(
            Path(entry.index),
            Path(entry.raw),
            Path(out),
            height=height,
            width=width,
            fit=entry.spec.fit,
            darkened=chosen,
            workers=workers,
            progress=progress,
        )


@app.command()
def status() -> None:
    """Show which datasets are there: absent, present, incomplete, damaged or verified."""
    from rich.console import Console
    from rich.table import Table

    from vreid.datasets.status import states

    heads = ("dataset", "source", "state", "images", "identities", "folder")
    table = Table(*heads, box=None)
    remarks = []
    for state in states({name: read_dataset(name) for name in dataset_names()}, Path("data")):
        colour = COLOURS[state.word]
        counts = ("" if number is None else f"{number:,}" for number in (state.images, state.identities))
        word = f"[{colour}]{state.word}[/]"
        table.add_row(state.dataset, state.source, word, *counts, str(state.folder))
        if state.why:
            remarks.append(f"{state.dataset} ({state.source}) is {state.word}: {state.why}")
    Console().print(table)
    for remark in remarks:
        typer.echo(remark)
    typer.echo(
        "`vreid data acquire DATASET --source real` says how to get one, `vreid data add` where one lies."
    )


@app.command()
def show(
    dataset: Dataset,
    plan: PlanFile = None,
    preset: Preset = None,
    out: Annotated[Path, typer.Option(help="Folder for the two files.")] = Path("reports/datasets"),
    rows: Annotated[int, typer.Option(min=1, help="Identities on the contact sheet.")] = 10,
    columns: Annotated[int, typer.Option(min=1, help="Images of each.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Draws the identities.")] = 0,
) -> None:
    """Write a contact sheet (identities in rows) as PNG and statistics as Markdown."""
    entry = _present(the_plan(plan, preset).dataset(dataset))
    from vreid.datasets.show import show_dataset

    sheet, statistics = (out / f"{entry.version}.{suffix}" for suffix in ("png", "md"))
    show_dataset(
        f"{entry.spec.title} ({entry.source}), version {entry.version}",
        Path(entry.index),
        Path(entry.raw),
        sheet,
        statistics,
        rows=rows,
        columns=columns,
        seed=seed,
    )
    typer.echo(statistics.read_text(encoding="utf-8"))
    typer.echo(f"The contact sheet is {sheet}.")


@contextmanager
def progress_bar(label: str) -> "Iterator[Callable[[int, int | None], None]]":
    """Show a bar while the block runs; yields what to call with (done, in total if known)."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _acquire_real(name: str) -> None:
    from vreid.datasets.acquire import acquire_dataset

    spec = read_dataset(name)
    with progress_bar(f"fetching {name}") as progress:
        acquire_dataset(name, spec, REAL / name, Path("data/downloads") / name, progress=progress)
    typer.echo(f"{name} is in {REAL / name}.")


def _darkened_list(entry: "DatasetPlan") -> Path:
    if entry.darkened is None:
        raise UserError(
            f"{entry.name} has no darkened variant: its file in params/datasets has no `darkened`."
        )
    return Path(entry.darkened)


def _present(entry: "DatasetPlan") -> "DatasetPlan":
    if not Path(entry.raw).is_dir():
        how = "" if entry.source == "synthetic" else " --source real"
        raise UserError(
            f"{entry.raw} is not there; `vreid data acquire {entry.name}{how}` says how to get it."
        )
    return entry


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.partition("x")
    if not (height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise UserError(f"{text!r} is no size: write HEIGHTxWIDTH in pixels, such as 256x256.")
    return int(height), int(width)
