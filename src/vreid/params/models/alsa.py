"""The networks of the ALSA paper."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from vreid.params.models.backbone import Backbone
from vreid.params.numbers import Count, Positive, Probability
from vreid.params.strict import Strict

EnhancerName = Literal["enlightengan", "iat", "asv"]


class Published(Strict):
    """A file of weights that somebody else published: `file` is where it lies, `sha256` its digest.

    A relative path is looked for in the project's folder, then in the one that VREID_WEIGHTS names.
    """

    file: str = Field(min_length=1)
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class RetinexFiles(Strict):
    """The two files of RetinexNet, whose halves are published apart."""

    decom: Published
    relight: Published


class Enhancer(Strict):
    """The network that brightens dark images (EN).

    `width` is the share of the published number of channels. `weights` are the published ones, or `rendered`:
    those of this width that were trained on pairs of rendered images and come with the code. A `frozen` one
    learns nothing more.
    """

    name: EnhancerName
    width: Annotated[float, Field(gt=0, le=1)] = 1.0
    weights: Published | Literal["rendered"] | None = "rendered"
    frozen: bool = True


class SelfAttention(Strict):
    """SSA: the enhanced image's channels times 1 + beta (Algorithm 1); the `heads` share the `channels`."""

    name: Literal["ssa"]
    channels: Count = 64
    heads: Count = 4

    @model_validator(mode="after")
    def _heads_share_the_channels(self) -> "SelfAttention":
        if self.channels % self.heads or self.channels % 2:
            raise ValueError(
                f"channels must be even and a multiple of heads, not {self.channels} and {self.heads}"
            )
        return self


class CbamBlock(Strict):
    """CBAM on the three channels of the enhanced image, in SSA's place."""

    name: Literal["cbam"]
    reduction: Count = 3


class Retinex(Strict):
    """RetinexNet on the enhanced image, in SSA's place; the keys are those of `Enhancer`."""

    name: Literal["retinexnet"]
    width: Annotated[float, Field(gt=0, le=1)] = 1.0
    weights: RetinexFiles | Literal["rendered"] | None = "rendered"
    frozen: bool = True


Adjustment = Annotated[SelfAttention | CbamBlock | Retinex, Field(discriminator="name")]


class VehicleNet(Strict):
    """The published weights of VehicleNet, from which the backbone starts instead of its own `weights`."""

    weights: Published | None


class Alsa(Strict):
    """A ResNet-50 with a head for embeddings, behind the ALSA module (ALSA paper, sec. 3 and 4.1).

    `enhancement` null is the network without the module. `threshold` is t of GCA; null leaves GCA out, and
    every image is replaced by its enhanced one. `adjustment` is what adjusts the enhanced image: SSA, or what
    the paper puts in its place; null leaves it as it is. `gem_p` is where the exponent of the pooling starts.
    With `frozen_norm` the backbone's and the enhancement network's batch normalisation uses the statistics
    that it came with.
    """

    name: Literal["alsa"]
    backbone: Backbone
    vehiclenet: VehicleNet | None = None
    enhancement: Enhancer | None
    threshold: Probability | None = None
    adjustment: Adjustment | None = None
    embedding: Count = 512
    gem_p: Positive = 3.0
    frozen_norm: bool = True

    @model_validator(mode="after")
    def _parts_of_the_module(self) -> "Alsa":
        if self.enhancement is None and (self.threshold is not None or self.adjustment is not None):
            raise ValueError(
                "threshold and adjustment are parts of the module: without `enhancement` they must be null"
            )
        return self
