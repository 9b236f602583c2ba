"""What is on every image of a rendered dataset, reckoned again from its recipe: the labels of its world."""

from collections.abc import Iterator
from typing import NamedTuple

from vreid.params.render import RenderSpec
from vreid.synthetic.arrays import Stream, stream
from vreid.synthetic.render import load_layout
from vreid.synthetic.studio import Studio, draw_passage
from vreid.synthetic.world import Shot, World, plan_world

DIFFICULTIES = {
    "night": "night",
    "dusk": "low light (dusk)",
    "glare": "glare",
    "occlusion": "occlusion",
    "low_resolution": "low resolution",
}
"""What makes an image difficult, and how it is called."""


class Conditions(NamedTuple):
    """One image: its vehicle, the colour and type of that, and its difficulties, keys of `DIFFICULTIES`."""

    pid: int
    colour: str
    type: str
    difficulties: frozenset[str]


def conditions(dataset: str, spec: RenderSpec) -> Iterator[Conditions]:
    """Yield what is on each image, in the order of the world's shots.

    An occlusion is a pole or a plant before the vehicle; the renderer takes it away again where it would hide
    more than half of it.

    Raises:
        UserError: the dataset cannot be rendered.
    """
    world = plan_world(spec)
    studio = _Surveyor(world, load_layout(dataset).shape)
    for shot in world.shots:
        vehicle = world.vehicle(shot)
        difficulties = frozenset(studio.difficulties(shot, world))
        yield Conditions(shot.pid, vehicle.finish.paint, vehicle.model.type, difficulties)


class _Surveyor(Studio):
    """A studio that says how difficult a shot is, without taking the picture."""

    def difficulties(self, shot: Shot, world: World) -> Iterator[str]:
        spec = world.spec
        passage = draw_passage(spec, shot)
        if passage.light.kind in ("night", "dusk"):
            yield passage.light.kind
        if passage.flare > 0:
            yield "glare"
        # As `take` draws from the shot's stream: the pose, the film, then whether something stands before it.
        rng = stream(spec.seed, Stream.SHOT, shot.pid, shot.camera, shot.step)
        self._pose(shot, self._setup(shot.camera), passage, world.vehicle(shot), rng)
        if self._film(rng).longer_side < spec.image_size:
            yield "low_resolution"
        if rng.random() < spec.occlusion:
            yield "occlusion"
