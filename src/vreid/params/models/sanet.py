"""The networks of the SANet paper."""

from typing import Annotated, Literal

from pydantic import Field

from vreid.params.models.backbone import Backbone
from vreid.params.numbers import Count
from vreid.params.strict import Strict

Stride = Annotated[int, Field(ge=1, le=2)]


class Localisation(Strict):
    """The localisation network of the self-alignment module (SANet paper, sec. II-B).

    Two 3x3 convolutions with these `channels` and `strides`, a map of `grid` x `grid`, to which any other is
    averaged, and two fully connected layers with `hidden` numbers between them. Channels and `hidden` are
    those of the published width.
    """

    channels: tuple[Count, Count] = (128, 64)
    strides: tuple[Stride, Stride] = (2, 2)
    grid: Count = 4
    hidden: Count = 64


class SaNet(Strict):
    """Global branch and two spatial branches behind a shared self-alignment module (SANet paper, Fig. 2).

    `parts` is M, the stripes of each spatial branch; 0 leaves both branches away. `reduced` is what the 1x1
    convolutions put out at the published width, null for none; with `parts: 0` and `reduced: null` it is the
    paper's baseline. `relu` ends a reduction with a ReLU. `spatial_triplet` adds the undefined L^{s+s}, read
    as a triplet loss on all spatial features side by side. `padding` and `align_corners` are those of
    `torch.nn.functional.grid_sample`.
    """

    name: Literal["sanet"]
    backbone: Backbone
    parts: Annotated[int, Field(ge=0)]
    alignment: bool
    reduced: Count | None = 512
    relu: bool = False
    pooling: Literal["average", "max"] = "average"
    spatial_triplet: bool = False
    localisation: Localisation = Localisation()
    padding: Literal["zeros", "border", "reflection"] = "zeros"
    align_corners: bool = False
