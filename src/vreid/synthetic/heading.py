"""Which way vehicles point in the images of a rendered dataset, reckoned again from its recipe."""

import numpy as np

from vreid.params.render import RenderSpec
from vreid.synthetic.arrays import Stream, stream
from vreid.synthetic.render import load_layout
from vreid.synthetic.scene import Placed, View
from vreid.synthetic.studio import Studio, draw_passage
from vreid.synthetic.world import Shot, plan_world


class Poses(Studio):
    """A studio that says where vehicle and camera stand in a shot, without taking the picture."""

    def pose(self, shot: Shot) -> tuple[Placed, View]:
        """Return the vehicle where it stands at a shot, and the camera seen from there."""
        # The pose is the first thing that `take` draws from the shot's stream.
        rng = stream(self._spec.seed, Stream.SHOT, shot.pid, shot.camera, shot.step)
        setup, passage = self._setup(shot.camera), draw_passage(self._spec, shot)
        return self._pose(shot, setup, passage, self._world.vehicle(shot), rng)


def headings(dataset: str, spec: RenderSpec) -> dict[str, float]:
    """Return the heading of the vehicle in every image of a dataset that is rendered by `spec`.

    The keys are paths relative to the dataset's folder, as `vreid.synthetic.render.render_dataset` writes
    them; copies in other folders are not among them. A heading is in radians, in (-pi, pi]: the direction in
    which the front of the vehicle's middle points in the image, counter-clockwise from the right. Images
    that a layout stretches to its aspect are taken as they were before.

    Raises:
        UserError: the dataset cannot be rendered.
    """
    layout = load_layout(dataset)
    world = plan_world(spec)
    poses = Poses(world, layout.shape)
    return {
        path: apparent_heading(*poses.pose(shot))
        for shot, path in zip(world.shots, layout.paths(world), strict=True)
    }


def apparent_heading(target: Placed, view: View) -> float:
    """Return where the front of `target` points in an image taken from `view`, as `headings` does.

    It is the direction in which its middle, on which the camera is centred, would move in the image if it
    drove on. Seen from straight above it is the heading less the camera's; seen at a slant it is
    foreshortened towards the horizontal.
    """
    ahead = target.yaw - view.azimuth
    # What moves towards the camera moves down in the image, by the sine of the elevation.
    right, up = np.sin(ahead), -np.cos(ahead) * np.sin(view.elevation)
    # A camera that rolls by an angle turns what it sees by the opposite one.
    return float(np.angle(complex(right, up) * np.exp(-1j * view.roll)))
