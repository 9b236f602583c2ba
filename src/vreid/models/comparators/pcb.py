"""Part-based convolutional baseline: one classifier for each horizontal stripe."""

from typing import Any

import torch
from torch import Tensor, nn

from vreid.models.backbones.build import build_backbone
from vreid.models.layers.classifier import identity_classifier
from vreid.models.layers.stripes import pooled, stripes
from vreid.models.output import Output
from vreid.params.models.backbone import Backbone
from vreid.params.models.hamnet import Pcb as PcbConfig

REDUCTION = 8
"""Channels of the backbone for each channel of a reduced stripe: 2048 to 256."""


class Pcb(nn.Module):
    """PCB (Sun et al., "Beyond Part Models: Person Retrieval with Refined Part Pooling", ECCV 2018).

    The mean of each stripe of the last feature map, the last stage without stride, is reduced by one 1 x 1
    convolution for all stripes (with batch normalisation and ReLU) and classified by a classifier of its own.
    Dropout stands before the reduction. The representation is the stripes as they are before both, one after
    the other: 6 x 2048 numbers as published, where the map is 24 rows high and the stripes are 4. On a map of
    8 rows, 128 x 256 pixels, six stripes are two rows each and overlap.
    """

    def __init__(self, backbone: Backbone, config: PcbConfig, classes: int) -> None:
        super().__init__()
        self.backbone = build_backbone(backbone, last_stride=1)
        channels: Any = self.backbone.channels
        reduced = max(1, channels // REDUCTION)
        self.stripes = config.stripes
        self.dropout = nn.Dropout(config.dropout)
        convolution = nn.Conv1d(channels, reduced, 1, bias=False)
        nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
        self.reduction = nn.Sequential(convolution, nn.BatchNorm1d(reduced), nn.ReLU())
        self.classifiers = nn.ModuleList(identity_classifier(reduced, classes) for _ in range(config.stripes))

    def forward(self, images: Tensor) -> Output:
        """Return the `Output` of normalised `images` (B, 3, H, W); it has no embeddings."""
        parts = [pooled(stripe, "average") for stripe in stripes(self.backbone(images), self.stripes, 2)]
        feature = torch.cat(parts, dim=1)
        with torch.autocast(images.device.type, enabled=False):
            logits = self._logits(torch.stack(parts, dim=2)) if self.training else ()
        return Output(logits, embeddings=(), before_neck=feature, after_neck=feature)

    def _logits(self, parts: Tensor) -> tuple[Tensor, ...]:
        reduced = self.reduction(self.dropout(parts)).unbind(2)
        return tuple(classify(part) for classify, part in zip(self.classifiers, reduced, strict=True))
