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
    and of the stem), `depth` the share of the published number of blocks in every stage, at least one (of
    Inception-v3: of those that repeat the one before). `weights` are what it starts from: `imagenet` those
    that torchvision or timm publish for the whole network, `rendered` those that `vreid pretrain` made for
    this width and depth, null none.
    """

    name: BackboneName
    width: Annotated[float, Field(gt=0, le=1)] = 1.0
    depth: Annotated[float, Field(gt=0, le=1)] = 1.0
    weights: Literal["imagenet", "rendered"] | None = "imagenet"

    @model_validator(mode="after")
    def _weights_need_the_published_shape(self) -> "Backbone":
        if self.weights == "imagenet" and (self.width != 1 or self.depth != 1):
            raise ValueError(
                f"ImageNet weights exist for {self.name} at its published width and depth alone: set weights "
                "to rendered or null for a smaller one"
            )
        return self


def rendered_name(name: str, width: float, depth: float = 1.0) -> str:
    """Return the name of the file with a network's weights from rendered vehicles."""
    shallow = "" if depth == 1 else f"-d{depth:g}"
    return f"{name}-w{width:g}{shallow}.safetensors"
