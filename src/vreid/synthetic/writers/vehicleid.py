"""VehicleID (PKU): numbered surveillance crops, attribute files, train list and nested test lists."""

from pathlib import Path

from vreid.synthetic.layout import (
    Layout,
    first_test_pids,
    need_several,
    need_style,
    numbered_images,
    write_lines,
)
from vreid.synthetic.vehicles import PAINTS
from vreid.synthetic.world import Shot, World

LIST_SIZES = (800, 1600, 2400, 3200, 6000, 13164)
"""Lists are named after their number of identities in the release."""
WHOLE = 2400
"""The largest list that papers use; here it and the longer ones hold all test identities."""


class VehicleId(Layout):
    """Writes `image`, `attribute` and `train_test_split`; there are no cameras and no query files."""

    def check(self, world: World) -> None:
        """Raise UserError for another style or fewer than two images per identity."""
        need_style(world, "surveillance", "VehicleID")
        need_several(world, "VehicleID")

    def paths(self, world: World) -> list[str]:
        """Return e.g. `image/0000001.jpg`."""
        return list(numbered_images(world, "image", 7).values())

    def write_lists(self, root: Path, world: World) -> None:
        """Write attributes and lists."""
        images = {shot: Path(path).stem for shot, path in numbered_images(world, "image", 7).items()}

        def line(shot: Shot) -> str:
            return f"{images[shot]} {shot.pid}"

        lists = root / "train_test_split"
        write_lines(lists / "train_list.txt", map(line, world.of_split("train")))
        test = world.of_split("test")
        for size in LIST_SIZES:
            pids = first_test_pids(world, size / WHOLE)
            write_lines(lists / f"test_list_{size}.txt", (line(shot) for shot in test if shot.pid in pids))
        write_lines(root / "attribute" / "img2vid.txt", map(line, world.shots))
        _write_attributes(root / "attribute", world)


LAYOUT = VehicleId()


def _write_attributes(folder: Path, world: World) -> None:
    """Write the model and the colour of each identity as numbers from 0, and the names of these numbers."""
    paints = list(PAINTS)
    kinds = {identity.model: world.model(identity.pid).type for identity in world.identities}
    models = sorted(kinds)
    write_lines(folder / "model_names.txt", (f"{kinds[m]}-{m:03d} {n}" for n, m in enumerate(models)))
    write_lines(folder / "color_names.txt", (f"{paint} {n}" for n, paint in enumerate(paints)))
    write_lines(folder / "model_attr.txt", (f"{i.pid} {models.index(i.model)}" for i in world.identities))
    write_lines(folder / "color_attr.txt", (f"{i.pid} {paints.index(i.paint)}" for i in world.identities))
