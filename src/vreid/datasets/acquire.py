"""Puts a real dataset in place: downloads it, unpacks what the user fetched, or says how to get it."""

import shutil
import tarfile
import zipfile
from pathlib import Path

from vreid.datasets.catalogue import scan_dataset
from vreid.datasets.download import Progress, check_digest, fetch
from vreid.datasets.unpack import unpack_into
from vreid.params.dataset import Archive, DatasetSpec, Download
from vreid.params.errors import UserError


def acquire_dataset(
    name: str, spec: DatasetSpec, root: Path, downloads: Path, *, progress: Progress | None = None
) -> None:
    """Put the dataset into the folder `root`, in its own layout; do nothing if something stands there.

    Archives are downloaded to `downloads`, or expected there if their owners hand them out themselves: those
    that `spec.acquire` names, or else any that lie there. They are checked, unpacked and joined in one
    folder, which appears at `root` whole. The archives stay.

    Raises:
        UserError: it says what to do by hand, or what is wrong with an archive.
    """
    if root.exists():
        return
    if root.is_symlink():
        raise UserError(
            f"{root} is a link to {root.readlink()}, which is gone. Delete the link, or say where the "
            f"dataset lies now: vreid data add {name} FOLDER"
        )
    if isinstance(spec.acquire, Download):
        archives = _download(spec, spec.acquire, downloads, progress)
    else:
        archives = _fetched_by_hand(name, spec, spec.acquire.archives, downloads)
    _unpack_all(archives, root)


def add_dataset(spec: DatasetSpec, folder: Path, root: Path) -> int:
    """Make `root` a link to `folder`, where the user keeps the dataset; return the number of its images.

    Raises:
        UserError: the folder does not hold the dataset (nothing is linked then), or `root` is a real folder.
    """
    target = folder.resolve()
    images = len(scan_dataset(spec, target).records)
    if root.exists() and not root.is_symlink():
        raise UserError(f"{root} is a folder of its own, not a link; move it away first.")
    root.unlink(missing_ok=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    root.symlink_to(target, target_is_directory=True)
    return images


def how_to(name: str, spec: DatasetSpec, downloads: Path) -> str:
    """Return how a person gets the dataset: terms, steps, where to put it."""
    steps = "".join(f"\n  {number}. {step}" for number, step in enumerate(spec.steps, start=1))
    named = ", ".join(archive.name for archive in spec.acquire.archives)
    return (
        f"Terms: {spec.terms}{steps}\n"
        f"Put the archives{f' ({named})' if named else ''} into {downloads} and call this again, "
        f"or name the unpacked folder: vreid data add {name} FOLDER"
    )


def _download(spec: DatasetSpec, way: Download, downloads: Path, progress: Progress | None) -> list[Path]:
    paths = []
    for archive in way.archives:
        path = downloads / archive.name
        try:
            fetch(archive.url or "", path, archive.digest, progress=progress)
        except UserError as error:
            steps = " ".join(spec.steps)
            raise UserError(f"{error}\nBy hand: {steps}") from None
        paths.append(path)
    return paths


def _fetched_by_hand(
    name: str, spec: DatasetSpec, archives: tuple[Archive, ...], downloads: Path
) -> list[Path]:
    if archives:
        paths = [downloads / archive.name for archive in archives]
        missing = [path.name for path in paths if not path.is_file()]
        if missing and len(missing) < len(paths):
            raise UserError(f"{downloads} lacks {', '.join(missing)}.\n{how_to(name, spec, downloads)}")
        if not missing:
            for archive, path in zip(archives, paths, strict=True):
                check_digest(path, archive.digest, "It was put there by hand")
            return paths
    elif downloads.is_dir():
        paths = sorted(path for path in downloads.iterdir() if path.is_file() and _is_archive(path))
        if paths:
            return paths
    raise UserError(f"{spec.title} has to be fetched by hand.\n{how_to(name, spec, downloads)}")


def _unpack_all(archives: list[Path], root: Path) -> None:
    work = root.with_name(f".{root.name}.unpacking")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        for archive in archives:
            if archive.suffix == ".mat":  # annotations that are handed out beside the archives
                shutil.copy2(archive, work)
            else:
                unpack_into(archive, work)
        work.rename(root)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _is_archive(path: Path) -> bool:
    return zipfile.is_zipfile(path) or tarfile.is_tarfile(path)
