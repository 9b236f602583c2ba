"""What one run is: the fully resolved configuration that is trained, extracted and evaluated.

The classes mirror the keys of a paper's `defaults:`. Everything here is plain data: it is hashed into the
run's name, written to `config.json`, and read back by the training and evaluation steps.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from vreid.params.strict import Strict

Probability = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]


class Input(Strict):
    """Size of the network's input in pixels."""

    height: Count
    width: Count


class SeDenseNet(Strict):
    """DenseNet121 with optional SE blocks and mid-level features (SE-DenseNet paper, sec. 3.2).

    `blocks`, `growth_rate` and `stem_channels` are those of DenseNet121 in the paper's recipe; a preset may
    narrow them, and then `weights` must be null.
    """

    name: Literal["se_densenet"]
    se: bool
    se_reduction: Count = 16
    mid_features: bool
    se4_norm5: Literal["after", "before", "none"] = "after"
    blocks: tuple[Count, Count, Count, Count] = (6, 12, 24, 16)
    growth_rate: Count = 32
    stem_channels: Count = 64
    weights: Literal["imagenet"] | None = "imagenet"

    @model_validator(mode="after")
    def _weights_need_the_published_width(self) -> "SeDenseNet":
        published = (self.blocks, self.growth_rate, self.stem_channels) == ((6, 12, 24, 16), 32, 64)
        if self.weights is not None and not published:
            raise ValueError(
                "ImageNet weights exist for DenseNet121 alone (blocks 6, 12, 24, 16, growth_rate 32, "
                "stem_channels 64): set weights to null for another width"
            )
        return self


ModelConfig = SeDenseNet


class CrossEntropy(Strict):
    """Softmax cross-entropy on every classifier's logits."""

    name: Literal["cross_entropy"]
    weight: float = 1.0
    label_smoothing: Probability = 0.0


class Focal(Strict):
    """Softmax focal loss without alpha (SE-DenseNet paper, Eq. 5)."""

    name: Literal["focal"]
    weight: float = 1.0
    gamma: Annotated[float, Field(ge=0)]


class Triplet(Strict):
    """Batch-hard triplet loss on Euclidean distances of the un-normalised embedding (Eq. 3)."""

    name: Literal["triplet"]
    weight: float = 1.0
    margin: Annotated[float, Field(ge=0)]


LossConfig = Annotated[CrossEntropy | Focal | Triplet, Field(discriminator="name")]


class Sampler(Strict):
    """P x K batches: `ids` identities with `images_per_id` images each."""

    name: Literal["pk"]
    ids: Count
    images_per_id: Count


class Adam(Strict):
    """Adam with L2 weight decay added to the gradient."""

    name: Literal["adam"]
    lr: Positive
    weight_decay: Annotated[float, Field(ge=0)] = 0.0


class Sgd(Strict):
    """Stochastic gradient descent with momentum."""

    name: Literal["sgd"]
    lr: Positive
    momentum: Probability = 0.9
    weight_decay: Annotated[float, Field(ge=0)] = 0.0


OptimizerConfig = Annotated[Adam | Sgd, Field(discriminator="name")]


class Warmup(Strict):
    """Linear growth of the learning rate from `factor` x lr to lr over `epochs`."""

    epochs: Positive
    factor: Probability


class MultiStep(Strict):
    """Learning rate x `gamma` at each of the `milestones` (epochs; fractions allowed once shortened)."""

    name: Literal["multistep"]
    epochs: Count
    milestones: tuple[Positive, ...]
    gamma: Positive
    warmup: Warmup | None = None


class Cosine(Strict):
    """Half a cosine from lr down to `final_factor` x lr."""

    name: Literal["cosine"]
    epochs: Count
    final_factor: Probability = 0.0
    warmup: Warmup | None = None


ScheduleConfig = Annotated[MultiStep | Cosine, Field(discriminator="name")]


class Flip(Strict):
    """Horizontal flip with probability `p`."""

    name: Literal["flip"]
    p: Probability = 0.5


class PadCrop(Strict):
    """Zero padding on all sides, then a random crop of the input's size.

    `padding` is a fraction of the input's height (10 px at 256 px are 0.0390625), so that it
    means the same at every size.
    """

    name: Literal["pad_crop"]
    padding: Probability


class RandomErasing(Strict):
    """Replaces a random rectangle by random values (Random Erasing, Zhong et al. 2020).

    `area` is the range of the rectangle's share of the image, `ratio` that of its aspect (height / width).
    """

    name: Literal["random_erasing"]
    p: Probability = 0.5
    area: tuple[Probability, Probability] = (0.02, 0.4)
    ratio: tuple[Positive, Positive] = (0.3, 3.3)
    fill: Literal["random", "zero"] = "random"


AugmentConfig = Annotated[Flip | PadCrop | RandomErasing, Field(discriminator="name")]


class Test(Strict):
    """How the trained model is evaluated; changing it re-evaluates and does not retrain."""

    feature: Literal["before_neck", "after_neck"]
    distance: Literal["cosine", "euclidean"]


class Engine(Strict):
    """How the arithmetic is done; it changes numbers in the last digits or more, so it is part of the run."""

    precision: Literal["float32", "bfloat16"] = "float32"
    channels_last: bool = False


class TrainConfig(Strict):
    """Everything that decides a run's trained weights, and nothing else.

    `data` is the digest of the dataset's content (or of the recipe that renders it), `code` the digest of
    the code that trains, over the import closure of the model, the losses and the training package.
    """

    dataset: str
    source: Literal["real", "synthetic"]
    data: str
    code: str
    seed: Annotated[int, Field(ge=0)]
    input: Input
    model: ModelConfig
    losses: tuple[LossConfig, ...]
    sampler: Sampler
    optimizer: OptimizerConfig
    schedule: ScheduleConfig
    augment: tuple[AugmentConfig, ...]
    engine: Engine = Engine()
