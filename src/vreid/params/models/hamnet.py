"""The networks of the HAMNet paper."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from vreid.params.models.backbone import Backbone
from vreid.params.numbers import Count, Probability
from vreid.params.strict import Strict

Weight = Annotated[float, Field(ge=0)]


class Ide(Strict):
    """Each stream's class activation maps and scores (sec. "Loss Functions", Eq. 1).

    `class_aware` adds the fused map and its scores (Eq. 7 to 11), on which L_caid is computed.
    """

    name: Literal["ide"]
    class_aware: bool


class Released(Strict):
    """The network of the released code: batch-normalisation necks, one classifier, weighted test feature."""

    name: Literal["released"]


class Pcb(Strict):
    """Part-based convolutional baseline (Sun et al. 2018) for each spectrum."""

    name: Literal["pcb"]
    stripes: Count = 6
    dropout: Probability = 0.5


class Mgn(Strict):
    """Multiple granularity network (Wang et al. 2018) for each spectrum."""

    name: Literal["mgn"]


class Abd(Strict):
    """Attentive but diverse network (Chen et al. 2019) for each spectrum.

    `feature_penalty` and `weight_penalty` are the weights of the orthogonality of feature maps and of the
    first convolution, `dropout` that of the global branch.
    """

    name: Literal["abd"]
    feature_penalty: Weight
    weight_penalty: Weight
    dropout: Probability = 0.5


class HamNet(Strict):
    """One network per spectrum, none of them sharing weights; `streams` is the number of `input.spectra`.

    `head` says what stands on each stream's backbone and how the streams come together.
    """

    name: Literal["hamnet"]
    backbone: Backbone
    streams: Count
    head: Annotated[Ide | Released | Pcb | Mgn | Abd, Field(discriminator="name")]

    @model_validator(mode="after")
    def _parts_fit(self) -> "HamNet":
        fused = self.head.name == "released" or (self.head.name == "ide" and self.head.class_aware)
        if fused and self.streams < 2:
            raise ValueError(
                "class-aware fusion needs two streams or more: raise streams or set head.class_aware to false"
            )
        if self.head.name in ("mgn", "abd") and self.backbone.name != "resnet50":
            raise ValueError(
                f"{self.head.name} is built from the stages of resnet50: set backbone.name to that, not to "
                f"{self.backbone.name}"
            )
        return self
