"""Cars196: photographs of parked cars whose class is the vehicle model, with boxes in `cars_annos.mat`."""

from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

from vreid.params.errors import UserError
from vreid.synthetic.layout import Layout, need_style
from vreid.synthetic.studio import margins
from vreid.synthetic.world import Shot, World

CLASSES = 196
TRAIN_CLASSES = 98
"""Metric learning trains on classes 1 to 98 and tests on 99 to 196."""
MAT_HEADER = b"MATLAB 5.0 MAT-file, rendered stand-in"


class Cars196(Layout):
    """Writes `car_ims` and `cars_annos.mat`, numbered in the order of the classes."""

    def check(self, world: World) -> None:
        """Raise UserError for another style or more than 98 identities (classes) in either split."""
        need_style(world, "product", "Cars196")
        largest = max(world.spec.train_ids, world.spec.test_ids)
        if largest > TRAIN_CLASSES:
            raise UserError(
                f"Cars196 has {TRAIN_CLASSES} classes to train and as many to test on, not {largest}: lower "
                "train_ids or test_ids in its preset"
            )

    def paths(self, world: World) -> list[str]:
        """Return e.g. `car_ims/000001.jpg`."""
        numbers = {shot: number for number, shot in enumerate(self._in_order(world), start=1)}
        return [_path(numbers[shot]) for shot in world.shots]

    def labels(self, world: World) -> dict[int, int]:
        """Return the classes: those to train on from 1, those to test on from 99."""
        classes = {}
        for split, first in (("train", 1), ("test", TRAIN_CLASSES + 1)):
            pids = [identity.pid for identity in world.identities if identity.split == split]
            classes.update({pid: first + rank for rank, pid in enumerate(pids)})
        return classes

    def write_lists(self, root: Path, world: World) -> None:
        """Write the annotations; every other image of a class has the flag of the closed-set test."""
        labels = self.labels(world)
        fields = ("relative_im_path", "bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "test")
        annotations = np.empty((1, len(world.shots)), [(field, object) for field in fields])
        for number, shot in enumerate(self._in_order(world), start=1):
            path = _path(number)
            box = [np.array([[edge]], np.uint16) for edge in _box(root / path, world, shot)]
            closed_set_test = np.array([[number % 2]], np.uint8)
            vehicle_class = np.array([[labels[shot.pid]]], np.uint8)
            annotations[0, number - 1] = (path, *box, vehicle_class, closed_set_test)
        names = np.full((1, CLASSES), "(not rendered)", object)
        for pid, label in labels.items():
            model = world.model(pid)
            names[0, label - 1] = f"{model.type} {model.index:03d}"
        file = root / "cars_annos.mat"
        savemat(file, {"annotations": annotations, "class_names": names})
        # The header that savemat writes names the hour and the platform.
        content = file.read_bytes()
        file.write_bytes(MAT_HEADER.ljust(116) + content[116:])

    def _in_order(self, world: World) -> list[Shot]:
        labels = self.labels(world)
        return sorted(world.shots, key=lambda s: (labels[s.pid], s.camera, s.step))


LAYOUT = Cars196()


def _path(number: int) -> str:
    return f"car_ims/{number:06d}.jpg"


def _box(file: Path, world: World, shot: Shot) -> tuple[int, int, int, int]:
    """Return the vehicle's box x1, y1, x2, y2 in pixels, counted from 1: the image less its margins."""
    with Image.open(file) as image:
        width, height = image.size
    left, bottom, right, top = margins(world.spec, shot)
    across, upright = width / (1 + left + right), height / (1 + bottom + top)
    x1, y1 = 1 + left * across, 1 + top * upright
    return round(x1), round(y1), round(x1 + across - 1), round(y1 + upright - 1)
