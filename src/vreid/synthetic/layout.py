"""What a writer of an on-disk layout provides, and the side files that every rendered dataset has."""

import csv
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from vreid.params.errors import UserError
from vreid.synthetic.studio import Band, Format
from vreid.synthetic.world import Shot, World


class Layout(ABC):
    """One dataset's folders, file names and lists."""

    bands: tuple[Band, ...] = ("rgb",)
    """The spectra of an image, from left to right."""
    shape = Format()
    """The shape of its images."""

    @abstractmethod
    def check(self, world: World) -> None:
        """Raise UserError if the world cannot be written in this layout."""

    @abstractmethod
    def paths(self, world: World) -> list[str]:
        """Return where each of `world.shots` goes, relative to the root, with forward slashes."""

    @abstractmethod
    def write_lists(self, root: Path, world: World) -> None:
        """Complete `root`, in which all images lie, with copies and lists."""

    def labels(self, world: World) -> dict[int, int]:
        """Return the number by which the dataset calls each pid of the world."""
        return {identity.pid: identity.pid for identity in world.identities}


def write_side_files(folder: Path, world: World, labels: Mapping[int, int]) -> None:
    """Write `twins.csv` (pid, twin_of) and `attributes.csv` (pid, split, type, model, paint) into `folder`.

    Pids are those of the dataset, as `labels` gives them. The files serve evaluation and figures; no loader
    of the dataset needs them.
    """
    twins = [(i.pid, i.twin_of) for i in world.identities if i.twin_of is not None]
    folder.mkdir(parents=True)
    with (folder / "twins.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["pid", "twin_of"])
        rows.writerows((labels[pid], labels[twin]) for pid, twin in twins)
    with (folder / "attributes.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["pid", "split", "type", "model", "paint"])
        for identity in world.identities:
            model = world.model(identity.pid)
            rows.writerow([labels[identity.pid], identity.split, model.type, model.index, identity.paint])


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write text lines, each ended by a line feed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def copy_to(folder: Path, files: Iterable[Path]) -> None:
    """Copy files byte by byte into a new folder."""
    folder.mkdir(parents=True)
    for file in files:
        shutil.copyfile(file, folder / file.name)


def one_per_camera(shots: Sequence[Shot]) -> list[Shot]:
    """Return the middle shot of each identity in each camera: the queries of datasets with cameras."""
    passages: dict[tuple[int, int], list[Shot]] = {}
    for shot in shots:
        passages.setdefault((shot.pid, shot.camera), []).append(shot)
    return [passage[len(passage) // 2] for passage in passages.values()]


def first_test_pids(world: World, share: float) -> set[int]:
    """Return the pids of the first `share` of the test identities, two at least.

    For test lists of growing size of which each holds the ones before.
    """
    pids = [identity.pid for identity in world.identities if identity.split == "test"]
    return set(pids[: max(2, round(min(1.0, share) * len(pids)))])


def numbered_images(world: World, folder: str, digits: int) -> dict[Shot, str]:
    """Return `folder/0001.jpg` and so on for all shots in order."""
    return {s: f"{folder}/{n:0{digits}d}.jpg" for n, s in enumerate(world.shots, start=1)}


def need_pids_up_to(world: World, limit: int, dataset: str) -> None:
    """Raise UserError if there are more identities than the dataset's file names and loaders allow."""
    if len(world.identities) > limit:
        raise UserError(
            f"{dataset} numbers its identities up to {limit}, but train_ids + test_ids is "
            f"{len(world.identities)}: lower them in the render section of its preset"
        )


def need_cameras(world: World, limit: int, dataset: str) -> None:
    """Raise UserError unless every query has a match in another camera and no camera exceeds `limit`."""
    if world.spec.cameras_per_id < 2:
        raise UserError(f"{dataset} compares across cameras: cameras_per_id must be at least 2 in its preset")
    if world.spec.cameras > limit:
        raise UserError(
            f"{dataset} has cameras 1 to {limit}, but cameras is {world.spec.cameras} in its preset"
        )


def need_several(world: World, dataset: str) -> None:
    """Raise UserError unless every test identity has an image for the query and one for the gallery."""
    if world.spec.cameras_per_id * world.spec.images_per_camera < 2:
        raise UserError(f"{dataset} needs two images per identity: raise images_per_camera in its preset")


def need_style(world: World, style: str, dataset: str) -> None:
    """Raise UserError if the world is not rendered in the one style that the dataset has."""
    if world.spec.style != style:
        raise UserError(f"{dataset} is rendered in the style {style}, not {world.spec.style}")
