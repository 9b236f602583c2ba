"""What one run is: the fully resolved configuration that is trained, extracted and evaluated.

The classes mirror the keys of a paper's `defaults:`. Everything here is plain data: it is hashed into the
run's name, written to `config.json`, and read back by the training and evaluation steps.
"""

from typing import Annotated, Literal

from pydantic import Field

from vreid.params.losses import LossConfig
from vreid.params.models.alsa import Alsa
from vreid.params.models.dpa import Dpa
from vreid.params.models.hamnet import HamNet
from vreid.params.models.sanet import SaNet
from vreid.params.models.se_densenet import SeDenseNet
from vreid.params.numbers import Count
from vreid.params.recipe import AugmentConfig, OptimizerConfig, SamplerConfig, ScheduleConfig
from vreid.params.strict import Strict

ModelConfig = Annotated[SeDenseNet | Alsa | Dpa | HamNet | SaNet, Field(discriminator="name")]


class Size(Strict):
    """A size in pixels."""

    height: Count
    width: Count


class Input(Size):
    """What the network is given: its size in pixels, and of which spectra.

    `stored` is the size at which images are packed where it is another one: training then crops from it at
    random and testing crops its centre. `spectra` are those of a multi-spectral dataset, in this order; the
    network then takes (B, S, 3, H, W). Without any it takes the first, (B, 3, H, W).
    """

    stored: Size | None = None
    spectra: tuple[str, ...] = ()


class Test(Strict):
    """How the trained model is evaluated; changing it re-evaluates and does not retrain.

    `images` may be the darkened variant of the dataset's query and gallery images.
    """

    feature: Literal["before_neck", "after_neck"]
    distance: Literal["cosine", "euclidean"]
    images: Literal["original", "darkened"] = "original"


class Engine(Strict):
    """How the arithmetic is done; it changes numbers in the last digits or more, so it is part of the run."""

    precision: Literal["float32", "bfloat16"] = "float32"
    channels_last: bool = False
    compile: bool = False


class TrainConfig(Strict):
    """Everything that decides a run's trained weights, and nothing else.

    `data` is the digest of the dataset's content (or of the recipe that renders it), `code` the digest of
    the code that trains, over the import closure of the model, the losses and the training package.
    `images` may be the darkened variant of the training images.
    """

    dataset: str
    images: Literal["original", "darkened"] = "original"
    source: Literal["real", "synthetic"]
    data: str
    code: str
    seed: Annotated[int, Field(ge=0)]
    input: Input
    model: ModelConfig
    losses: tuple[LossConfig, ...]
    sampler: SamplerConfig
    optimizer: OptimizerConfig
    schedule: ScheduleConfig
    augment: tuple[AugmentConfig, ...]
    engine: Engine = Engine()
