"""What `vreid pretrain-enhancement` renders and how it trains: params/enhancement.yaml."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from vreid.params.numbers import Count, Positive, Probability
from vreid.params.pretrain import FIRST_SEED
from vreid.params.read import read_yaml, validate
from vreid.params.render import RenderSpec
from vreid.params.strict import Strict

FILE = Path("params/enhancement.yaml")

NetworkName = Literal["enlightengan", "iat", "asv", "retinexnet"]
Width = Annotated[float, Field(gt=0, le=1)]


class DarkPictures(Strict):
    """What a batch holds: the shares of pictures by `night` and of `darkened` ones, and how those are made.

    A darkened picture's values are multiplied by one of `value_factors`, or its light by one of
    `light_factors`: values to the power of `gamma`, with sensor `noise` (its deviation at full light).
    """

    night: Probability
    darkened: Probability
    value_factors: tuple[Probability, Probability]
    light_factors: tuple[Probability, Probability]
    gamma: Positive
    noise: Probability

    @model_validator(mode="after")
    def _shares_of_one_batch(self) -> "DarkPictures":
        if self.night + self.darkened > 1:
            raise ValueError(f"night ({self.night}) and darkened ({self.darkened}) together exceed 1")
        return self


class EnhancementTraining(Strict):
    """Adam on batches of `images`, half a cosine from `lr` to 0.

    After the share `settled` of the `steps` batch normalisation uses its running statistics.
    """

    seed: Annotated[int, Field(ge=0)]
    steps: Count
    images: Count
    lr: Positive
    settled: Probability


class Enhancement(Strict):
    """The networks, by name with their width, and the pictures and the training that they share."""

    networks: dict[NetworkName, Width]
    world: RenderSpec
    pictures: DarkPictures
    training: EnhancementTraining

    @model_validator(mode="after")
    def _pairs_of_a_world_of_their_own(self) -> "Enhancement":
        if self.world.seed < FIRST_SEED:
            raise ValueError(
                f"world.seed is {self.world.seed}, which a dataset may have: take one from {FIRST_SEED} on"
            )
        if self.world.night != 1:
            raise ValueError("world.night must be 1: every scene is rendered by night, and once more by day")
        return self


def read_enhancement(file: Path = FILE) -> Enhancement:
    """Return what params/enhancement.yaml says.

    Raises:
        UserError: the file is missing or wrong.
    """
    return validate(Enhancement, read_yaml(file), str(file))
