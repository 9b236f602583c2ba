"""The network of the SE-DenseNet paper."""

from typing import Annotated, Literal

from pydantic import Field

from vreid.params.models.backbone import Backbone
from vreid.params.strict import Strict


class SeDenseNet(Strict):
    """DenseNet121 with optional SE blocks and mid-level features (SE-DenseNet paper, sec. 3.2)."""

    name: Literal["se_densenet"]
    backbone: Backbone
    se: bool
    se_reduction: Annotated[int, Field(gt=0)] = 16
    mid_features: bool
    se4_norm5: Literal["after", "before", "none"] = "after"
