"""VRU: numbered UAV crops, train list and nested test lists."""

from pathlib import Path

from vreid.synthetic.layout import (
    Layout,
    first_test_pids,
    need_several,
    need_style,
    numbered_images,
    write_lines,
)
from vreid.synthetic.studio import Format
from vreid.synthetic.world import Shot, World

# Lists are named after their number of identities in the release; the largest holds all test identities.
LIST_SIZES = (1200, 2400, 8000)


class Vru(Layout):
    """Writes `Pic` and `train_test_split`; there are no cameras and no query files."""

    shape = Format(aspect=1.0)

    def check(self, world: World) -> None:
        """Raise UserError for another style or fewer than two images per identity."""
        need_style(world, "uav", "VRU")
        need_several(world, "VRU")

    def paths(self, world: World) -> list[str]:
        """Return e.g. `Pic/1.jpg`: loaders take `str(int(name)) + ".jpg"`."""
        return list(numbered_images(world, "Pic", 1).values())

    def write_lists(self, root: Path, world: World) -> None:
        """Write the lists: lines of image number and identity."""
        images = {shot: Path(path).stem for shot, path in numbered_images(world, "Pic", 1).items()}

        def line(shot: Shot) -> str:
            return f"{images[shot]} {shot.pid}"

        lists = root / "train_test_split"
        write_lines(lists / "train_list.txt", map(line, world.of_split("train")))
        test = world.of_split("test")
        for size in LIST_SIZES:
            pids = first_test_pids(world, size / LIST_SIZES[-1])
            write_lines(lists / f"test_list_{size}.txt", (line(shot) for shot in test if shot.pid in pids))


LAYOUT = Vru()
