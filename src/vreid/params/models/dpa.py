"""The networks of the DpA paper."""

from typing import Literal

from vreid.params.models.backbone import Backbone
from vreid.params.numbers import Count, Positive
from vreid.params.strict import Strict

AttentionName = Literal["cpa", "spa", "dpa", "se", "non_local", "cbam", "ca"]


class Attention(Strict):
    """Which attention follows which stage of the backbone; null none (DpA paper, Tables 3 to 5).

    `cpa` and `spa` are the two halves of `dpa`. `se`, `non_local`, `cbam` and `ca` (coordinate attention) are
    what the paper compares it with.
    """

    conv3: AttentionName | None = None
    conv4: AttentionName | None = None
    conv5: AttentionName | None = None


class DualPooling(Strict):
    """What the paper leaves open of CpA, SpA and DpA.

    `gem_p` is the exponent of their generalised mean (Eq. 3), to start from where it is `gem_learnable`.
    `kernels` is the number of kernels of their dynamic convolutions. `fusion` multiplies the two attention
    maps and the features, or concatenates the features under either map and brings them back to C channels.
    """

    gem_p: Positive = 1.0
    gem_learnable: bool = False
    kernels: Count = 1
    fusion: Literal["product", "concatenate"] = "product"


class Reductions(Strict):
    """By how much the hidden layers of the attentions that DpA is compared with are narrower than the map."""

    se: Count = 16
    non_local: Count = 2
    cbam: Count = 16
    ca: Count = 32


class Dpa(Strict):
    """ResNet-50 with attention, pooling, batch-normalisation neck and a classifier (DpA paper, Fig. 2).

    `input_size` is (height, width) of the run's input in pixels: SpA has weights for every place of the map.
    `gem_p` is the exponent of the last pooling. The metric loss works on `metric_feature`. The classifier is
    linear, or gives the cosines that circle softmax wants.
    """

    name: Literal["dpa"]
    backbone: Backbone
    input_size: tuple[Count, Count]
    last_stride: Literal[1, 2] = 1
    attention: Attention = Attention(conv4="dpa")
    dual_pooling: DualPooling = DualPooling()
    reductions: Reductions = Reductions()
    pooling: Literal["gem", "average"] = "gem"
    gem_p: Positive = 3.0
    gem_learnable: bool = True
    metric_feature: Literal["before_neck", "after_neck"] = "before_neck"
    classifier: Literal["linear", "cosine"] = "linear"
