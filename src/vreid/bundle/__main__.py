"""`python -m vreid.bundle`, called on the other machine; it begins with the standard library alone."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from vreid.bundle import sums
from vreid.bundle.accelerators import check_accelerators
from vreid.bundle.wheels import missing, use_wheels
from vreid.params.errors import UserError
from vreid.training.interruption import end_with_pipeline


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit status, 2 for a mistake of the user's."""
    asked = _parser().parse_args(arguments)
    try:
        if asked.command == "run":
            return _run(asked)
        if asked.command == "status":
            return _status(asked.folder)
        end_with_pipeline()
        if asked.command == "job":
            return _job(asked.folder, asked.name)
        return _prepare(asked.folder, asked.name, asked.workers)
    except UserError as error:
        sys.stderr.write(f"vreid.bundle: {error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m vreid.bundle", description="Make the runs of a bundle.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="Make all runs that are not done yet; called again, it goes on.")
    run.add_argument("folder", type=Path, metavar="DIR", help="The unpacked bundle.")
    run.add_argument("--out", type=Path, help="Folder for runs/ and data/; the bundle's own by default.")
    run.add_argument(
        "--jobs", type=_positive, help="Processes that render, or train without GPUs; all cores by default."
    )
    run.add_argument("--max-minutes", type=float, help="Write checkpoints and end after so many minutes.")
    status = commands.add_parser("status", help="Say how far it is.")
    status.add_argument("folder", type=Path, metavar="DIR", help="The folder with runs/ and results.json.")
    for name in ("job", "prepare"):  # called by `run`
        inner = commands.add_parser(name)
        inner.add_argument("folder", type=Path)
        inner.add_argument("name")
        if name == "prepare":
            inner.add_argument("workers", type=_positive)
    return parser


def _run(asked: argparse.Namespace) -> int:
    folder, own = asked.folder.resolve(), _own_folder()
    out = asked.out or asked.folder
    sums.check_sums(asked.folder)
    if folder != own:
        raise UserError(
            f"this is the code of {own}, and a bundle runs by its own: "
            f"cd {folder} && python -m vreid.bundle run ."
        )
    _make_ready(folder, out)
    check_accelerators()
    from vreid.bundle.run import run_bundle  # noqa: PLC0415 -- only now its libraries can be found

    return run_bundle(asked.folder, out, jobs=asked.jobs, max_minutes=asked.max_minutes)


def _status(folder: Path) -> int:
    if (_own_folder() / "bundle.json").is_file():
        _make_ready(_own_folder(), folder)
    from vreid.bundle.results import Results  # noqa: PLC0415

    sys.stdout.write(Results.read(folder).in_words() + "\n")
    return 0


def _job(folder: Path, name: str) -> int:
    """Make a run in a fork of a process that has torch loaded or, where that cannot be had, in this one."""
    from vreid.bundle.job import PRELOADED  # noqa: PLC0415
    from vreid.bundle.job import main as make_here  # noqa: PLC0415
    from vreid.training.client import run_in_server  # noqa: PLC0415

    arguments = [str(folder), name]
    ended = run_in_server("vreid.bundle.job:main", arguments, PRELOADED, Path(".vreid/server"))
    if ended is None:
        make_here(arguments)
        return 0
    return ended.status


def _prepare(folder: Path, name: str, workers: int) -> int:
    from vreid.bundle.contents import Bundle, Places  # noqa: PLC0415
    from vreid.bundle.prepare import prepare  # noqa: PLC0415

    os.nice(10)  # trainings go first
    prepare(Bundle.read(folder), name, Places(folder, Path()), workers)
    return 0


def _make_ready(folder: Path, out: Path) -> None:
    """Put the carried wheels and the bundle's own code on the path, for this process and those it starts.

    Raises:
        UserError: a library is neither carried nor installed.
    """
    place = out.resolve() / ".vreid" / "wheels" / str(sys.implementation.cache_tag)
    added = use_wheels(folder / "wheels", place)
    paths = [*map(str, added), str(folder), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    needs = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))["needs"]
    needs |= {name: [name] for name in ("torch", "torchvision", "timm", "numpy")}
    if absent := missing(needs):
        raise UserError(
            f"this Python ({sys.version.split()[0]}) has no {', '.join(absent)}: install them as "
            f"{folder / 'requirements.txt'} says (pip install --require-hashes -r), or pack the bundle with "
            "--with-wheels for this Python."
        )


def _own_folder() -> Path:
    """Return the folder that this package lies in: in a bundle the bundle's."""
    return Path(__file__).resolve().parents[2]


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no positive whole number")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
