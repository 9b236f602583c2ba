"""UAV-VeID in the layout with label lists: three image folders and `UAV-labels`."""

from pathlib import Path

from vreid.synthetic.layout import Layout, need_several, need_style, write_lines
from vreid.synthetic.studio import Format
from vreid.synthetic.world import Shot, World


class UavVeid(Layout):
    """Writes one gallery image per test identity; all its others are queries."""

    shape = Format(aspect=1.0)

    def check(self, world: World) -> None:
        """Raise UserError for another style or fewer than two images per identity."""
        need_style(world, "uav", "UAV-VeID")
        need_several(world, "UAV-VeID")

    def paths(self, world: World) -> list[str]:
        """Return e.g. `images_query_test/3_00012_016450.jpg`: camera, identity, frame."""
        gallery = set(_gallery(world))
        paths = []
        for shot in world.shots:
            held_out = "images_gallery_test" if shot in gallery else "images_query_test"
            folder = "image_train" if world.by_pid[shot.pid].split == "train" else held_out
            paths.append(f"{folder}/{shot.camera}_{shot.pid:05d}_{shot.frame:06d}.jpg")
        return paths

    def write_lists(self, root: Path, world: World) -> None:
        """Write the label lists: lines of path and identity."""
        names = {
            "image_train": "train_id_label",
            "images_query_test": "test_query_label",
            "images_gallery_test": "test_gallery_label",
        }
        for folder, name in names.items():
            labelled = zip(self.paths(world), world.shots, strict=True)
            lines = (f"{path} {shot.pid}" for path, shot in labelled if path.startswith(f"{folder}/"))
            write_lines(root / "UAV-labels" / f"{name}.txt", lines)


LAYOUT = UavVeid()


def _gallery(world: World) -> list[Shot]:
    """Return the first shot of each test identity."""
    first: dict[int, Shot] = {}
    for shot in world.of_split("test"):
        first.setdefault(shot.pid, shot)
    return list(first.values())
