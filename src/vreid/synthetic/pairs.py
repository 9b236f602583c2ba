"""The same scene by day and by night, pixel by pixel: what networks that brighten images learn from."""

from dataclasses import replace

import numpy as np

from vreid.params.render import RenderSpec
from vreid.synthetic.arrays import Stream, stream
from vreid.synthetic.light import Kind, draw_light
from vreid.synthetic.scene import crop_camera
from vreid.synthetic.sensor import Picture, develop
from vreid.synthetic.studio import Format, Passage, Studio, _shade, draw_passage, margins
from vreid.synthetic.world import Shot, World, plan_world

_DAY, _NIGHT, _SCENE, _LIGHT = 10, 11, 12, 13  # streams of a shot, beside those of the studio


class PairStudio(Studio):
    """Takes each shot of a world of nights twice: by night, and by day."""

    def __init__(self, spec: RenderSpec) -> None:
        self.world: World = plan_world(spec)
        super().__init__(self.world, Format(aspect=1.0, padded=True))

    def take_pair(self, shot: Shot) -> tuple[Picture, Picture]:
        """Return the pictures (S, S, 3), uint8, of one scene by day and by night; S is the image size.

        Vehicle, pose, traffic and camera are the same; sun, sky, lamps, exposure and noise are not.
        """
        rng = self._stream(shot, _SCENE)
        setup, night = self._setup(shot.camera), draw_passage(self._spec, shot)
        vehicle = self.world.vehicle(shot)
        target, view = self._pose(shot, setup, night, vehicle, rng)
        camera = crop_camera(target, view, self._film(rng), margins(self._spec, shot))
        scene, surfaces = self._compose(target, view, camera, setup.site, rng)
        pictures = []
        for number, passage in ((_DAY, self._by_day(night, shot)), (_NIGHT, night)):
            rng = self._stream(shot, number)
            seen = _shade(scene, camera, surfaces, passage, setup.site, ("rgb",), rng)
            # Motion blur would differ between the two and is no matter of light.
            exposure = replace(self._exposure(setup, passage, rng), blur=0.0)
            pictures.append(develop(seen["rgb"], self._spec.supersampling, exposure, rng))
        return pictures[0], pictures[1]

    def _by_day(self, night: Passage, shot: Shot) -> Passage:
        rng = self._stream(shot, _LIGHT)
        kind: Kind = "sunny" if rng.random() < 0.6 else "overcast"
        return replace(night, light=draw_light(kind, shot.camera, rng))

    def _stream(self, shot: Shot, number: int) -> np.random.Generator:
        return stream(self._spec.seed, Stream.SHOT, shot.pid, shot.camera, shot.step, number)
