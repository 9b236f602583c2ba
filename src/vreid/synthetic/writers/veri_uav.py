"""VeRi-UAV: UAV crops in three folders, named by identity and camera."""

from pathlib import Path

from vreid.params.errors import UserError
from vreid.synthetic.layout import Layout, need_cameras, need_pids_up_to, need_style, one_per_camera
from vreid.synthetic.studio import Format
from vreid.synthetic.world import World


class VeriUav(Layout):
    """Writes `image_train`, `image_query` and `image_test`; queries are not in the gallery."""

    shape = Format(aspect=1.0)

    def check(self, world: World) -> None:
        """Raise UserError for another style, cameras above 7, or one image per camera."""
        need_style(world, "uav", "VeRi-UAV")
        need_pids_up_to(world, 9999, "VeRi-UAV")
        need_cameras(world, 7, "VeRi-UAV")
        if world.spec.images_per_camera < 2:
            raise UserError(
                "VeRi-UAV takes its queries out of the gallery: images_per_camera must be at least 2 in "
                "its preset"
            )

    def paths(self, world: World) -> list[str]:
        """Return e.g. `image_train/0001_03_016450.jpg`: identity, camera, frame."""
        queries = set(one_per_camera(world.of_split("test")))
        paths = []
        for shot in world.shots:
            held_out = "image_query" if shot in queries else "image_test"
            folder = "image_train" if world.by_pid[shot.pid].split == "train" else held_out
            paths.append(f"{folder}/{shot.pid:04d}_{shot.camera:02d}_{shot.frame:06d}.jpg")
        return paths

    def write_lists(self, root: Path, world: World) -> None:
        """Write nothing: the file names are the labels."""


LAYOUT = VeriUav()
