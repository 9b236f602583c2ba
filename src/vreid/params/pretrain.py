"""What `vreid pretrain` renders and how it trains: params/pretrain.yaml."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from vreid.params.errors import UserError
from vreid.params.models.backbone import BackboneName
from vreid.params.numbers import Count, Positive
from vreid.params.read import read_yaml, validate
from vreid.params.recipe import AugmentConfig, OptimizerConfig, ScheduleConfig, ShuffleSampler
from vreid.params.render import RenderSpec
from vreid.params.strict import Strict

FILE = Path("params/pretrain.yaml")
FIRST_SEED = 1_000_000
"""Everything rendered is drawn from streams that begin with a seed: other seeds, other vehicles."""


class PretrainWorld(Strict):
    """Rendered vehicles to train on, with pictures in the manner of the dataset `like`."""

    like: str
    render: RenderSpec

    @model_validator(mode="after")
    def _belongs_to_no_dataset(self) -> "PretrainWorld":
        if self.render.seed < FIRST_SEED:
            raise ValueError(
                f"render.seed is {self.render.seed}, which a dataset may have: take one from {FIRST_SEED} on"
            )
        return self

    @property
    def identities(self) -> int:
        """The number of its identities, of both splits."""
        return self.render.train_ids + self.render.test_ids

    def grown(self, times: int, image_size: int) -> "PretrainWorld":
        """Return it with so many times the identities and models, and pictures of `image_size` at least."""
        render = self.render
        changes = {
            "train_ids": render.train_ids * times,
            "test_ids": render.test_ids * times,
            "models": render.models * times,
            "image_size": max(render.image_size, image_size),
        }
        return self.model_copy(update={"render": render.model_copy(update=changes)})


class PretrainBackbone(Strict):
    """A backbone's width and depth, the size in pixels, square, of its pictures, and its epochs if others."""

    width: Annotated[float, Field(gt=0, le=1)]
    depth: Annotated[float, Field(gt=0, le=1)]
    size: Annotated[int, Field(ge=32)]
    epochs: Count | None = None


class PretrainTraining(Strict):
    """How a classifier of the identities, vehicle models and paints of all worlds is trained.

    Identities are told apart by cosines with a `scale` and a `margin`; `helpers` is the weight of the
    cross-entropies of model and paint.
    """

    seed: Annotated[int, Field(ge=0)]
    scale: Positive
    margin: Annotated[float, Field(ge=0, lt=1)]
    helpers: Annotated[float, Field(ge=0)]
    sampler: ShuffleSampler
    optimizer: OptimizerConfig
    schedule: ScheduleConfig
    augment: tuple[AugmentConfig, ...]

    def lasting(self, epochs: int) -> "PretrainTraining":
        """Return it with another number of epochs."""
        return self.model_copy(update={"schedule": self.schedule.model_copy(update={"epochs": epochs})})


class Pretrain(Strict):
    """All of params/pretrain.yaml."""

    worlds: dict[str, PretrainWorld] = Field(min_length=1)
    backbones: dict[BackboneName, PretrainBackbone]
    training: PretrainTraining

    @model_validator(mode="after")
    def _worlds_differ(self) -> "Pretrain":
        seeds = [world.render.seed for world in self.worlds.values()]
        if len(set(seeds)) < len(seeds):
            raise ValueError("two worlds have one seed and would show the same vehicles: give each its own")
        return self


def read_pretrain(file: Path = FILE) -> Pretrain:
    """Return what params/pretrain.yaml says.

    Raises:
        UserError: it is missing or says something impossible.
    """
    if not file.is_file():
        raise UserError(f"{file} is missing: run this where the project's params/ is.")
    return validate(Pretrain, read_yaml(file), str(file))
