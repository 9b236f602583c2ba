"""What a paper's file may say of its figures; one class for each kind that can be drawn."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from vreid.params.numbers import Count, Positive
from vreid.params.strict import Strict


class Method(Strict):
    """One of the methods that a figure shows; the keys beside `label` are those of a claim's side."""

    label: str
    run: str
    variant: str | None = None
    dataset: str | None = None
    protocol: str | None = None


class Drawn(Strict):
    """What all figures have."""

    caption: str = Field(min_length=1)


class OfMethods(Drawn):
    """A figure that shows several methods."""

    methods: tuple[Method, ...] = Field(min_length=1)


class OfOneRun(Drawn):
    """A figure made from one experiment (its first seed)."""

    run: str
    variant: str | None = None
    dataset: str | None = None
    protocol: str | None = None


class Point(Strict):
    """One setting of a swept parameter and the experiment that has it; `value` null is a run without it."""

    value: float | None
    run: str

    @field_validator("value", mode="before")
    @classmethod
    def _a_whole_number_is_a_number(cls, value: Any) -> Any:
        return float(value) if type(value) is int else value


class Sweep(Drawn):
    """Metrics against the values of one parameter.

    `equals` lists values at which the experiment must give the very results of another one (gamma 0 of the
    focal loss those of the cross-entropy): the figure's notes say whether it does.
    """

    kind: Literal["sweep"]
    along: str
    points: tuple[Point, ...] = Field(min_length=2)
    equals: tuple[Point, ...] = ()
    metrics: tuple[str, ...] = Field(min_length=1)
    variant: str | None = None
    dataset: str | None = None
    protocol: str | None = None


class Cmc(OfMethods):
    """Cumulative matching curves."""

    kind: Literal["cmc"]
    ranks: Count = 20


class RankLists(OfMethods):
    """The first `depth` gallery images of the same queries for each method."""

    kind: Literal["ranklist"]
    queries: Count = 4
    depth: Count = 10
    seed: int = 0


class Erased(OfOneRun):
    """Training images before and after random erasing."""

    kind: Literal["erased"]
    images: Count = 8


class Darkened(Drawn):
    """Images of a dataset beside their darkened copies."""

    kind: Literal["darkened"]
    dataset: str
    images: Count = 8


class Attributes(Drawn):
    """How often each colour, type and difficulty occurs in a dataset."""

    kind: Literal["attributes"]
    dataset: str


class HeatMaps(OfMethods):
    """Where each method looks: Grad-CAM++ at a layer, on the same images."""

    kind: Literal["heatmaps"]
    layer: str
    images: Count = 4


class Stages(OfOneRun):
    """What an image looks like after each stage of ALSA."""

    kind: Literal["stages"]
    images: Count = 4


class Alignment(OfOneRun):
    """Images before and after SANet's learned transform, and what it does to the vehicles' headings."""

    kind: Literal["alignment"]
    images: Count = 8


class TSne(OfMethods):
    """Features of a few test identities in two dimensions."""

    kind: Literal["tsne"]
    identities: Count = 15
    perplexity: Positive = 30.0
    seed: int = 0


FigureSpec = Annotated[
    Sweep | Cmc | RankLists | Erased | Darkened | Attributes | HeatMaps | Stages | Alignment | TSne,
    Field(discriminator="kind"),
]
