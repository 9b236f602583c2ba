"""Who is seen where: identities, their twins, and the list of all shots of a rendered dataset."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from vreid.params.render import RenderSpec
from vreid.synthetic.arrays import Stream, stream
from vreid.synthetic.vehicles import (
    PAINTS,
    Finish,
    Model,
    Vehicle,
    draw_details,
    draw_finish,
    draw_model,
)

Split = Literal["train", "test"]


@dataclass(frozen=True)
class Identity:
    """One identity: pid (from 1), its split, model number and paint name.

    `twin_of` is the pid of the other identity of its split with the same model and paint, if there is one.
    In the style `product` the paint is empty, because it changes from picture to picture.
    """

    pid: int
    split: Split
    model: int
    paint: str
    twin_of: int | None


@dataclass(frozen=True)
class Shot:
    """One image: identity, camera (from 1), place in that camera's sequence (from 0), frame number."""

    pid: int
    camera: int
    step: int
    frame: int


@dataclass(frozen=True)
class World:
    """All identities by pid, and all shots ordered by pid, camera and step."""

    spec: RenderSpec
    identities: tuple[Identity, ...]
    shots: tuple[Shot, ...]

    @cached_property
    def by_pid(self) -> dict[int, Identity]:
        """The identities by their pid."""
        return {identity.pid: identity for identity in self.identities}

    def of_split(self, split: Split) -> list[Shot]:
        """Return the shots of one split in order."""
        return [shot for shot in self.shots if self.by_pid[shot.pid].split == split]

    def model(self, pid: int) -> Model:
        """Return the vehicle model of an identity."""
        return draw_model(self.spec.seed, self.by_pid[pid].model)

    def vehicle(self, shot: Shot) -> Vehicle:
        """Return the vehicle that a shot shows: one per identity; in the style `product`, one per picture."""
        identity, seed = self.by_pid[shot.pid], self.spec.seed
        model = self.model(shot.pid)
        if self.spec.style == "product":
            keys = (shot.pid, shot.camera, shot.step)
            paint = random_paint(stream(seed, Stream.FINISH, 0, *keys))
            finish = draw_finish(seed, paint, 1, *keys)
            return Vehicle(model, finish, draw_details(seed, model.type, *keys))
        return Vehicle(model, self._finish(identity), draw_details(seed, model.type, identity.pid))

    def _finish(self, identity: Identity) -> Finish:
        pair = identity.pid if identity.twin_of is None else min(identity.pid, identity.twin_of)
        return draw_finish(self.spec.seed, identity.paint, pair)


def plan_world(spec: RenderSpec) -> World:
    """Return the plan of a dataset: the same for the same `spec`, whoever asks.

    Pids run from 1 to the number of identities; train and test pids are interleaved at random.
    """
    rng = stream(spec.seed, Stream.PLAN)
    order = rng.permutation(spec.train_ids + spec.test_ids) + 1
    splits: tuple[tuple[Split, list[int]], ...] = (
        ("train", sorted(order[: spec.train_ids].tolist())),
        ("test", sorted(order[spec.train_ids :].tolist())),
    )
    identities = [identity for split, pids in splits for identity in _identities(spec, split, pids, rng)]
    identities.sort(key=lambda identity: identity.pid)
    shots = [shot for identity in identities for shot in _shots(spec, identity.pid)]
    return World(spec, tuple(identities), tuple(shots))


def random_paint(rng: np.random.Generator) -> str:
    """Return the name of a paint, as frequent as on the road."""
    names = list(PAINTS)
    return names[int(rng.choice(len(names), p=_paint_frequencies()))]


def _identities(
    spec: RenderSpec, split: Split, pids: list[int], rng: np.random.Generator
) -> Iterable[Identity]:
    """Give the pids of a split their models and paints: pairs of twins first, then all different."""
    if spec.style == "product":
        return [Identity(pid, split, pid - 1, "", None) for pid in pids]
    pairs = min(round(spec.twins * len(pids) / 2), len(pids) // 2)
    looks = _distinct_looks(spec, len(pids) - pairs, rng)
    shuffled = rng.permutation(pids).tolist()
    found = []
    for model, paint in looks[:pairs]:
        one, other = shuffled.pop(), shuffled.pop()
        found.append(Identity(one, split, model, paint, other))
        found.append(Identity(other, split, model, paint, one))
    for (model, paint), pid in zip(looks[pairs:], shuffled, strict=True):
        found.append(Identity(pid, split, model, paint, None))
    return found


def _distinct_looks(spec: RenderSpec, count: int, rng: np.random.Generator) -> list[tuple[int, str]]:
    """Return `count` different pairs of model and paint, common paints first of all."""
    names = list(PAINTS)
    chance = np.tile(_paint_frequencies(), spec.models)
    drawn = rng.choice(len(chance), size=count, replace=False, p=chance / chance.sum())
    return [(int(k) // len(names), names[int(k) % len(names)]) for k in drawn]


def _paint_frequencies() -> np.ndarray:
    frequencies = np.array([paint.frequency for paint in PAINTS.values()])
    return np.asarray(frequencies / frequencies.sum())


def _shots(spec: RenderSpec, pid: int) -> list[Shot]:
    rng = stream(spec.seed, Stream.PLAN, pid)
    seen_by = np.sort(rng.choice(spec.cameras, size=spec.cameras_per_id, replace=False)) + 1
    shots = []
    for camera in seen_by.tolist():
        frame = int(rng.integers(100, 80_000))
        for step in range(spec.images_per_camera):
            shots.append(Shot(pid, camera, step, frame + 5 * step))
    return shots
