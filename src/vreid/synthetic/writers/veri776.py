"""VeRi-776: surveillance crops, name lists, index files, attribute labels (release of X. Liu et al.)."""

import math
from pathlib import Path

import numpy as np

from vreid.synthetic.arrays import Stream, stream
from vreid.synthetic.layout import (
    Layout,
    copy_to,
    need_cameras,
    need_pids_up_to,
    need_style,
    one_per_camera,
    write_lines,
)
from vreid.synthetic.world import Shot, World

# The release's own numbering, and which of its words our paints and body types go by.
COLOURS = (
    "yellow", "orange", "green", "gray", "red", "blue", "white", "golden", "brown", "black",
)  # fmt: skip
TYPES = ("sedan", "suv", "van", "hatchback", "mpv", "pickup", "bus", "truck", "estate")
COLOUR_OF_PAINT = {"grey": "gray", "silver": "gray", "navy": "blue", "gold": "golden"}
TYPE_OF_BODY = {"coupe": "sedan", "hatch": "hatchback", "wagon": "estate"}


class Veri776(Layout):
    """Writes `image_{train,test,query}` and the lists beside them; queries are copies of gallery images."""

    def check(self, world: World) -> None:
        """Raise UserError for another style, more than 776 identities or more than 20 cameras."""
        need_style(world, "surveillance", "VeRi-776")
        need_pids_up_to(world, 776, "VeRi-776")
        need_cameras(world, 20, "VeRi-776")

    def paths(self, world: World) -> list[str]:
        """Return e.g. `image_train/0001_c001_00016450_0.jpg`: identity, camera, frame, place in its track."""
        folders = {"train": "image_train", "test": "image_test"}
        return [f"{folders[world.by_pid[s.pid].split]}/{_name(s)}" for s in world.shots]

    def write_lists(self, root: Path, world: World) -> None:
        """Write query images and all lists."""
        train, test = world.of_split("train"), world.of_split("test")
        queries = one_per_camera(test)
        copy_to(root / "image_query", [root / "image_test" / _name(shot) for shot in queries])
        for split, shots in (("train", train), ("query", queries), ("test", test)):
            write_lines(root / f"name_{split}.txt", map(_name, shots))
        _write_index(root, queries, test)
        _write_tracks(root / "test_track.txt", test)
        _write_labels(root / "train_label.xml", "TrainingImages", world, train)
        _write_labels(root / "test_label.xml", "TestImages", world, test)
        write_lines(root / "list_color.txt", _numbered(COLOURS))
        write_lines(root / "list_type.txt", _numbered(TYPES))
        cameras = range(1, world.spec.cameras + 1)
        write_lines(root / "camera_ID.txt", [f"c{camera:03d}" for camera in cameras])
        _write_distances(root / "camera_Dist.txt", world)


LAYOUT = Veri776()


def _name(shot: Shot) -> str:
    return f"{shot.pid:04d}_c{shot.camera:03d}_{shot.frame:08d}_{shot.step}.jpg"


def _numbered(words: tuple[str, ...]) -> list[str]:
    return [f"{number} {word}" for number, word in enumerate(words, start=1)]


def _write_index(root: Path, queries: list[Shot], test: list[Shot]) -> None:
    """Write `gt_index.txt` and `jk_index.txt`: per query the rows of name_test.txt, counted from 1.

    gt: same identity in another camera; jk (junk): same identity and camera, the query itself included.
    """
    rows: dict[int, list[tuple[int, int]]] = {}
    for row, shot in enumerate(test, start=1):
        rows.setdefault(shot.pid, []).append((row, shot.camera))
    true, junk = [], []
    for query in queries:
        true.append(" ".join(str(r) for r, camera in rows[query.pid] if camera != query.camera))
        junk.append(" ".join(str(r) for r, camera in rows[query.pid] if camera == query.camera))
    write_lines(root / "gt_index.txt", true)
    write_lines(root / "jk_index.txt", junk)


def _write_tracks(path: Path, test: list[Shot]) -> None:
    """Write one line per identity and camera: the track's name (its first image), then its images."""
    tracks: dict[tuple[int, int], list[str]] = {}
    for shot in test:
        tracks.setdefault((shot.pid, shot.camera), []).append(_name(shot))
    write_lines(path, (" ".join([names[0], *names]) for names in tracks.values()))


def _write_labels(path: Path, tag: str, world: World, shots: list[Shot]) -> None:
    """Write the attribute labels, in the release's encoding."""
    lines = ['<?xml version="1.0" encoding="gb2312" ?>', f'<{tag} Version="1.0">']
    lines.append(f'  <Items number="{len(shots)}">')
    for shot in shots:
        colour, body = _labels(world, shot.pid)
        lines.append(
            f'    <Item imageName="{_name(shot)}" vehicleID="{shot.pid:04d}" '
            f'cameraID="c{shot.camera:03d}" colorID="{colour}" typeID="{body}" />'
        )
    lines += ["  </Items>", f"</{tag}>"]
    path.write_bytes(("\n".join(lines) + "\n").encode("gb2312"))


def _labels(world: World, pid: int) -> tuple[int, int]:
    paint, body = world.by_pid[pid].paint, world.model(pid).type
    colour = COLOURS.index(COLOUR_OF_PAINT.get(paint, paint)) + 1
    return colour, TYPES.index(TYPE_OF_BODY.get(body, body)) + 1


def _write_distances(path: Path, world: World) -> None:
    """Write the table of distances between cameras in metres, which stand on a square kilometre."""
    places = stream(world.spec.seed, Stream.CAMERA, 0).uniform(0, 1000, (world.spec.cameras, 2))
    write_lines(
        path,
        (" ".join(str(round(math.dist(here, there))) for there in np.asarray(places)) for here in places),
    )
