"""How a network is trained: sampler, optimizer, schedule and augmentation."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from vreid.params.numbers import Count, Positive, Probability
from vreid.params.strict import Strict


class PkSampler(Strict):
    """P x K batches: `ids` identities with `images_per_id` images each; an epoch visits every identity."""

    name: Literal["pk"]
    ids: Count
    images_per_id: Count


class ClassBalancedSampler(Strict):
    """`ids` identities per batch, each as likely as any other however many images it has.

    An epoch has as many batches as the training images fill.
    """

    name: Literal["class_balanced"]
    ids: Count
    images_per_id: Count


class ShuffleSampler(Strict):
    """Batches of `images` images in a random order, each image once per epoch; the rest is left out."""

    name: Literal["shuffle"]
    images: Count


SamplerConfig = Annotated[PkSampler | ClassBalancedSampler | ShuffleSampler, Field(discriminator="name")]


class Group(Strict):
    """Parameters that learn at another rate: those whose dotted name begins with one of `parameters`.

    A prefix ends at a dot: `alignment` is `alignment.conv.weight`, not `alignment2.weight`.
    """

    parameters: tuple[str, ...] = Field(min_length=1)
    lr_factor: Annotated[float, Field(ge=0)] = 1.0
    weight_decay: Annotated[float, Field(ge=0)] | None = None


class Adam(Strict):
    """Adam with L2 weight decay added to the gradient."""

    name: Literal["adam"]
    lr: Positive
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    groups: tuple[Group, ...] = ()


class Sgd(Strict):
    """Stochastic gradient descent with momentum."""

    name: Literal["sgd"]
    lr: Positive
    momentum: Probability = 0.9
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    groups: tuple[Group, ...] = ()


OptimizerConfig = Annotated[Adam | Sgd, Field(discriminator="name")]


class Warmup(Strict):
    """Linear growth of the learning rate from `factor` x lr to lr over `epochs`."""

    epochs: Positive
    factor: Probability


class Freeze(Strict):
    """Parameters that do not move in the first `epochs`.

    `frozen` lists prefixes of dotted names as in `Group`; `trained` lists those that do move, all others
    being frozen. Exactly one of the two is given. Statistics of normalisation layers are updated all the
    same.
    """

    epochs: Positive
    frozen: tuple[str, ...] = ()
    trained: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_of_two(self) -> "Freeze":
        if bool(self.frozen) == bool(self.trained):
            raise ValueError("give either `frozen` or `trained`, not both and not neither")
        return self


class MultiStep(Strict):
    """Learning rate x `gamma` at each of the `milestones` (epochs; fractions allowed once shortened)."""

    name: Literal["multistep"]
    epochs: Count
    milestones: tuple[Positive, ...]
    gamma: Positive
    warmup: Warmup | None = None
    freeze: Freeze | None = None


class Cosine(Strict):
    """Half a cosine from lr to `final_factor` x lr, after `delay` epochs at lr.

    A `final_factor` above 1 is a rate that rises; a released configuration has one.
    """

    name: Literal["cosine"]
    epochs: Count
    delay: Annotated[float, Field(ge=0)] = 0.0
    final_factor: Annotated[float, Field(ge=0)] = 0.0
    warmup: Warmup | None = None
    freeze: Freeze | None = None


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


class RandomResizedCrop(Strict):
    """Cuts out a random rectangle and resizes it, bilinearly, to the network's input.

    `scale` is the range of its share of the image, `ratio` that of its aspect (width / height).
    """

    name: Literal["random_resized_crop"]
    scale: tuple[Probability, Probability] = (0.08, 1.0)
    ratio: tuple[Positive, Positive] = (0.75, 4 / 3)


class ColorJitter(Strict):
    """Changes brightness, contrast, saturation and hue by random amounts, with probability `p`.

    A factor is uniform in [max(0, 1 - x), 1 + x], the shift of the hue in [-hue, hue] turns of the circle.
    """

    name: Literal["color_jitter"]
    p: Probability = 1.0
    brightness: Annotated[float, Field(ge=0)] = 0.0
    contrast: Annotated[float, Field(ge=0)] = 0.0
    saturation: Annotated[float, Field(ge=0)] = 0.0
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.0


class AugMix(Strict):
    """Mixes `width` chains of `depth` simple operations with the image (AugMix, Hendrycks et al. 2020).

    `depth` null draws 1 to 3 for each chain; `severity` is 1 to 10; `alpha` is that of the Dirichlet and Beta
    distributions that the weights are drawn from. An image is mixed with probability `p`.
    """

    name: Literal["augmix"]
    p: Probability = 1.0
    severity: Annotated[int, Field(ge=1, le=10)] = 3
    width: Count = 3
    depth: Count | None = None
    alpha: Positive = 1.0


AugmentConfig = Annotated[
    Flip | PadCrop | RandomErasing | RandomResizedCrop | ColorJitter | AugMix, Field(discriminator="name")
]
