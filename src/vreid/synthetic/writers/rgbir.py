"""The layout that RGBN300 and RGBNT100 share: spectra side by side in one JPEG, three folders."""

from pathlib import Path

from vreid.synthetic.layout import (
    Layout,
    copy_to,
    need_cameras,
    need_pids_up_to,
    need_style,
    one_per_camera,
)
from vreid.synthetic.studio import Band, Format
from vreid.synthetic.world import Shot, World

ROOT = "rgbir"


class RgbIr(Layout):
    """Writes `rgbir/{bounding_box_train,query,bounding_box_test}`; queries are copies of gallery images."""

    shape = Format(aspect=2.0, padded=False, one_size=True)

    def __init__(self, name: str, bands: tuple[Band, ...]) -> None:
        self._name = name
        self.bands = bands

    def check(self, world: World) -> None:
        """Raise UserError for another style, more than 600 identities or more than 8 cameras."""
        need_style(world, "surveillance", self._name)
        need_pids_up_to(world, 600, self._name)
        need_cameras(world, 8, self._name)

    def paths(self, world: World) -> list[str]:
        """Return e.g. `rgbir/bounding_box_test/0001_c3_016450.jpg`: identity, camera, frame."""
        folders = {"train": "bounding_box_train", "test": "bounding_box_test"}
        return [f"{ROOT}/{folders[world.by_pid[s.pid].split]}/{_name(s)}" for s in world.shots]

    def write_lists(self, root: Path, world: World) -> None:
        """Write the query images."""
        queries = one_per_camera(world.of_split("test"))
        gallery = root / ROOT / "bounding_box_test"
        copy_to(root / ROOT / "query", [gallery / _name(shot) for shot in queries])


def _name(shot: Shot) -> str:
    return f"{shot.pid:04d}_c{shot.camera}_{shot.frame:06d}.jpg"
