"""The backbone of a network: which, how wide, and what it starts from."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from vreid.params.strict import Strict

BackboneName = Literal[
    "resnet50",
    "se_resnet50",
    "densenet121",
    "inception_v3",
    "inception_resnet_v2",
    "mobilenet_v2",
]


class Backbone(Strict):
    """A backbone by its published name.

    `width` is the share of the published number of channels in every layer (of DenseNet: of the growth rate
    and of the stem). `weights` are what it starts from: `imagenet` those that torchvision or timm publish
    for the full width, `rendered` those that `vreid pretrain` made for this width, null none.
    """

    name: BackboneName
    width: Annotated[float, Field(gt=0, le=1)] = 1.0
    weights: Literal["imagenet", "rendered"] | None = "imagenet"

    @model_validator(mode="after")
    def _weights_need_the_published_width(self) -> "Backbone":
        if self.weights == "imagenet" and self.width != 1:
            raise ValueError(
                f"ImageNet weights exist for {self.name} at its published width alone: set weights to "
                "rendered or null for a narrower one"
            )
        return self
