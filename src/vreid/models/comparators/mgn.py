"""Multiple granularity network: three branches that see the image whole, in two and in three stripes."""

import copy

import torch
from torch import Tensor, nn

from vreid.models.backbones.resnet import ResNetParts, resnet50_parts, with_stride
from vreid.models.layers.classifier import identity_classifier
from vreid.models.layers.stripes import pooled, stripes
from vreid.models.output import Output
from vreid.params.models.backbone import Backbone

REDUCTION = 8
"""Channels of the backbone for each channel of a reduced vector: 2048 to 256."""

GRANULARITIES = (1, 2, 3)


class Mgn(nn.Module):
    """MGN (Wang et al., "Learning Discriminative Features with Multiple Granularities ...", ACM MM 2018).

    After the first block of conv4_x the network parts into three branches, each with its own copy of the
    rest; only the first keeps the stride of conv5_x. A branch pools the maximum of the whole map, and the
    second and third of two and three stripes too. Each of the eight vectors is reduced (1 x 1 convolution,
    batch normalisation, ReLU) and classified; the three of whole maps are the embeddings of a triplet loss.
    The representation is all eight, 8 x 256 numbers as published.

    All eight classifiers see reduced vectors, as in the public reimplementation whose losses are taken too;
    the paper itself can be read as if the three of whole maps saw the vectors before.
    """

    def __init__(self, backbone: Backbone, classes: int) -> None:
        super().__init__()
        parts = resnet50_parts(backbone, last_stride=1)
        self.trunk = nn.Sequential(parts.stem, parts.layer1, parts.layer2, parts.layer3[0])
        self.branches = nn.ModuleList(_branch(parts, stride=2 if n == 1 else 1) for n in GRANULARITIES)
        channels = parts.channels[3]
        reduced = max(1, channels // REDUCTION)
        vectors = sum(1 if n == 1 else 1 + n for n in GRANULARITIES)
        self.reductions = nn.ModuleList(_reduction(channels, reduced) for _ in range(vectors))
        self.classifiers = nn.ModuleList(identity_classifier(reduced, classes) for _ in range(vectors))

    def forward(self, images: Tensor) -> Output:
        """Return the `Output` of normalised `images` (B, 3, H, W); in training B is at least 2."""
        shared = self.trunk(images)
        vectors: list[Tensor] = []
        whole: list[int] = []
        for branch, count in zip(self.branches, GRANULARITIES, strict=True):
            whole.append(len(vectors))
            vectors += _maxima(branch(shared), count)
        with torch.autocast(images.device.type, enabled=False):
            reduced = [reduce(vector) for reduce, vector in zip(self.reductions, vectors, strict=True)]
            classified = zip(self.classifiers, reduced, strict=True) if self.training else ()
            logits = tuple(classify(vector) for classify, vector in classified)
        feature = torch.cat(reduced, dim=1)
        embeddings = tuple(reduced[position] for position in whole)
        return Output(logits, embeddings, before_neck=feature, after_neck=feature)


def _branch(parts: ResNetParts, stride: int) -> nn.Sequential:
    rest = copy.deepcopy(parts.layer3[1:])
    return nn.Sequential(rest, with_stride(copy.deepcopy(parts.layer4), stride))


def _reduction(channels: int, reduced: int) -> nn.Sequential:
    # The vectors are 1 x 1 maps, on which a linear layer is the convolution.
    linear = nn.Linear(channels, reduced, bias=False)
    nn.init.kaiming_normal_(linear.weight)
    return nn.Sequential(linear, nn.BatchNorm1d(reduced), nn.ReLU())


def _maxima(features: Tensor, count: int) -> list[Tensor]:
    """Return the maximum of the whole map and, where `count` is above 1, of each of so many stripes."""
    parts = stripes(features, count, 2) if count > 1 else ()
    return [pooled(part, "max") for part in (features, *parts)]
